//! Microsoft's description of Graph v1.0, asked about one exchange.

use std::collections::BTreeSet;

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};
use url::Url;

use crate::recorder::Exchange;

const DOCUMENT: &str = include_str!("graph-v1-subset.openapi.json");

/// Where a listing goes on: the service's own, in links that it has given out
/// (learn.microsoft.com/graph/paging, …/delta-query-overview).
const CONTINUATIONS: [&str; 2] = ["$skiptoken", "$deltatoken"];

/// A route that was pruned from the document, with the schema of what it gives. Its parameters are those of
/// every listing; the one of groups has no schema in the document, and its rows may hold what was selected.
struct Pruned {
    template: &'static str,
    schema: Option<&'static str>,
    is_list: bool,
}

const PRUNED: [Pruned; 3] = [
    Pruned { template: "/users/{user-id}", schema: Some("microsoft.graph.user"), is_list: false },
    Pruned { template: "/groups", schema: None, is_list: true },
    Pruned {
        template: "/groups/{group-id}/transitiveMembers/microsoft.graph.user",
        schema: Some("microsoft.graph.user"),
        is_list: true,
    },
];

/// Parameters of every listing (docs.oasis-open.org/odata/odata/v4.01, System Query Options).
const LISTING: [&str; 6] = ["$top", "$skip", "$search", "$filter", "$count", "$select"];

pub(crate) struct Contract {
    document: Value,
}

/// What the document says of one path.
struct Operation<'a> {
    template: String,
    /// Names of query parameters and headers; `None` when they were pruned.
    parameters: Option<Vec<&'a Value>>,
    /// The schema of a row, where there is one.
    row: Option<&'a Value>,
    is_list: bool,
}

impl Contract {
    pub(crate) fn read() -> Self {
        let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
        as_json_schema(&mut document);
        Self { document }
    }

    /// What is wrong with an exchange; `links` are those that the service has given out before.
    pub(crate) fn violations(&self, exchange: &Exchange, links: &BTreeSet<String>) -> Vec<String> {
        let Some(path) = exchange.url.path().strip_prefix("/v1.0") else {
            return vec![format!("{} is not of v1.0", exchange.url)];
        };
        let Some(operation) = self.operation(path) else { return vec![format!("no path is {path}")] };
        let mut wrong = Vec::new();
        if exchange.method != Method::GET {
            wrong.push(format!("{} is not GET", exchange.method));
        }
        self.check_request(&operation, exchange, links, &mut wrong);
        self.check_answer(&operation, exchange, &mut wrong);
        wrong.iter().map(|wrong| format!("{} {}: {wrong}", exchange.status, exchange.url)).collect()
    }

    fn operation(&self, path: &str) -> Option<Operation<'_>> {
        let declared = self.document["paths"].as_object().unwrap();
        if let Some((template, item)) = declared.iter().find(|(template, _)| fits(template, path)) {
            let get = &item["get"];
            let parameters = [&item["parameters"], &get["parameters"]];
            let parameters = parameters.into_iter().filter_map(Value::as_array).flatten();
            let parameters: Vec<&Value> = parameters.map(|parameter| self.resolved(parameter)).collect();
            let schema = self.resolved(&get["responses"]["200"]["content"]["application/json"]["schema"]);
            let rows = &schema["properties"]["value"]["items"];
            let (row, is_list) = if rows.is_null() { (schema, false) } else { (self.resolved(rows), true) };
            // The document gives the function `delta` none, whatever else it takes.
            let parameters = (!parameters.is_empty()).then_some(parameters);
            return Some(Operation { template: template.clone(), parameters, row: Some(row), is_list });
        }
        let pruned = PRUNED.iter().find(|pruned| fits(pruned.template, path))?;
        let row = pruned.schema.map(|name| &self.document["components"]["schemas"][name]);
        Some(Operation {
            template: pruned.template.to_owned(),
            parameters: None,
            row,
            is_list: pruned.is_list,
        })
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    fn check_request(
        &self,
        operation: &Operation<'_>,
        exchange: &Exchange,
        links: &BTreeSet<String>,
        wrong: &mut Vec<String>,
    ) {
        let declared = |place: &str, name: &str| match &operation.parameters {
            Some(parameters) => parameters.iter().copied().find(|parameter| {
                parameter["in"] == place && parameter["name"].as_str().unwrap().eq_ignore_ascii_case(name)
            }),
            None => None,
        };
        let is_pruned = operation.parameters.is_none();
        if exchange.eventual && !is_pruned && declared("header", "ConsistencyLevel").is_none() {
            wrong.push("the header ConsistencyLevel is not declared".to_owned());
        }
        let begins_a_feed = operation.template == "/users/delta";
        let mut names = BTreeSet::new();
        for (name, value) in exchange.url.query_pairs() {
            if !names.insert(name.to_string()) {
                wrong.push(format!("{name} is there twice"));
            }
            if CONTINUATIONS.contains(&&*name) {
                let documented = begins_a_feed && (&*name, &*value) == ("$deltatoken", "latest");
                if !documented && !links.contains(exchange.url.as_str()) {
                    wrong.push("it goes on at a link that was not given out".to_owned());
                }
                continue;
            }
            let parameter = declared("query", &name);
            if parameter.is_none() && !(is_pruned && LISTING.contains(&&*name)) {
                wrong.push(format!("the parameter {name} is not declared"));
            }
            match &*name {
                "$select" => check_select(operation, parameter, &value, wrong),
                "$filter" => self.check_filter(operation, &value, wrong),
                "$top" if !value.parse().is_ok_and(|top: u32| (1..=999).contains(&top)) => {
                    wrong.push(format!("$top={value} is out of range"));
                }
                "$count" if &*value != "true" => wrong.push(format!("$count={value}")),
                _ => {}
            }
        }
    }

