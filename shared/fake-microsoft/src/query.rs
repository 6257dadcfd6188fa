//! The query options of a Graph request: what is not known is refused, never ignored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ids::EntraTenantId;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::{graph_error::GraphError, seal::Sealer};

/// The prefix of page tokens.
const PAGE_TOKEN: &str = "RFNwdAIAAQ";

/// Where in a listing a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The place of the first row in the listing.
    pub(crate) slot: u32,
    /// The number of the page; makes two links to one place differ.
    pub(crate) page: u32,
}

/// What one route accepts.
pub(crate) struct Accepts {
    pub(crate) options: &'static [&'static str],
    pub(crate) default_top: usize,
    pub(crate) maximum_top: usize,
}

/// The options of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) filter: Option<String>,
    pub(crate) count: bool,
    pub(crate) top: usize,
    pub(crate) explicit_top: Option<usize>,
    pub(crate) position: Position,
    /// Everything but the page token, as it was given.
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads the query of a request for `path` with `tenant`'s token.
    pub(crate) fn parse(
        raw: &str,
        path: &str,
        tenant: EntraTenantId,
        accepts: &Accepts,
        sealer: &Sealer,
    ) -> Result<Self, GraphError> {
        let mut query = Self {
            select: None,
            filter: None,
            count: false,
            top: accepts.default_top,
            explicit_top: None,
            position: Position::default(),
            parameters: Vec::new(),
        };
        let mut page_token = None;
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()).into_owned() {
            check_name(&name, &seen, accepts)?;
            seen.push(name.clone());
            match name.as_str() {
                "$select" => query.select = Some(selected(&value)?),
                "$filter" => query.filter = Some(value.clone()),
                "$count" => query.count = boolean(&value)?,
                "$top" => query.explicit_top = Some(page_size(&value, accepts.maximum_top)?),
                _ => page_token = Some(value.clone()),
            }
            if name != "$skiptoken" {
                query.parameters.push((name, value));
            }
        }
        query.top = query.explicit_top.unwrap_or(accepts.default_top);
        if let Some(token) = page_token {
            query.position = query.open_page_token(&token, path, tenant, sealer)?;
        }
        Ok(query)
    }

    /// What was selected, as contexts tell it.
    pub(crate) fn selection(&self) -> String {
        self.select.as_ref().map_or(String::new(), |names| format!("({})", names.join(",")))
    }

    /// Whether the listing begins here.
    pub(crate) fn is_first_page(&self) -> bool {
        self.position == Position::default()
    }

    /// The link to the page at `position`.
    pub(crate) fn link(
        &self,
        base: &str,
        path: &str,
        tenant: EntraTenantId,
        position: Position,
        sealer: &Sealer,
    ) -> String {
        let content = format!("{} {} {}", position.slot, position.page, self.scope(path, tenant));
        let mut link = format!("{base}/v1.0{path}?");
        for (name, value) in &self.parameters {
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            link.extend([name, "=", &encoded.replace("%2C", ","), "&"]);
        }
        link.push_str("$skiptoken=");
        link.push_str(&sealer.seal(PAGE_TOKEN, &content));
        link
    }

    fn open_page_token(
        &self,
        token: &str,
        path: &str,
        tenant: EntraTenantId,
        sealer: &Sealer,
    ) -> Result<Position, GraphError> {
        let read = || {
            let content = sealer.open(PAGE_TOKEN, token)?;
            let mut parts = content.split(' ');
            let (slot, page, scope) = (parts.next()?, parts.next()?, parts.next()?);
            let position = Position { slot: slot.parse().ok()?, page: page.parse().ok()? };
            (scope == self.scope(path, tenant)).then_some(position)
        };
        read().ok_or_else(|| GraphError::bad_request("Invalid skip token: it belongs to another request."))
    }

    /// A page token is only good for the same tenant, route and options.
    fn scope(&self, path: &str, tenant: EntraTenantId) -> String {
        let digest = Sha256::digest(format!("{tenant} {path} {:?}", self.parameters));
        URL_SAFE_NO_PAD.encode(&digest[..8])
    }
}

/// Refuses what `accepts` does not name, and what was `seen` before.
pub(crate) fn check_name(name: &str, seen: &[String], accepts: &Accepts) -> Result<(), GraphError> {
    if accepts.options.contains(&name) {
        if seen.iter().any(|earlier| earlier == name) {
            let message = format!(
                "Query option '{name}' was specified more than once, but it must be specified at most once."
            );
            return Err(GraphError::bad_request(message));
        }
        return Ok(());
    }
    if name.starts_with('$') {
        return Err(GraphError::unsupported_query(format!("'{name}' is not supported by the service.")));
    }
    Err(GraphError::new(
        400,
        "Request_BadRequest",
        format!("Unrecognized query argument specified: '{name}'."),
    ))
}

/// The names in a `$select`.
pub(crate) fn selected(value: &str) -> Result<Vec<String>, GraphError> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err(GraphError::bad_request("Parsing OData Select and Expand failed: a name is empty."));
    }
    Ok(names)
}

fn boolean(value: &str) -> Result<bool, GraphError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(GraphError::bad_request("Invalid value for the query option $count.")),
    }
}

fn page_size(value: &str, maximum: usize) -> Result<usize, GraphError> {
    match value.parse::<usize>() {
        Ok(size) if (1..=maximum).contains(&size) => Ok(size),
        Ok(size) => Err(GraphError::unsupported_query(format!(
            "Invalid page size specified: '{size}'. Must be between 1 and {maximum} inclusive."
        ))),
        Err(_) => Err(GraphError::bad_request("Invalid value for the query option $top.")),
    }
}
