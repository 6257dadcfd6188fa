//! The answers of Graph about groups.

use domain::ids::GroupId;
use serde_json::{Map, Value, json};

use crate::{
    edits::Known,
    graph_error::GraphError,
    groups::Group,
    listing::{Answer, Call, page_of, units},
    properties::{Properties, select_fields, select_user_properties},
    query::Accepts,
    user::DEFAULT_PROPERTIES,
};

const GROUPS: Accepts =
    Accepts { options: &["$select", "$top", "$skiptoken"], default_top: 100, maximum_top: 999 };
const MEMBERS: Accepts =
    Accepts { options: &["$select", "$top", "$skiptoken", "$count"], default_top: 100, maximum_top: 999 };

const GROUP_PROPERTIES: Properties = Properties {
    resource: "group",
    held: &["id", "deletedDateTime", "displayName", "groupTypes", "mailEnabled", "securityEnabled"],
    not_held: &[
        "assignedLabels",
        "assignedLicenses",
        "classification",
        "createdDateTime",
        "description",
        "expirationDateTime",
        "isAssignableToRole",
        "mail",
        "mailNickname",
        "membershipRule",
        "membershipRuleProcessingState",
        "onPremisesSyncEnabled",
        "proxyAddresses",
        "renewedDateTime",
        "securityIdentifier",
        "visibility",
    ],
};

const PERMISSIONS: [&str; 2] = ["GroupMember.Read.All", "Directory.Read.All"];

/// `GET /groups` (learn.microsoft.com/graph/api/group-list).
pub(crate) fn groups(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&GROUPS)?;
    let fields = select_fields(query.select.as_deref(), &GROUP_PROPERTIES)?;
    let tenant = call.readable_tenant(&PERMISSIONS)?;
    let groups = call.inner.world.groups(tenant.id);
    let (page, next) = page_of(&groups, &query);
    let rows = page.iter().map(|group| row(group, &fields)).collect();
    let units = units(1, &query);
    let mut list = call.list("groups", rows, query);
    list.go_on_at(next);
    Ok((Answer::List(Box::new(list)), units))
}

/// `GET /groups/{id}/transitiveMembers/microsoft.graph.user`
/// (learn.microsoft.com/graph/api/group-list-transitivemembers).
pub(crate) fn members(call: &Call<'_>) -> Result<(Answer, u32), GraphError> {
    let query = call.query(&MEMBERS)?;
    let properties = match &query.select {
        Some(names) => select_user_properties(names)?,
        None => DEFAULT_PROPERTIES.to_vec(),
    };
    if !query.count || call.consistency != Some("eventual") {
        return Err(GraphError::unsupported_query(
            "A cast needs $count=true and the header ConsistencyLevel: eventual, with every page.",
        ));
    }
    let tenant = call.readable_tenant(&PERMISSIONS)?;
    let asked = group_asked_about(call.path).unwrap_or_default();
    let missing = || GraphError::no_such_object(asked);
    let group: GroupId = asked.parse().map_err(|_| missing())?;
    let members = call.inner.world.members(tenant.id, group).ok_or_else(missing)?;
    let (page, next) = page_of(&members, &query);
    let users = call.inner.world.known(tenant.id, page);
    let rows = users.iter().filter_map(|known| match known {
        Known::Present(user) => Some(user.row(&properties)),
        Known::Removed(..) => None,
    });
    let rows = rows.collect();
    let counts = query.is_first_page();
    let units = units(5, &query);
    let mut list = call.list("users", rows, query);
    list.count = counts.then(|| u32::try_from(members.len()).unwrap_or(u32::MAX));
    list.go_on_at(next);
    Ok((Answer::List(Box::new(list)), units))
}

/// The id in `path`, when it asks for the users of a group.
pub(crate) fn group_asked_about(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/groups/")?.strip_suffix("/transitiveMembers/microsoft.graph.user")?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

fn row(group: &Group, fields: &[&str]) -> String {
    let value = |field: &str| match field {
        "id" => json!(group.id.to_string()),
        "displayName" => json!(group.display_name),
        "groupTypes" => json!([]),
        "mailEnabled" => json!(group.security_enabled == Some(false)),
        "securityEnabled" => json!(group.security_enabled),
        _ => Value::Null,
    };
    let row: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), value(field))).collect();
    Value::Object(row).to_string()
}
