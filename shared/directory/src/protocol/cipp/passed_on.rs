//! A page of Graph's that CIPP passes on, with the tenant it says it asked.

use domain::{domain_name::DomainName, ids::EntraTenantId};
use serde_json::value::RawValue;
use url::Url;

use super::{envelope::Rows, row::Row};
use crate::{error::Code, port::TenantProof, protocol::page::LINK_BYTES_MAX};

/// What CIPP says of a row that it could read.
const GOOD: &str = "Good";

/// Graph's hosts: CIPP passes a link on to no other (learn.microsoft.com/graph/deployments).
const GRAPH_HOSTS: [&str; 4] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
];

/// A page, and whether all of it is said to be of the tenant that was asked for.
pub(super) struct Page<'a> {
    read: Rows<'a>,
    proof: &'a TenantProof,
    /// Some row says of no tenant that it is its.
    is_unclear: bool,
}

impl<'a> Page<'a> {
    /// The page in `text`, which must be one of the tenant that `proof` is of.
    ///
    /// # Errors
    /// When it is a failure, nothing, incomplete, or of another tenant.
    pub(super) fn read(text: &'a str, proof: &'a TenantProof) -> Result<Self, Code> {
        let read = Rows::read(text).map_err(|none| none.code(Code::CippReadFailed))?;
        if read.queued {
            return Err(Code::CippAnswerIncomplete);
        }
        let page = Self { read, proof, is_unclear: false };
        if page.read.tenant_filter.as_deref().is_some_and(|filter| !page.is_asked(filter)) {
            return Err(Code::TenantMismatch);
        }
        Ok(page)
    }

    /// The rows, not looked at yet.
    pub(super) fn rows(&self) -> Vec<&'a RawValue> {
        self.read.rows.clone()
    }

    /// Hears what CIPP says of a row.
    ///
    /// # Errors
    /// When it could not read it, or has read it at another tenant.
    pub(super) fn hear(&mut self, row: &Row) -> Result<(), Code> {
        if row.text("cippStatus").is_some_and(|status| status != GOOD) {
            return Err(Code::CippReadFailed);
        }
        match echo_of(row) {
            Some(echo) if !self.is_asked(echo) => return Err(Code::TenantMismatch),
            Some(_) => {}
            None => self.is_unclear = true,
        }
        Ok(())
    }

    /// Some word of the tenant has to come with every page: once for all of it, or with every row.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn is_proven(&self) -> Result<(), Code> {
        let by_rows = !self.read.rows.is_empty() && !self.is_unclear;
        if self.read.tenant_filter.is_some() || by_rows { Ok(()) } else { Err(Code::TenantUnproven) }
    }

    /// Where the listing goes on: a link that `check` has looked at.
    ///
    /// # Errors
    /// When it does not pass.
    pub(super) fn next(self, check: impl Fn(&str) -> Result<(), Code>) -> Result<Option<String>, Code> {
        self.read.next.map(|link| check(&link).map(|()| link)).transpose()
    }

    fn is_asked(&self, echo: &str) -> bool {
        is_asked(echo, self.proof.entra_tenant, &self.proof.verified_domains)
    }
}

/// The tenant that CIPP says a row is of.
pub(super) fn echo_of(row: &Row) -> Option<&str> {
    row.text("tenant")
}

/// Whether `echo` names the tenant that was asked for, by its id or one of its domains.
pub(super) fn is_asked(echo: &str, tenant: EntraTenantId, domains: &[DomainName]) -> bool {
    match echo.parse::<EntraTenantId>() {
        Ok(id) => id == tenant,
        Err(_) => echo.parse().is_ok_and(|domain: DomainName| domains.contains(&domain)),
    }
}

/// That a link is one of Graph's to one of `paths`. It is never asked here: it goes back to CIPP, which
/// would send a customer's token there.
pub(super) fn is_of_graph(link: &str, paths: &[&str]) -> Result<(), Code> {
    if link.len() > LINK_BYTES_MAX {
        return Err(Code::AnswerTooLarge);
    }
    let url = Url::parse(link).map_err(|_| Code::ForeignNextLink)?;
    let of_graph = url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.host_str().is_some_and(|host| GRAPH_HOSTS.contains(&host))
        && paths.contains(&url.path());
    if of_graph { Ok(()) } else { Err(Code::ForeignNextLink) }
}