    /// Comparisons of one property with one value, which is all that is asked for.
    fn check_filter(&self, operation: &Operation<'_>, value: &str, wrong: &mut Vec<String>) {
        let words: Vec<&str> = value.split(' ').collect();
        let [name, "eq", literal] = words[..] else {
            wrong.push(format!("$filter={value} is not understood"));
            return;
        };
        let property = operation.row.and_then(|row| row["properties"].get(name));
        let Some(property) = property else {
            wrong.push(format!("$filter names {name}, which does not exist"));
            return;
        };
        let literal = json!(literal.trim_matches('\''));
        if !self.validator(property).is_valid(&literal) {
            wrong.push(format!("{name} cannot be {literal}"));
        }
    }

    fn check_answer(&self, operation: &Operation<'_>, exchange: &Exchange, wrong: &mut Vec<String>) {
        let body = &exchange.body;
        match exchange.status {
            200 => {}
            400..=499 => {
                self.check_schema(&self.document["components"]["schemas"]["error"], body, wrong);
                return;
            }
            status => {
                wrong.push(format!("{status} is not declared"));
                return;
            }
        }
        let none = Vec::new();
        let one = std::slice::from_ref(body);
        let rows = if operation.is_list { body["value"].as_array().unwrap_or(&none).as_slice() } else { one };
        if operation.is_list && !body["value"].is_array() {
            wrong.push("there is no list".to_owned());
        }
        let selected: Option<BTreeSet<String>> = exchange
            .url
            .query_pairs()
            .find(|(name, _)| name == "$select")
            .map(|(_, names)| names.split(',').map(str::to_owned).collect());
        for row in rows {
            if let Some(schema) = operation.row {
                self.check_schema(schema, row, wrong);
            }
            for name in row.as_object().into_iter().flat_map(serde_json::Map::keys) {
                let is_annotation = name.contains('@');
                let declared = operation.row.is_none_or(|row| has(row, name));
                let wanted = selected.as_ref().is_none_or(|names| names.contains(name)) || name == "id";
                if !(is_annotation || declared && wanted) {
                    wrong.push(format!("a row has {name}, which is not declared or was not selected"));
                }
            }
        }
    }

    fn check_schema(&self, schema: &Value, body: &Value, wrong: &mut Vec<String>) {
        let validator = self.validator(schema);
        let errors = validator.iter_errors(body).take(3);
        wrong.extend(errors.map(|error| format!("{error} at {}", error.instance_path)));
    }

    fn validator(&self, schema: &Value) -> Validator {
        let schema = json!({ "allOf": [schema], "components": self.document["components"] });
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    }
}

