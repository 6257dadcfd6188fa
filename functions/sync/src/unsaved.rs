//! Rules that a preview tries out before anybody saves them.

use domain::{
    fields::{FieldRules, InvalidRule},
    ids::{ClientId, WorkspaceId},
    mapping::Decision,
    scope::ScopeRules,
};
use edge::ApiError;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{RunScope, Store, StoreError, SyncSettings};

/// Longest text about a wrong rule, in characters.
const TEXT_MAX: usize = 160;

/// Rules in the place of those that are saved: both kinds, or one.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsavedRules {
    fields: Option<FieldRules>,
    scope: Option<ScopeRules>,
}

/// Why rules cannot be tried out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRules(String);

impl From<InvalidRules> for ApiError {
    fn from(InvalidRules(what): InvalidRules) -> Self {
        Self::bad_request(
            "invalid_rules",
            format!("The rules to preview with cannot be used: {what}. Nothing was planned."),
            "Send rules as the settings take them.",
        )
    }
}

impl UnsavedRules {
    /// Rules as the settings take them; `None` when there are none.
    ///
    /// # Errors
    /// They make no sense.
    pub fn new(fields: Option<Value>, scope: Option<ScopeRules>) -> Result<Option<Self>, InvalidRules> {
        let invalid = |text: &str| InvalidRules(edge::text::safe(text.trim_end_matches('.'), TEXT_MAX));
        let first =
            |faults: Vec<InvalidRule>| faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
        let fields = fields.map(|fields| FieldRules::parse(&fields)).transpose();
        let fields = fields.map_err(|faults| invalid(&first(faults)))?;
        if let Some(scope) = &scope {
            scope.compile().map_err(|fault| invalid(&fault.to_string()))?;
        }
        Ok((fields.is_some() || scope.is_some()).then_some(Self { fields, scope }))
    }

    /// The rules in a JSON document with the names that a request gives them: `fieldSyncConfig` and `scope`.
    ///
    /// # Errors
    /// They make no sense, or there is nothing but them in the document.
    pub fn from_json(document: &[u8]) -> Result<Self, InvalidRules> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Document {
            field_sync_config: Option<Value>,
            scope: Option<ScopeRules>,
        }
        let invalid = |error: serde_json::Error| InvalidRules(edge::text::safe(&error.to_string(), TEXT_MAX));
        let Document { field_sync_config, scope } = serde_json::from_slice(document).map_err(invalid)?;
        let rules = Self::new(field_sync_config, scope)?;
        rules.ok_or_else(|| {
            InvalidRules("there is neither `fieldSyncConfig` nor `scope` among them".to_owned())
        })
    }

    /// The settings with these rules in their place. Of one client, they are what holds for that client, and
    /// the rest is as it is for it now; of all, what holds instead for some stays what it is.
    pub(crate) async fn settings(
        self,
        store: &Store,
        workspace: WorkspaceId,
        scope: RunScope,
    ) -> Result<SyncSettings, StoreError> {
        let mut settings = store.settings(workspace).await?;
        if let Some(client) = client_of(store, workspace, scope).await? {
            settings = settings.overridden_by(&store.overrides_of(workspace, client).await?);
        }
        if let Some(fields) = self.fields {
            settings.field_sync_config = json!(fields);
        }
        settings.scope = self.scope.unwrap_or(settings.scope);
        Ok(settings)
    }
}

/// The one client that a run with this scope is about.
async fn client_of(
    store: &Store,
    workspace: WorkspaceId,
    scope: RunScope,
) -> Result<Option<ClientId>, StoreError> {
    let (None, Some(tenant)) = (scope.client, scope.tenant) else { return Ok(scope.client) };
    let mapping = store.mapping(workspace, tenant).await?;
    Ok(mapping.and_then(|mapping| match mapping.current.decision {
        Decision::Mapped { client } => Some(client),
        _ => None,
    }))
}
