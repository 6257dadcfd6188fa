//! Who may call what: every route, called by every kind of caller, with every feature on and off.
//!
//! The routes are those of the whole service on this machine, with real tokens. They are held against the
//! template's, and what is not in the table of [`routes`] has to be refused as a wrong method: a new route, or
//! a new method of one, fails here until somebody has said who may call it.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod apart;
mod callers;
mod codes;
mod guide;
mod routes;
mod service;

use std::collections::BTreeSet;

use domain::flags::Feature;
use tests::template::Template;

use crate::{
    callers::{Caller, MASTER_KEY},
    routes::{Answer, Guard, METHODS, ROUTES, Route, open_paths},
    service::Service,
};

#[test]
fn the_table_has_every_route_of_the_gateway() {
    let template = Template::load();
    let deployed: BTreeSet<&str> = template
        .resources("AWS::ApiGatewayV2::Route")
        .into_iter()
        .map(|(_, route)| route["RouteKey"].as_str().unwrap().split_once(' ').unwrap().1)
        .collect();
    let listed: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).chain(open_paths()).collect();
    assert_eq!(listed, deployed);
}

#[tokio::test]
async fn a_method_that_is_not_in_the_table_is_no_method_of_its_route() {
    let service = Service::start().await;
    service.switch_on(&Feature::ALL).await;
    for path in ROUTES.iter().map(|route| route.path).collect::<BTreeSet<_>>() {
        for method in METHODS {
            if ROUTES.iter().any(|route| (route.method, route.path) == (method, path)) {
                continue;
            }
            let answer = service.call(Caller::Updater, method, path, "{}").await;
            assert_eq!(answer, Answer::refusal(405, "method_not_allowed"), "{method} {path}");
        }
        let answer = service.call(Caller::Nobody, "OPTIONS", path, "").await;
        assert_eq!(answer.status, 204, "{path}");
    }
}

#[tokio::test]
async fn every_caller_at_every_route() {
    let service = Service::start().await;
    service.switch_on(&Feature::ALL).await;
    let mut wrong = Vec::new();
    for caller in Caller::ALL {
        for route in ROUTES {
            let expected =
                refusal(caller, route).map_or(route.admitted, |(status, code)| Answer::refusal(status, code));
            let answer = service.ask(caller, route).await;
            if answer != expected {
                wrong.push(format!(
                    "{caller:?} at {} {} {}: {answer:?}",
                    route.method, route.path, route.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are not those of the table:\n{}", wrong.len(), wrong.join("\n"));
}

/// Switched off, a route is as good as not there for whoever could use it; everybody else is told what they
/// are told otherwise. Switched on again, everything is back.
#[tokio::test]
async fn what_is_switched_off_is_hidden_and_comes_back() {
    let service = Service::start().await;
    let off = |feature: Feature| {
        let code = if feature == Feature::Ui { "integration_disabled" } else { "feature_disabled" };
        Answer::refusal(404, code)
    };
    for feature in Feature::ALL {
        service.switch_on(&Feature::ALL).await;
        service.switch_off(feature).await;
        for route in ROUTES {
            let is_hidden = route.guard.is_of_the_integration()
                && (feature == Feature::Ui || route.feature == Some(feature));
            for caller in [Caller::Updater, Caller::WithoutPermission, Caller::Portal, Caller::Nobody] {
                let expected = match refusal(caller, route) {
                    Some((status, code)) => Answer::refusal(status, code),
                    None if is_hidden => off(feature),
                    None => route.admitted,
                };
                let answer = service.ask(caller, route).await;
                assert_eq!(answer, expected, "{feature} off: {caller:?} at {route:?}");
            }
        }
    }
    service.switch_on(&Feature::ALL).await;
    for route in ROUTES {
        assert_eq!(service.ask(Caller::Updater, route).await, route.admitted, "{route:?}");
    }
}

/// No flag was ever made: the integration is off.
#[tokio::test]
async fn without_flags_nothing_is_shown() {
    let service = Service::start().await;
    for route in ROUTES.iter().filter(|route| route.guard.is_of_the_integration()) {
        let answer = service.ask(Caller::Updater, route).await;
        assert_eq!(answer, Answer::refusal(404, "integration_disabled"), "{route:?}");
    }
}

/// What the guards say to a caller, whatever the request is about; `None` for whoever they admit.
fn refusal(caller: Caller, route: &Route) -> Option<(u16, &'static str)> {
    match route.guard {
        Guard::Approve | Guard::Operate | Guard::Read | Guard::Update => {
            match caller {
                Caller::Community => Some((501, "enterprise_only")),
                // A key decides about flags and opens nothing else.
                Caller::Nobody | Caller::WrongToken | Caller::Key | Caller::WrongKey => {
                    Some((401, "not_authenticated"))
                }
                Caller::Portal => Some((403, "portal_user_denied")),
                Caller::WithoutPermission => Some((403, "permission_denied")),
                Caller::Reader => (route.guard != Guard::Read).then_some((403, "permission_denied")),
                Caller::Operator => (!matches!(route.guard, Guard::Read | Guard::Operate))
                    .then_some((403, "permission_denied")),
                Caller::Approver => (!matches!(route.guard, Guard::Read | Guard::Approve))
                    .then_some((403, "permission_denied")),
                Caller::Blind => (route.guard == Guard::Read).then_some((403, "permission_denied")),
                Caller::WithoutClients => route.creates_clients.then_some((403, "permission_denied")),
                Caller::Updater | Caller::OtherWorkspace => None,
            }
        }
        Guard::Master => match caller {
            Caller::Community => Some((501, "enterprise_only")),
            Caller::Nobody | Caller::WrongToken | Caller::WrongKey | Caller::OtherWorkspace => {
                Some((403, "master_workspace_only"))
            }
            Caller::Portal => Some((403, "portal_user_denied")),
            Caller::WithoutPermission => Some((403, "permission_denied")),
            Caller::Reader | Caller::Operator | Caller::Approver => {
                (route.method != "GET").then_some((403, "permission_denied"))
            }
            Caller::Blind => (route.method == "GET").then_some((403, "permission_denied")),
            Caller::Updater | Caller::WithoutClients | Caller::Key => None,
        },
    }
}

#[test]
fn the_key_of_these_tests_is_long_enough() {
    assert!(MASTER_KEY.len() >= 32);
}
