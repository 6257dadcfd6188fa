//! `settings`.

use ::settings::{Settings, SettingsChange, SettingsView};
use clap::ValueEnum;
use domain::{
    fields::{FieldRule, FieldRules, Overwrite},
    policy::VanishRules,
    scope::ScopeRules,
};
use serde_json::json;

use super::{Context, mention_fake};
use crate::{
    Ending,
    arguments::{FieldName, Policy, SettingsArguments},
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
    let fields = fields(view.field_sync_config, options);
    let scope = ScopeRules {
        include_guests: options.guests.map_or(view.scope.include_guests, Into::into),
        include_service_accounts: options
            .service_accounts
            .map_or(view.scope.include_service_accounts, Into::into),
        ..view.scope.clone()
    };
    let vanish = VanishRules {
        grace_hours: options.gone_hours.unwrap_or(view.vanish.grace_hours),
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

fn fields(mut fields: FieldRules, options: &SettingsArguments) -> FieldRules {
    for (name, policy) in &options.field {
        match name.field() {
            Some(field) => fields.rule_mut(field).overwrite = (*policy).into(),
            None => fields.mark_inactive_when_disabled = *policy == Policy::Always,
        }
    }
    for (field, on) in &options.clear {
        fields.rule_mut(*field).clear = *on;
    }
    fields.allow_clearing = options.allow_clearing.map_or(fields.allow_clearing, Into::into);
    fields
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
    let field_rows = FieldName::value_variants().iter().filter_map(|name| {
        let (field, option) = (name.field()?, name.to_possible_value()?);
        let what = format!("overwrite the {} ({})", field.label(), option.get_name());
        Some(row(&what, rule(fields.rule(field))))
    });
    let mut rows: Vec<Vec<String>> = field_rows.collect();
    rows.extend([
        row(
            "a field that is blank in the directory may be cleared (--allow-clearing)",
            on(fields.allow_clearing),
        ),
        row(
            "disabled accounts make contacts inactive (inactive-when-disabled)",
            on(fields.mark_inactive_when_disabled),
        ),
        row("take guests", on(view.scope.include_guests)),
        row("take service accounts", on(view.scope.include_service_accounts)),
        row("people who are gone become inactive", gone),
    ]);
    output::table(&["setting", "value"], rows, 2)
}

fn rule(rule: FieldRule) -> String {
    let overwrite = match rule.overwrite {
        Overwrite::Always => "on",
        Overwrite::Never => "off",
        Overwrite::OnlyIfEmpty => "only if empty",
        Overwrite::UnlessEdited => "when the directory changes, unless edited",
        Overwrite::WhenSourceChanges => "when the directory changes",
    };
    format!("{overwrite}{}", if rule.clear { "; may be cleared" } else { "" })
}
