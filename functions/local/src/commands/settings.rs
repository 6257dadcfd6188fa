//! `settings`.

use std::sync::Arc;

use std::path::Path;

use ::settings::{Settings, SettingsChange, SettingsView};
use clap::ValueEnum;
use domain::{
    fields::{Clear, Field, FieldRule, FieldRules, Hidden, Overwrite},
    ids::ClientId,
    policy::{RunLimits, Share, StopLimits, Timing, VanishRules},
    scope::ScopeRules,
};
use edge::ApiError;
use serde::de::DeserializeOwned;
use serde_json::json;
use store::ClientOverrides;

use super::{Context, mention_fake};
use crate::{
    Ending,
    arguments::{FieldName, Policy, SettingsArguments},
    output::{self, Failure},
};

pub(crate) async fn run(context: &Context, options: &SettingsArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    let settings = Settings { store: house.store.clone(), clock: Arc::clone(&house.clock) };
    if let Some(client) = options.client {
        return of_client(context, &settings, client, options).await;
    }
    let mut view = settings.read(house.workspace).await?;
    if let Some(change) = change(&view, options)? {
        view = settings.change(house.workspace, change).await?.map_err(ApiError::from)?;
    }
    output::result(context.output, &view, || table(&view))?;
    Ok(Ending::Done)
}

/// What holds for one client.
async fn of_client(
    context: &Context,
    settings: &Settings,
    client: ClientId,
    options: &SettingsArguments,
) -> Result<Ending, Failure> {
    let workspace = context.house.workspace;
    let mut view = settings.of_client(workspace, client).await?.map_err(ApiError::from)?;
    let before = if options.inherit { ClientOverrides::default() } else { view.overrides.clone() };
    let overrides = overrides(before, &view.effective, options)?;
    if overrides != view.overrides {
        view = settings.override_for(workspace, client, overrides).await?.map_err(ApiError::from)?;
    }
    output::result(context.output, &view, || {
        let said = if view.overrides.is_empty() {
            "Nothing is said for this client: the settings of all hold for it.".to_owned()
        } else {
            format!("Said for this client: {}", json!(view.overrides))
        };
        format!("{}\n{said}", table(&view.effective))
    })?;
    Ok(Ending::Done)
}

/// The overrides with what the options name.
fn overrides(
    mut overrides: ClientOverrides,
    effective: &SettingsView,
    options: &SettingsArguments,
) -> Result<ClientOverrides, Failure> {
    let of_all = [
        options.run_gone_allowed,
        options.run_moved_allowed,
        options.run_new_allowed,
        options.read_everybody_after,
    ];
    let shares = [options.run_gone_percent, options.run_moved_percent, options.run_new_percent];
    if of_all.iter().any(Option::is_some) || shares.iter().any(Option::is_some) {
        return Err(Failure::new(
            "not_by_client",
            "When everybody is read again, and what all tenants together may do, is the same for all clients. \
             Nothing was saved.",
            "Say it without --client.",
        ));
    }
    let fields = json!(fields(effective.field_sync_config, options));
    let named = options.field.iter().map(|(name, _)| name.key());
    let named = named.chain(options.clear.iter().map(|(field, _)| field.key()));
    let named = named.chain(options.allow_clearing.map(|_| "allowClearing"));
    for key in named {
        if !overrides.field_sync_config.is_object() {
            overrides.field_sync_config = json!({});
        }
        overrides.field_sync_config[key] = fields[key].clone();
    }
    if let Some(file) = &options.scope {
        overrides.scope = scope_of(file)?;
    }
    let scope = &mut overrides.scope;
    scope.include_guests = options.guests.map(Into::into).or(scope.include_guests);
    scope.include_service_accounts =
        options.service_accounts.map(Into::into).or(scope.include_service_accounts);
    scope.licensed_only = options.licensed_only.map(Into::into).or(scope.licensed_only);
    let vanish = vanish(effective.vanish, options);
    overrides.vanish = (vanish != effective.vanish).then_some(vanish).or(overrides.vanish);
    let limits = limits(effective.limits, options);
    overrides.limits = (limits != effective.limits).then_some(limits).or(overrides.limits);
    Ok(overrides)
}

fn change(view: &SettingsView, options: &SettingsArguments) -> Result<Option<SettingsChange>, Failure> {
    let fields = fields(view.field_sync_config, options);
    let rules = match &options.scope {
        Some(file) => scope_of(file)?,
        None => view.scope.clone(),
    };
    let scope = ScopeRules {
        include_guests: options.guests.map_or(rules.include_guests, Into::into),
        include_service_accounts: options.service_accounts.map_or(rules.include_service_accounts, Into::into),
        licensed_only: options.licensed_only.map_or(rules.licensed_only, Into::into),
        ..rules
    };
    let vanish = vanish(view.vanish, options);
    let limits = limits(view.limits, options);
    let complete_read_hours =
        options.read_everybody_after.map_or(view.complete_read_hours, store::CompleteReadHours);
    let run_limits = RunLimits {
        inactivations: share(
            view.run_limits.inactivations,
            options.run_gone_allowed,
            options.run_gone_percent,
        ),
        creations: share(view.run_limits.creations, options.run_new_allowed, options.run_new_percent),
        link_moves: share(view.run_limits.link_moves, options.run_moved_allowed, options.run_moved_percent),
    };
    let mut hidden: std::collections::BTreeSet<Field> = view.hidden_fields.fields().collect();
    for (field, is_hidden) in &options.hide {
        if *is_hidden {
            hidden.insert(*field)
        } else {
            hidden.remove(field)
        };
    }
    let hidden_fields: Hidden = hidden.into_iter().collect();
    let is_change = fields != view.field_sync_config
        || scope != view.scope
        || vanish != view.vanish
        || limits != view.limits
        || run_limits != view.run_limits
        || complete_read_hours != view.complete_read_hours
        || hidden_fields != view.hidden_fields
        || options.four_eyes.is_some_and(|switch| bool::from(switch) != view.four_eyes);
    Ok(is_change.then(|| SettingsChange {
        field_sync_config: Some(json!(fields)),
        scope: Some(scope),
        vanish: Some(vanish),
        limits: Some(limits),
        run_limits: Some(run_limits),
        complete_read_hours: Some(complete_read_hours),
        four_eyes: options.four_eyes.map(Into::into),
        hidden_fields: Some(hidden_fields),
    }))
}

