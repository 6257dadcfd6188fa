//! `GET /api/ListGraphRequest` and `GET /api/ListUsers`: what Graph answers the partner, passed on.

use domain::ids::{EntraObjectId, EntraTenantId, GroupId};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::{Asked, Parameters};
use crate::{
    answer::{Body, Reply},
    distortion::distort,
    fake::Inner,
    faults::{CippFault, Effect, Route},
    graph_error::GraphError,
    group_listing,
    listing::{self, Answer, Call},
    tokens::{AccessToken, Account},
};

/// Where links of Graph lead.
const GRAPH: &str = "https://graph.microsoft.com";

/// Options of Graph that are passed on.
const PASSED_ON: [&str; 2] = ["$select", "$top"];

/// What a listing of users holds when nothing is selected.
const EVERYTHING: &str = "id,userPrincipalName,mail,proxyAddresses,displayName,givenName,surname,accountEnabled,\
userType,jobTitle,department,companyName,officeLocation,businessPhones,mobilePhone,assignedLicenses,\
externalUserState,onPremisesSyncEnabled,createdDateTime";

/// What is asked of Graph, and how it is answered.
struct Request<'a> {
    inner: &'a Inner,
    tenant: EntraTenantId,
    effect: Option<&'a Effect>,
}

/// One page of Graph.
struct GraphPage {
    rows: Vec<Value>,
    next: Option<String>,
}

pub(super) fn answer(
    inner: &Inner,
    route: Route,
    parameters: &Parameters,
    asked: Asked,
    effect: Option<&Effect>,
) -> Reply {
    let asked_tenant = match asked {
        Asked::One(tenant) => tenant,
        Asked::All if route == Route::CippUsers => {
            return Reply::new(
                200,
                Body::Json(json!([{ "Message": "This function has been deprecated for all users." }])),
            );
        }
        Asked::All => {
            let metadata = json!({ "Queued": true, "QueueMessage": "Loading data for all tenants.", "QueueId": "queue-1" });
            return Reply::new(200, Body::Json(json!({ "Results": [], "Metadata": metadata })));
        }
        Asked::Unknown => {
            return Reply::new(500, Body::Text("\"Cannot bind argument: it is null.\"".to_owned()));
        }
    };
    // The filter is lost on the way: the token is the partner's.
    let tenant = match effect {
        Some(Effect::Cipp(CippFault::PartnerAnswers)) => inner.world.config().partner,
        _ => asked_tenant,
    };
    let request = Request { inner, tenant, effect };
    let answered = match route {
        Route::CippUsers => request.users_in_full(),
        _ => request.graph(parameters, asked_tenant),
    };
    answered.unwrap_or_else(|error| {
        let endpoint = parameters.get("endpoint").unwrap_or("users");
        let text = format!("Graph Error: {} - Endpoint: {endpoint}", error.message());
        Reply::new(400, Body::Text(text))
    })
}

