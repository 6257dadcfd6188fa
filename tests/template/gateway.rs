//! Routes: the gateway's against the routers'.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::{repository, template::Template};

/// Routes whose function is its own guard, because a key may take the place of a token.
const FLAGS: &str = "/api/v1/platform-feature-flags";
const CALLBACK: &str = "/api/auth/microsoft/entra/callback";

#[test]
fn every_route_of_every_router_is_a_route_of_the_gateway_and_leads_to_its_function() {
    let template = Template::load();
    let mut expected = BTreeMap::new();
    for function in repository::functions().into_iter().filter(|name| name != "local") {
        for path in routes(&function) {
            let other = expected.insert(path.clone(), function.clone());
            assert_eq!(other, None, "{path} is in two functions");
        }
    }
    assert!(expected.len() > 20, "{expected:?}");
    let deployed: BTreeMap<String, String> = answered(&template)
        .into_iter()
        .map(|(_, route)| (path(route).to_owned(), target(&template, route)))
        .collect();
    assert_eq!(deployed, expected);
}

/// A browser asks before it sends, without a token; `ANY` takes that as well, and its authorizer would refuse it.
#[test]
fn whoever_asks_before_sending_is_answered_without_a_token() {
    let template = Template::load();
    let of = |route: &Value| (path(route).to_owned(), target(&template, route));
    let guarded = answered(&template).into_iter().filter(|(_, route)| path(route) != CALLBACK);
    let guarded: BTreeMap<String, String> = guarded.map(|(_, route)| of(route)).collect();
    let preflights: Vec<&Value> = routes_of(&template)
        .into_iter()
        .map(|(_, route)| route)
        .filter(|route| method(route) == "OPTIONS")
        .collect();
    assert!(preflights.iter().all(|route| route["AuthorizationType"] == "NONE"));
    assert_eq!(preflights.into_iter().map(of).collect::<BTreeMap<_, _>>(), guarded);
    let allowed = template.resource("Api")["CorsConfiguration"]["AllowHeaders"].as_array().unwrap();
    for header in ["authorization", "content-type", "x-api-key", "x-request-id"] {
        assert!(allowed.iter().any(|allowed| allowed == header), "{header}");
    }
}

#[test]
fn only_the_callback_is_open_and_only_flags_are_their_own_guard() {
    let template = Template::load();
    for (id, route) in answered(&template) {
        if path(route) == CALLBACK {
            assert_eq!(route["AuthorizationType"], "NONE");
        } else {
            assert_eq!(route["AuthorizationType"], "CUSTOM", "{id}");
            let is_its_own_guard = path(route).starts_with(FLAGS);
            let authorizer = if is_its_own_guard { "FlagsAuthorizer" } else { "ApiAuthorizer" };
            assert_eq!(route["AuthorizerId"]["Ref"], authorizer, "{id}");
        }
    }
}