fn vanish(before: VanishRules, options: &SettingsArguments) -> VanishRules {
    VanishRules {
        grace_hours: options.gone_hours.unwrap_or(before.grace_hours),
        confirmations: options.gone_after.unwrap_or(before.confirmations),
        allowed: options.gone_allowed.unwrap_or(before.allowed),
        allowed_percent: options.gone_percent.unwrap_or(before.allowed_percent),
        disabled: options.when_disabled.map_or(before.disabled, Into::into),
        out_of_scope: options.when_out_of_scope.map_or(before.out_of_scope, Into::into),
    }
}

fn limits(before: StopLimits, options: &SettingsArguments) -> StopLimits {
    StopLimits {
        creations: share(before.creations, options.new_allowed, options.new_percent),
        link_moves: share(before.link_moves, options.moved_allowed, options.moved_percent),
        short_read_percent: options.short_percent.unwrap_or(before.short_read_percent),
    }
}

fn share(before: Share, count: Option<u32>, percent: Option<u8>) -> Share {
    Share { count: count.unwrap_or(before.count), percent: percent.unwrap_or(before.percent) }
}

fn scope_of<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let text = output::read_file(file).map_err(|error| {
        Failure::of("file_unreadable", &error, "Check the name of the file and your right to read it.")
    })?;
    serde_json::from_slice(&text).map_err(|error| {
        let remedy = "See `settings --output json`: its `scope` is what the file has to hold.";
        Failure::of("scope_unreadable", &error, remedy)
    })
}

fn fields(mut fields: FieldRules, options: &SettingsArguments) -> FieldRules {
    for (name, policy) in &options.field {
        match name.field() {
            Some(field) => fields.rule_mut(field).overwrite = (*policy).into(),
            None if *name == FieldName::ActiveWhenEnabled => {
                fields.mark_active_when_enabled = *policy == Policy::Always;
            }
            None => fields.mark_inactive_when_disabled = *policy == Policy::Always,
        }
    }
    for (field, clear) in &options.clear {
        fields.rule_mut(*field).clear = *clear;
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
        "after {} reads and {} hours; more than {} and {} % at once wait for you",
        vanish.confirmations, vanish.grace_hours, vanish.allowed, vanish.allowed_percent,
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
        row(
            "people who are active make contacts active that a human made inactive (active-when-enabled)",
            on(fields.mark_active_when_enabled),
        ),
        row("take only people with a licence (--licensed-only)", on(view.scope.licensed_only)),
        row("take guests", on(view.scope.include_guests)),
        row("take service accounts", on(view.scope.include_service_accounts)),
        row("people who are gone become inactive", gone),
        row(
            "people whose sign-in is blocked become inactive (--when-disabled)",
            when(vanish.disabled).to_owned(),
        ),
        row(
            "people who are no longer among those who are synced become inactive (--when-out-of-scope)",
            when(vanish.out_of_scope).to_owned(),
        ),
        row("new contacts in a tenant that is synced already", more_wait(view.limits.creations)),
        row("contacts that go to another account", more_wait(view.limits.link_moves)),
        row("contacts that become inactive in all tenants", more_wait(view.run_limits.inactivations)),
        row("new contacts in all tenants", more_wait(view.run_limits.creations)),
        row("contacts that go to another account in all tenants", more_wait(view.run_limits.link_moves)),
        row("everybody is read again, not only who has changed", read_again(view.complete_read_hours)),
        row("values that are not shown (--hide)", hidden(&view.hidden_fields)),
        row(
            "what waits is let through by two users of the PSA, not by one (--four-eyes)",
            on(view.four_eyes),
        ),
    ]);
    output::table(&["setting", "value"], rows, 2)
}

fn hidden(hidden: &Hidden) -> String {
    let labels: Vec<&str> = hidden.fields().map(Field::label).collect();
    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
}

fn when(timing: Timing) -> &'static str {
    match timing {
        Timing::AfterGrace => "after the same reads and hours as people who are gone",
        Timing::AtOnce => "at once",
        Timing::Never => "never",
    }
}

fn more_wait(limit: Share) -> String {
    format!("more than {} and {} % in one sync wait for you", limit.count, limit.percent)
}

fn read_again(hours: store::CompleteReadHours) -> String {
    match hours.0 {
        0 => "every time".to_owned(),
        hours => format!("after {hours} hours"),
    }
}

fn rule(rule: FieldRule) -> String {
    let overwrite = match rule.overwrite {
        Overwrite::Always => "on",
        Overwrite::Never => "off",
        Overwrite::OnlyIfEmpty => "only if empty",
        Overwrite::UnlessEdited => "when the directory changes, unless edited",
        Overwrite::WhenSourceChanges => "when the directory changes",
    };
    let clear = match rule.clear {
        Clear::Never => "",
        Clear::AfterGrace => "; cleared after as many reads and hours as people who are gone",
        Clear::AtOnce => "; cleared at once",
    };
    format!("{overwrite}{clear}")
}