impl Request<'_> {
    fn graph(&self, parameters: &Parameters, asked: EntraTenantId) -> Result<Reply, GraphError> {
        let endpoint = parameters.get("endpoint").unwrap_or_default().trim_matches('/').to_owned();
        let (rows, next) = match (endpoint.as_str(), parameters.get("$filter")) {
            ("organization", _) => (self.page("/organization", &passed_on(parameters))?.rows, None),
            ("users", Some(filter)) => (self.one_user(filter, parameters)?, None),
            ("users", None) => self.users(parameters)?,
            _ => match group_asked_about(&endpoint) {
                Some(group) => self.members(group, parameters)?,
                None => return Err(GraphError::unknown_segment(&endpoint)),
            },
        };
        let filter = parameters.get("tenantfilter").map_or_else(|| asked.to_string(), str::to_owned);
        let echo = match self.effect {
            Some(Effect::Cipp(CippFault::OtherEcho)) => self.inner.world.config().partner.to_string(),
            _ => filter,
        };
        let good = |mut row: Value| {
            row["Tenant"] = json!(echo);
            row["CippStatus"] = json!("Good");
            row
        };
        let mut metadata = json!({ "Endpoint": endpoint, "TenantFilter": echo, "Parameters": {} });
        if let Some(next) = next {
            metadata["nextLink"] = json!(next);
        }
        let rows: Vec<Value> = rows.into_iter().map(good).collect();
        Ok(Reply::new(200, Body::Json(json!({ "Results": rows, "Metadata": metadata }))))
    }

    /// One page with `manualPagination`, otherwise all of them.
    fn users(&self, parameters: &Parameters) -> Result<(Vec<Value>, Option<String>), GraphError> {
        let mut query = match parameters.get("nextlink") {
            Some(link) => query_of(link)?,
            None => passed_on(parameters),
        };
        let mut all = Vec::new();
        loop {
            let page = self.page("/users", &query)?;
            all.extend(page.rows);
            match page.next {
                Some(next) if !parameters.is_on("manualpagination") => query = query_of(&next)?,
                next => return Ok((all, next)),
            }
        }
    }

    /// One page of users, each with its type, and on the first one the groups that are directly within, as
    /// without a cast.
    fn members(
        &self,
        asked: &str,
        parameters: &Parameters,
    ) -> Result<(Vec<Value>, Option<String>), GraphError> {
        let link = parameters.get("nextlink");
        let query = match link {
            Some(link) => query_of(link)?,
            None => format!("{}&%24count=true", passed_on(parameters)),
        };
        let path = format!("/groups/{asked}/transitiveMembers/microsoft.graph.user");
        let body = self.call(&path, &query, |call| {
            let (mut answer, _) = group_listing::members(call)?;
            if let (Answer::List(list), Some(effect)) = (&mut answer, self.effect) {
                distort(list, effect);
            }
            Ok(answer)
        })?;
        let typed = |kind: &str, mut row: Value| {
            row["@odata.type"] = json!(format!("#microsoft.graph.{kind}"));
            row
        };
        let group: Option<GroupId> = asked.parse().ok().filter(|_| link.is_none());
        let of_tenant = self.inner.world.groups(self.tenant);
        let within = of_tenant.iter().filter(|one| Some(one.id) == group).flat_map(|one| &one.groups);
        let groups = within.map(|id| typed("group", json!({ "id": id.to_string() })));
        let users = body["value"].as_array().cloned().unwrap_or_default();
        let rows = groups.chain(users.into_iter().map(|row| typed("user", row))).collect();
        let next = body["@odata.nextLink"].as_str().map(|next| next.replace("/microsoft.graph.user", ""));
        Ok((rows, next))
    }

    fn one_user(&self, filter: &str, parameters: &Parameters) -> Result<Vec<Value>, GraphError> {
        let unsupported = || GraphError::unsupported_query("Unsupported or invalid query filter clause.");
        let (name, value) = filter.split_once(" eq ").ok_or_else(unsupported)?;
        let value =
            value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).ok_or_else(unsupported)?;
        let key = value.replace("''", "'");
        let fits = match name {
            "id" => key.parse::<EntraObjectId>().is_ok(),
            "userPrincipalName" => key.parse::<EntraObjectId>().is_err(),
            _ => false,
        };
        if !fits {
            return Err(unsupported());
        }
        let select: Vec<_> = passed_on(parameters)
            .split('&')
            .filter(|part| !part.contains("top"))
            .map(str::to_owned)
            .collect();
        match self.call(&format!("/users/{key}"), &select.join("&"), |call| Ok(listing::user(call)?.0)) {
            Ok(row) => Ok(vec![row]),
            Err(error) if error.status == 404 => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A bare array of everybody with some members of CIPP's own.
    fn users_in_full(&self) -> Result<Reply, GraphError> {
        let mut query = encoded(&[("$select", EVERYTHING), ("$top", "999")]);
        let mut rows = Vec::new();
        loop {
            let page = self.page("/users", &query)?;
            rows.extend(page.rows);
            match page.next {
                Some(next) => query = query_of(&next)?,
                None => break,
            }
        }
        for row in &mut rows {
            let name = row["userPrincipalName"].as_str().unwrap_or_default();
            row["username"] = json!(name.split('@').next());
            row["LicJoined"] = json!("");
        }
        Ok(Reply::new(200, Body::Json(Value::Array(rows))))
    }

    fn page(&self, path: &str, query: &str) -> Result<GraphPage, GraphError> {
        let body = self.call(path, query, |call| {
            let (mut answer, _) = match path {
                "/organization" => listing::organization(call)?,
                _ => listing::users(call)?,
            };
            if let (Answer::List(list), Some(effect)) = (&mut answer, self.effect) {
                distort(list, effect);
            }
            Ok(answer)
        })?;
        Ok(GraphPage {
            rows: body["value"].as_array().cloned().unwrap_or_default(),
            next: body["@odata.nextLink"].as_str().map(str::to_owned),
        })
    }

    /// What Graph answers to the partner's service account with a token for the tenant.
    fn call(
        &self,
        path: &str,
        query: &str,
        ask: impl FnOnce(&Call<'_>) -> Result<Answer, GraphError>,
    ) -> Result<Value, GraphError> {
        let home = self.inner.world.config().partner;
        let token = AccessToken {
            tenant: self.tenant,
            account: Account { home, object: EntraObjectId::new(Uuid::nil()) },
            expires: Timestamp::MAX,
            permissions: vec!["Directory.Read.All".to_owned(), "User.Read.All".to_owned()],
        };
        let base = GRAPH.to_owned();
        // What is said about advanced queries is Graph's; what is asked through here has no cast.
        let consistency = Some("eventual");
        let call = Call { inner: self.inner, base, path, raw_query: query, consistency, token };
        Ok(serde_json::from_str(&ask(&call)?.into_json()).unwrap_or_default())
    }
}

/// The group whose members an endpoint is.
fn group_asked_about(endpoint: &str) -> Option<&str> {
    let id = endpoint.strip_prefix("groups/")?.strip_suffix("/transitiveMembers")?;
    (!id.contains('/')).then_some(id)
}

/// The query of a link, if it is one of Graph's.
fn query_of(link: &str) -> Result<String, GraphError> {
    let url = Url::parse(link).ok().filter(|url| url.host_str() == Some("graph.microsoft.com"));
    let url = url.ok_or_else(|| GraphError::bad_request("The nextLink is no link of Graph."))?;
    Ok(url.query().unwrap_or_default().to_owned())
}

fn passed_on(parameters: &Parameters) -> String {
    let pairs: Vec<(&str, &str)> =
        PASSED_ON.into_iter().filter_map(|name| Some((name, parameters.get(name)?))).collect();
    encoded(&pairs)
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
