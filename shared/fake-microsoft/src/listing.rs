//! The answers of Graph: users, the organisation, relationships, customers, and tenant names.

use domain::ids::EntraTenantId;
use serde_json::{Map, Value, json};

use crate::{
    delta::ChangeList,
    fake::Inner,
    graph_error::GraphError,
    partner_rows,
    properties::{ORGANIZATION_PROPERTIES, select_fields, select_user_properties},
    query::{Accepts, Position, Query},
    seal::Sealer,
    tenant::{Tenant, VerifiedDomain},
    tokens::AccessToken,
    user::{DEFAULT_PROPERTIES, User},
};

const USERS: Accepts =
    Accepts { options: &["$select", "$top", "$skiptoken", "$count"], default_top: 100, maximum_top: 999 };
const ORGANIZATION: Accepts = Accepts { options: &["$select"], default_top: 1, maximum_top: 1 };
const RELATIONSHIPS: Accepts =
    Accepts { options: &["$select", "$top", "$filter", "$skiptoken"], default_top: 100, maximum_top: 300 };
const CUSTOMERS: Accepts =
    Accepts { options: &["$select", "$top", "$skiptoken"], default_top: 100, maximum_top: 300 };
const USER: Accepts = Accepts { options: &["$select"], default_top: 1, maximum_top: 1 };
const ENTITY: Accepts = Accepts { options: &[], default_top: 1, maximum_top: 1 };

/// A request that carries a valid token.
pub(crate) struct Call<'a> {
    pub(crate) inner: &'a Inner,
    /// Where the caller reached the fake, such as `http://127.0.0.1:4711`.
    pub(crate) base: String,
    /// Below `/v1.0`, percent-decoded.
    pub(crate) path: &'a str,
    pub(crate) raw_query: &'a str,
    /// The header `ConsistencyLevel`.
    pub(crate) consistency: Option<&'a str>,
    pub(crate) token: AccessToken,
}

/// A body before it is text.
pub(crate) enum Answer {
    Changes(Box<ChangeList>),
    List(Box<List>),
    Entity(Value),
}

/// One page of a collection.
pub(crate) struct List {
    pub(crate) context: String,
    /// Each row as JSON text.
    pub(crate) rows: Vec<String>,
    pub(crate) count: Option<u32>,
    pub(crate) here: Position,
    /// The slot of the last row.
    pub(crate) last_slot: Option<u32>,
    pub(crate) next: Option<Link>,
    pub(crate) is_organization: bool,
    linker: Linker,
}

/// Makes the text of links.
struct Linker {
    base: String,
    path: String,
    tenant: EntraTenantId,
    query: Query,
    sealer: Sealer,
}

/// Where the next page is.
pub(crate) enum Link {
    Page(Position),
    /// At another host, which a client must not follow.
    Foreign(String, Position),
}

impl Answer {
    /// The body as JSON text.
    pub(crate) fn into_json(self) -> String {
        match self {
            Self::Entity(value) => value.to_string(),
            Self::Changes(list) => list.into_json(),
            Self::List(list) => list.into_json(),
        }
    }
}

/// `GET /users` (learn.microsoft.com/graph/api/user-list).
pub(crate) fn users(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&USERS)?;
    let properties = match &query.select {
        Some(names) => select_user_properties(names)?,
        None => DEFAULT_PROPERTIES.to_vec(),
    };
    if query.count && call.consistency != Some("eventual") {
        return Err(GraphError::unsupported_query(
            "$count is supported only with the header ConsistencyLevel: eventual.",
        ));
    }
    let tenant = call.readable_tenant(&["User.Read.All", "Directory.Read.All"])?;

    let world = &call.inner.world;
    let page = world.page(tenant.id, query.position.slot, query.top);
    let rows = page.users.iter().map(|user| user.row(&properties)).collect();
    let counts = query.count && query.is_first_page();
    let units = units(2, &query);
    let mut list = call.list("users", rows, query);
    list.count = counts.then(|| world.user_count(tenant.id));
    list.last_slot = page.last;
    list.next = page.next.map(|slot| list.following(slot));
    Ok((Answer::List(Box::new(list)), units))
}

/// `GET /users/{id or sign-in name}` (learn.microsoft.com/graph/api/user-get).
pub(crate) fn user(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&USER)?;
    let properties = match &query.select {
        Some(names) => select_user_properties(names)?,
        None => DEFAULT_PROPERTIES.to_vec(),
    };
    let tenant = call.readable_tenant(&["User.Read.All", "Directory.Read.All"])?;
    let asked = user_asked_about(call.path).unwrap_or_default();
    let found: Option<User> = match asked.parse() {
        Ok(object) => call.inner.world.user_by_id(tenant.id, object),
        Err(_) => call.inner.world.user_by_sign_in_name(tenant.id, asked),
    };
    let user = found.ok_or_else(|| GraphError::no_such_object(asked))?;
    let mut body: Map<String, Value> = serde_json::from_str(&user.row(&properties)).unwrap_or_default();
    body.insert(
        "@odata.context".to_owned(),
        Value::String(format!("{}/v1.0/$metadata#users{}/$entity", call.base, query.selection())),
    );
    Ok((Answer::Entity(Value::Object(body)), 1))
}

