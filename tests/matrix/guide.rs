//! The rollout guide: two requests with a key, sent as they are printed there.

use serde_json::{Value, json};

use crate::{callers::Caller, service::Service};

const STATUS: &str = "/api/integrations/entra";
const QUEUE: &str = "/api/integrations/entra/reconciliation-queue";

#[tokio::test]
async fn two_requests_switch_the_integration_on_for_a_workspace() {
    let service = Service::start().await;
    let (status, hidden) = service.send(Caller::Updater, "GET", STATUS, "").await;
    assert_eq!((status, &hidden["code"]), (404, &json!("integration_disabled")));

    // 1. Make the flags.
    let ensure = r#"{"__action":"ensure_entra_phase1_flags"}"#;
    let (status, made) = service.send(Caller::Key, "POST", FLAGS, ensure).await;
    assert_eq!((status, made["data"]["createdKeys"].as_array().map(Vec::len)), (200, Some(5)), "{made}");
    let (_, again) = service.send(Caller::Key, "POST", FLAGS, ensure).await;
    assert_eq!(again["data"], json!({ "createdKeys": [], "existingKeys": made["data"]["createdKeys"] }));

    // 2. Switch them on for one workspace; whom they are on for is in the list.
    let (_, listed) = service.send(Caller::Key, "GET", FLAGS, "").await;
    let add = json!({ "__action": "add", "tenantId": service.workspace() }).to_string();
    for flag in listed["data"].as_array().unwrap() {
        let path = format!("{FLAGS}/{}/tenants", flag["id"].as_str().unwrap());
        let (status, on) = service.send(Caller::Key, "POST", &path, &add).await;
        assert_eq!((status, &on["success"], &on["data"]["id"]), (200, &json!(true), &flag["id"]), "{on}");
    }
    for path in [STATUS, QUEUE] {
        let (status, shown) = service.send(Caller::Updater, "GET", path, "").await;
        assert_eq!(status, 200, "{shown}");
        let (status, hidden) = service.send(Caller::OtherWorkspace, "GET", path, "").await;
        assert_eq!((status, &hidden["code"]), (404, &json!("integration_disabled")), "nobody else");
    }

    // And off again, at once; what was decided is still there when it is on once more.
    let change = json!({ "vanish": { "confirmations": 5 } }).to_string();
    let settings = "/api/integrations/entra/settings";
    let (status, before) = service.send(Caller::Updater, "PATCH", settings, &change).await;
    assert_eq!(status, 200, "{before}");
    let path = format!("{FLAGS}/entra-integration-ui/tenants");
    let remove = json!({ "__action": "remove", "tenantId": service.workspace() }).to_string();
    assert_eq!(service.send(Caller::Key, "POST", &path, &remove).await.0, 200);
    assert_eq!(service.send(Caller::Updater, "GET", settings, "").await.0, 404);
    assert_eq!(service.send(Caller::Key, "POST", &path, &add).await.0, 200);
    let (status, after): (u16, Value) = service.send(Caller::Updater, "GET", settings, "").await;
    assert_eq!((status, after), (200, before));
}

const FLAGS: &str = "/api/v1/platform-feature-flags";

/// The steps of infra/README.md.
#[test]
fn every_request_of_the_printed_steps_is_a_route() {
    let guide = tests::repository::text("infra/README.md");
    let (_, steps) = guide.split_once("## Roll it out").unwrap();
    let (steps, _) = steps.split_once("\n## ").unwrap();
    let numbered = steps.lines().filter(|line| line.chars().next().is_some_and(|it| it.is_ascii_digit()));
    assert_eq!(numbered.count(), 9);
    let mut asked = Vec::new();
    for (before, after) in steps.match_indices("$API/api/").map(|(at, _)| steps.split_at(at)) {
        let method = before.rsplit([' ', '`', '"']).find(|word| !word.is_empty()).unwrap();
        let method = if ["GET", "POST"].contains(&method) { method } else { "GET" };
        let path = after.trim_start_matches("$API").split(['`', '"', ' ', '\n']).next().unwrap();
        let is_route = crate::routes::ROUTES.iter().any(|route| route.method == method && route.path == path);
        assert!(is_route, "{method} {path}");
        asked.push(path);
    }
    assert!(asked.len() >= 9, "{asked:?}");
}
