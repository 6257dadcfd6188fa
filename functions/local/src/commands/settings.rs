//! `settings`.

use ::settings::{Settings, SettingsChange, SettingsView};
use domain::{fields::FieldRules, policy::VanishRules, scope::ScopeRules};
use serde_json::json;

use super::{Context, mention_fake};
use crate::{
    Ending,
    arguments::{FieldName, SettingsArguments},
    output::{self, Failure},
};

pub(crate) async fn run(context: &Context, options: &SettingsArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let settings = Settings { store: house.store.clone() };
    let mut view = settings.read(house.workspace).await?;
    if let Some(change) = change(&view, options) {
        view = settings.change(house.workspace, change).await?.map_err(|_| {
            Failure::new("invalid_settings", "The settings make no sense together.", "See `settings --help`.")
        })?;
    }
    output::result(context.output, &view, || table(&view))?;
    Ok(Ending::Done)
}

fn change(view: &SettingsView, options: &SettingsArguments) -> Option<SettingsChange> {
    let mut fields = view.field_sync_config;
    for (name, on) in &options.field {
        *rule(&mut fields, *name) = *on;
    }
    let scope = ScopeRules {
        include_guests: options.guests.map_or(view.scope.include_guests, Into::into),
        include_service_accounts: options
            .service_accounts
            .map_or(view.scope.include_service_accounts, Into::into),
        ..view.scope.clone()
    };
    let vanish = VanishRules {
        confirmations: options.gone_after.unwrap_or(view.vanish.confirmations),
        allowed: options.gone_allowed.unwrap_or(view.vanish.allowed),
        allowed_percent: options.gone_percent.unwrap_or(view.vanish.allowed_percent),
        ..view.vanish
    };
    let changes = fields != view.field_sync_config || scope != view.scope || vanish != view.vanish;
    changes.then(|| SettingsChange {
        field_sync_config: Some(json!(fields)),
        scope: Some(scope),
        vanish: Some(vanish),
        limits: None,
        complete_read_hours: None,
    })
}

fn rule(fields: &mut FieldRules, name: FieldName) -> &mut bool {
    match name {
        FieldName::DisplayName => &mut fields.display_name,
        FieldName::Email => &mut fields.email,
        FieldName::InactiveWhenDisabled => &mut fields.mark_inactive_when_disabled,
        FieldName::Phone => &mut fields.phone,
        FieldName::Role => &mut fields.role,
        FieldName::Upn => &mut fields.upn,
    }
}

fn table(view: &SettingsView) -> String {
    let fields = &view.field_sync_config;
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let vanish = &view.vanish;
    let gone = format!(
        "after {} complete reads; more than {} and {} % at once wait for you",
        vanish.confirmations, vanish.allowed, vanish.allowed_percent
    );
    let rows = vec![
        row("overwrite the full name (display-name)", on(fields.display_name)),
        row("overwrite the e-mail address (email)", on(fields.email)),
        row("overwrite the phones (phone)", on(fields.phone)),
        row("overwrite the role (role)", on(fields.role)),
        row("overwrite the sign-in name (upn)", on(fields.upn)),
        row(
            "disabled accounts make contacts inactive (inactive-when-disabled)",
            on(fields.mark_inactive_when_disabled),
        ),
        row("take guests", on(view.scope.include_guests)),
        row("take service accounts", on(view.scope.include_service_accounts)),
        row("people who are gone become inactive", gone),
    ];
    output::table(&["setting", "value"], rows, 2)
}