#[test]
fn the_gateway_asks_for_every_token_and_route_by_itself() {
    let template = Template::load();
    let authorizer = template.resource("ApiAuthorizer");
    assert_eq!(authorizer["AuthorizerPayloadFormatVersion"], "2.0");
    assert_eq!(authorizer["EnableSimpleResponses"], true);
    // What is remembered is remembered for this token and this route, and for a minute at most.
    assert!(authorizer["AuthorizerResultTtlInSeconds"].as_u64().unwrap() <= 60);
    let sources: BTreeSet<&str> =
        authorizer["IdentitySource"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(sources, BTreeSet::from(["$context.routeKey", "$request.header.Authorization"]));
}

/// What is let on without a token must be let on anew each time, and nowhere else.
#[test]
fn the_authorizer_lets_exactly_those_routes_on_without_a_token() {
    let template = Template::load();
    let authorizer = template.resource("FlagsAuthorizer");
    assert_eq!(authorizer["AuthorizerResultTtlInSeconds"], 0);
    assert_eq!(authorizer["AuthorizerUri"], template.resource("ApiAuthorizer")["AuthorizerUri"]);
    let declared = format!("const GUARDED_THERE: &str = \"ANY {FLAGS}\";");
    assert!(repository::text("functions/authorizer/src/event.rs").contains(&declared));
}

#[test]
fn the_gateway_may_call_the_functions_it_leads_to() {
    let template = Template::load();
    let permitted: BTreeSet<&str> = template
        .resources("AWS::Lambda::Permission")
        .into_iter()
        .filter(|(_, permission)| permission["Principal"] == "apigateway.amazonaws.com")
        .map(|(_, permission)| permission["FunctionName"]["Ref"].as_str().unwrap())
        .collect();
    let mut called: BTreeSet<&str> = template
        .resources("AWS::ApiGatewayV2::Integration")
        .into_iter()
        .map(|(_, integration)| integration["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap())
        .collect();
    called.insert("AuthorizerFunction");
    assert_eq!(permitted, called);
}

/// The query of the callback is an authorization code.
#[test]
fn the_access_log_holds_no_query() {
    let template = Template::load();
    let format = template.resource("ApiStage")["AccessLogSettings"]["Format"].as_str().unwrap().to_owned();
    assert!(serde_json::from_str::<Value>(&format).is_ok(), "{format}");
    for variable in ["$context.path", "querystring", "header", "$context.authorizer.principalId"] {
        assert!(!format.contains(variable), "{variable}");
    }
}

fn routes_of(template: &Template) -> Vec<(&str, &Value)> {
    template.resources("AWS::ApiGatewayV2::Route")
}

/// Routes for whatever is asked of a path; the others are for the question in front of it.
fn answered(template: &Template) -> Vec<(&str, &Value)> {
    let routes = routes_of(template).into_iter().filter(|(_, route)| method(route) != "OPTIONS");
    let routes: Vec<_> = routes.collect();
    assert!(routes.iter().all(|(_, route)| method(route) == "ANY"));
    routes
}

fn method(route: &Value) -> &str {
    route["RouteKey"].as_str().unwrap().split_once(' ').unwrap().0
}

fn path(route: &Value) -> &str {
    route["RouteKey"].as_str().unwrap().split_once(' ').unwrap().1
}

fn target(template: &Template, route: &Value) -> String {
    let target = route["Target"]["Fn::Sub"].as_str().unwrap();
    let integration = target.trim_start_matches("integrations/${").trim_end_matches('}');
    let function = template.resource(integration)["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap();
    let functions = template.functions();
    functions.iter().find(|found| found.id == function).unwrap().binary().to_owned()
}

/// The paths a crate's routers have, without a trailing slash: the gateway takes a path with and
/// without one for the same. They are read from the source: `.route("…"`, `.route(NAME`,
/// `.route(&format!("{NAME}…")`.
fn routes(function: &str) -> BTreeSet<String> {
    let sources: Vec<String> = repository::files(&format!("functions/{function}/src"))
        .into_iter()
        .map(|file| repository::text(&file))
        .collect();
    let constants: BTreeMap<String, String> = sources.iter().flat_map(|source| constants(source)).collect();
    let mut routes = BTreeSet::new();
    for source in &sources {
        for argument in source.split(".route(").skip(1) {
            let argument = argument.trim_start().trim_start_matches("&format!(").trim_start();
            let path = match argument.strip_prefix('"') {
                Some(text) => text.split('"').next().unwrap().to_owned(),
                None => format!("{{{}}}", argument.split(',').next().unwrap().trim()),
            };
            let path = constants
                .iter()
                .fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
            assert!(path.starts_with('/'), "{function}: {path}");
            routes.insert(path.trim_end_matches('/').to_owned());
        }
    }
    routes
}

/// Constants that are text.
fn constants(source: &str) -> Vec<(String, String)> {
    let declarations = source.split("const ").skip(1);
    let texts = declarations.filter_map(|declaration| declaration.split_once(": &str = \""));
    texts
        .map(|(name, rest)| (name.to_owned(), rest.split('"').next().unwrap().to_owned()))
        .filter(|(name, _)| name.chars().all(|character| character.is_ascii_uppercase() || character == '_'))
        .collect()
}