/// What `path` calls a user by, if it asks for one.
pub(crate) fn user_asked_about(path: &str) -> Option<&str> {
    let key = path.strip_prefix("/users/")?;
    (!key.is_empty() && !key.contains('/')).then_some(key)
}

/// `GET /organization` (learn.microsoft.com/graph/api/organization-list).
pub(crate) fn organization(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&ORGANIZATION)?;
    let fields = select_fields(query.select.as_deref(), &ORGANIZATION_PROPERTIES)?;
    let tenant = call.tenant()?;
    // Without a directory permission Graph answers id, name and domains only.
    let in_full = call.token.permits(&["Directory.Read.All", "Organization.Read.All"]);
    let row = fields.iter().map(|field| ((*field).to_owned(), organization_field(&tenant, field, in_full)));
    let mut list = call.list("organization", vec![Value::Object(row.collect()).to_string()], query);
    list.is_organization = true;
    Ok((Answer::List(Box::new(list)), 1))
}

/// `GET /tenantRelationships/delegatedAdminRelationships`
/// (learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadminrelationships).
pub(crate) fn relationships(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&RELATIONSHIPS)?;
    let status = query.filter.as_deref().map(partner_rows::status_filter).transpose()?;
    let fields = select_fields(query.select.as_deref(), &partner_rows::RELATIONSHIP_PROPERTIES)?;
    call.require_partner()?;
    let rows = partner_rows::relationships(&call.inner.world, status, &fields);
    Ok(call.partner_list("delegatedAdminRelationships", &rows, query))
}

/// `GET /tenantRelationships/delegatedAdminCustomers`
/// (learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadmincustomers).
pub(crate) fn customers(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&CUSTOMERS)?;
    let fields = select_fields(query.select.as_deref(), &partner_rows::CUSTOMER_PROPERTIES)?;
    call.require_partner()?;
    let rows = partner_rows::customers(&call.inner.world, &fields);
    Ok(call.partner_list("delegatedAdminCustomers", &rows, query))
}

/// `GET /tenantRelationships/findTenantInformationByTenantId(tenantId='…')`
/// (learn.microsoft.com/graph/api/tenantrelationship-findtenantinformationbytenantid).
pub(crate) fn tenant_information(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    call.query(&ENTITY)?;
    call.require(&["CrossTenantInformation.ReadBasic.All"])?;
    let asked = tenant_asked_about(call.path).unwrap_or_default();
    let id: EntraTenantId = asked
        .parse()
        .map_err(|_| GraphError::bad_request(format!("Invalid tenant id '{asked}': a GUID is expected.")))?;
    let tenant =
        call.inner.world.tenant(id).ok_or_else(|| {
            GraphError::new(404, "Request_ResourceNotFound", "Unable to find target address.")
        })?;
    let body = json!({
        "@odata.context": format!("{}/v1.0/$metadata#microsoft.graph.tenantInformation", call.base),
        "tenantId": tenant.id.to_string(),
        "federationBrandName": null,
        "displayName": tenant.display_name,
        "defaultDomainName": tenant.default_domain(),
    });
    Ok((Answer::Entity(body), 1))
}

/// The argument of the function `findTenantInformationByTenantId`, if `path` calls it.
pub(crate) fn tenant_asked_about(path: &str) -> Option<&str> {
    path.strip_prefix("/tenantRelationships/findTenantInformationByTenantId(tenantId='")?.strip_suffix("')")
}