fn check_select(operation: &Operation<'_>, parameter: Option<&Value>, value: &str, wrong: &mut Vec<String>) {
    let listed = parameter.and_then(|parameter| parameter["schema"]["items"]["enum"].as_array());
    let mut names = BTreeSet::new();
    for name in value.split(',') {
        let known = match listed {
            Some(listed) => listed.iter().any(|known| known == name),
            None => operation.row.is_none_or(|row| has(row, name)),
        };
        if !known {
            wrong.push(format!("$select names {name}, which does not exist"));
        }
        if !names.insert(name) {
            wrong.push(format!("$select names {name} twice"));
        }
    }
}

/// Whether a schema has a property. One without any is a stub of the document for a type that was pruned.
fn has(schema: &Value, property: &str) -> bool {
    schema["properties"].as_object().is_none_or(|properties| properties.contains_key(property))
}

/// Whether a path is one of a template's.
fn fits(template: &str, path: &str) -> bool {
    let (mut of_template, mut of_path) = (template.split('/'), path.split('/'));
    loop {
        match (of_template.next(), of_path.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) => {
                let (before, after) = match (pattern.find('{'), pattern.rfind('}')) {
                    (Some(start), Some(end)) => (&pattern[..start], &pattern[end + 1..]),
                    _ if pattern == segment => continue,
                    _ => return false,
                };
                // Values of functions are quoted.
                let long = segment.len() > before.len() + after.len();
                if !(long && segment.starts_with(before) && segment.ends_with(after)) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// OpenAPI 3.0 says `nullable` where JSON Schema says that `null` is a type of its own.
fn as_json_schema(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        let nullable = object.remove("nullable") == Some(json!(true));
        object.values_mut().for_each(as_json_schema);
        if nullable {
            let schema = Value::Object(std::mem::take(object));
            *value = json!({ "anyOf": [schema, { "type": "null" }] });
        }
    } else if let Some(array) = value.as_array_mut() {
        array.iter_mut().for_each(as_json_schema);
    }
}

/// The check itself, with one thing wrong at a time.
#[test]
fn what_is_wrong_is_noticed() {
    let contract = Contract::read();
    let id = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
    let exchange = |target: &str, body: Value| Exchange {
        method: Method::GET,
        url: Url::parse(&format!("https://graph.microsoft.com{target}")).unwrap(),
        eventual: false,
        status: 200,
        body,
    };
    let sound = json!({ "value": [{ "id": id, "mail": "mira@contoso.example" }] });
    let relationships = "/v1.0/tenantRelationships/delegatedAdminRelationships";
    let violations =
        |target: &str, body: &Value| contract.violations(&exchange(target, body.clone()), &BTreeSet::new());
    assert_eq!(violations("/v1.0/users?$select=id,mail&$top=999", &sound), Vec::<String>::new());
    for (target, body) in [
        ("/beta/users", sound.clone()),
        ("/v1.0/managedTenants/users", sound.clone()),
        ("/v1.0/users?$select=id,nickname", sound.clone()),
        ("/v1.0/users?$select=id,mail,id", sound.clone()),
        ("/v1.0/users?$top=1000", sound.clone()),
        ("/v1.0/users?$top=5&$top=5", sound.clone()),
        ("/v1.0/users?$expand=manager", sound.clone()),
        ("/v1.0/users?$skiptoken=invented", sound.clone()),
        ("/v1.0/users?$select=id", sound.clone()),
        ("/v1.0/users", json!({ "value": [{ "id": 7 }] })),
        ("/v1.0/users", json!({ "value": [{ "id": id, "nickname": "m" }] })),
        ("/v1.0/users", json!({ "value": [{ "id": id, "businessPhones": null }] })),
        ("/v1.0/users", json!([])),
        (&format!("{relationships}?$filter=state eq 'active'"), json!({ "value": [] })),
        (&format!("{relationships}?$filter=status eq 'alive'"), json!({ "value": [] })),
    ] {
        assert!(!violations(target, &body).is_empty(), "{target} {body}");
    }
    let mut failed = exchange("/v1.0/users", json!({ "error": { "code": "x" } }));
    failed.status = 404;
    assert!(!contract.violations(&failed, &BTreeSet::new()).is_empty(), "an error without a message");
    let mut eventual = exchange("/v1.0/organization", json!({ "value": [] }));
    eventual.eventual = true;
    assert!(!contract.violations(&eventual, &BTreeSet::new()).is_empty(), "a header that is not declared");
}
