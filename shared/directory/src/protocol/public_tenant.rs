//! `findTenantInformationByTenantId`: what anybody in the cloud can look up about a tenant
//! (learn.microsoft.com/graph/api/tenantrelationship-findtenantinformationbytenantid).

use domain::{ids::EntraTenantId, text::clean};
use serde_json::Value;
use url::Url;

use super::{
    GraphBase,
    page::{self, Decoded, Shape, Unreadable, text},
};
use crate::port::PublicTenant;

/// The public information about one tenant.
#[derive(Clone, Copy, Debug)]
pub struct PublicInformation(pub EntraTenantId);

impl Shape for PublicInformation {
    type Content = PublicTenant;

    const PAGED: bool = false;

    fn first(&self, base: &GraphBase, _page_size: u16) -> Url {
        let path = format!("tenantRelationships/findTenantInformationByTenantId(tenantId='{}')", self.0);
        base.endpoint(&path, &[])
    }

    fn decode(&self, body: &[u8]) -> Result<Decoded<PublicTenant>, Unreadable> {
        let row = page::row(&text(body)).ok_or(Unreadable)?;
        let member = |name| row.get(name).and_then(Value::as_str);
        let entra_tenant = member("tenantId").and_then(|id| id.parse().ok()).ok_or(Unreadable)?;
        if entra_tenant != self.0 {
            return Err(Unreadable);
        }
        let display_name = member("displayName").and_then(clean);
        let default_domain = member("defaultDomainName").and_then(|name| name.parse().ok());
        let content = PublicTenant { entra_tenant, display_name, default_domain };
        Ok(Decoded { content, next: None, delta: None })
    }
}