impl Call<'_> {
    pub(crate) fn query(&self, accepts: &Accepts) -> Result<Query, GraphError> {
        Query::parse(self.raw_query, self.path, self.token.tenant, accepts, &self.inner.sealer)
    }

    /// The tenant of the token; refused when the partner lost its way into it.
    fn tenant(&self) -> Result<Tenant, GraphError> {
        let tenant = self.inner.world.tenant(self.token.tenant).ok_or_else(GraphError::forbidden)?;
        let at_home = self.token.tenant == self.token.account.home;
        if at_home || tenant.has_active_relationship() { Ok(tenant) } else { Err(GraphError::forbidden()) }
    }

    /// The tenant of the token, when its people may be read with one of these permissions.
    pub(crate) fn readable_tenant(&self, any_of: &[&str]) -> Result<Tenant, GraphError> {
        let tenant = self.tenant()?;
        self.require(any_of)?;
        let at_home = self.token.tenant == self.token.account.home;
        if at_home || tenant.lets_partner_read_users() { Ok(tenant) } else { Err(GraphError::forbidden()) }
    }

    fn require(&self, any_of: &[&str]) -> Result<(), GraphError> {
        if self.token.permits(any_of) { Ok(()) } else { Err(GraphError::forbidden()) }
    }

    fn require_partner(&self) -> Result<(), GraphError> {
        if self.token.tenant != self.inner.world.config().partner {
            return Err(GraphError::forbidden());
        }
        self.require(&["DelegatedAdminRelationship.Read.All"])
    }

    pub(crate) fn list(&self, collection: &str, rows: Vec<String>, query: Query) -> List {
        let selection = query.selection();
        List {
            context: format!("{}/v1.0/$metadata#{collection}{selection}", self.base),
            rows,
            count: None,
            here: query.position,
            last_slot: None,
            next: None,
            is_organization: false,
            linker: Linker {
                base: self.base.clone(),
                path: self.path.to_owned(),
                tenant: self.token.tenant,
                query,
                sealer: self.inner.sealer.clone(),
            },
        }
    }

    fn partner_list(&self, collection: &str, rows: &[Value], query: Query) -> (Answer, u32) {
        let (page, end) = page_of(rows, &query);
        let rows = page.iter().map(Value::to_string).collect();
        let mut list = self.list(&format!("tenantRelationships/{collection}"), rows, query);
        list.go_on_at(end);
        (Answer::List(Box::new(list)), 1)
    }
}

impl List {
    fn into_json(self) -> String {
        let mut head = Map::new();
        head.insert("@odata.context".to_owned(), Value::String(self.context));
        if let Some(count) = self.count {
            head.insert("@odata.count".to_owned(), json!(count));
        }
        if let Some(next) = &self.next {
            head.insert("@odata.nextLink".to_owned(), Value::String(self.linker.text(next)));
        }
        let mut body = Value::Object(head).to_string();
        body.truncate(body.len() - 1);
        body.push_str(",\"value\":[");
        body.push_str(&self.rows.join(","));
        body.push_str("]}");
        body
    }

    /// The page ends before `end`, and is the last one or not.
    pub(crate) fn go_on_at(&mut self, end: PageEnd) {
        self.last_slot = end.place.checked_sub(1);
        self.next = (!end.is_last).then(|| self.following(end.place));
    }

    fn following(&self, slot: u32) -> Link {
        Link::Page(Position { slot, page: self.here.page + 1 })
    }
}

impl Linker {
    fn text(&self, link: &Link) -> String {
        let (base, position) = match link {
            Link::Page(position) => (self.base.clone(), *position),
            Link::Foreign(host, position) => (format!("https://{host}"), *position),
        };
        self.query.link(&base, &self.path, self.tenant, position, &self.sealer)
    }
}

/// Where a page ends.
#[derive(Clone, Copy)]
pub(crate) struct PageEnd {
    place: u32,
    is_last: bool,
}

/// The page of `rows` that is asked for, and where it ends.
pub(crate) fn page_of<'a, T>(rows: &'a [T], query: &Query) -> (&'a [T], PageEnd) {
    let start = (query.position.slot as usize).min(rows.len());
    let end = (start + query.top).min(rows.len());
    let place = u32::try_from(end).unwrap_or_default();
    (&rows[start..end], PageEnd { place, is_last: end == rows.len() })
}

/// From the route's base one less with `$select`, one less for fewer than 20 rows, never below 1
/// (learn.microsoft.com/graph/throttling-limits, identity and access).
pub(crate) fn units(base: u32, query: &Query) -> u32 {
    let saved = u32::from(query.select.is_some()) + u32::from(query.explicit_top.is_some_and(|top| top < 20));
    base.saturating_sub(saved).max(1)
}

fn organization_field(tenant: &Tenant, field: &str, in_full: bool) -> Value {
    match field {
        "id" => json!(tenant.id.to_string()),
        "displayName" => json!(tenant.display_name),
        "verifiedDomains" => tenant.domains.iter().map(domain_row).collect(),
        "createdDateTime" if in_full => json!(tenant.created.to_string()),
        "tenantType" if in_full => json!("AAD"),
        "countryLetterCode" if in_full => json!("GB"),
        _ => Value::Null,
    }
}

fn domain_row(domain: &VerifiedDomain) -> Value {
    json!({
        "name": domain.name,
        "isInitial": domain.is_initial,
        "isDefault": domain.is_default,
        "type": "Managed",
        "capabilities": "Email, OfficeCommunicationsOnline",
    })
}
