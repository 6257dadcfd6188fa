//! Settings as operators might have them, every rule among them.

use domain::{
    fields::{Clear, Field, FieldRule, FieldRules, Overwrite},
    ids::{EntraTenantId, GroupId},
    policy::{RunLimits, Share, StopLimits, Timing},
    scope::{Attribute, AttributeOperator, AttributeRule, Effect, ScopeRules},
};
use fake_microsoft::{Group, World};
use serde_json::Value;
use store::{CompleteReadHours, SyncSettings};
use uuid::Uuid;

use crate::dice::Dice;

/// Groups that every tenant has, under the same ids: rules name them for the whole workspace.
const GROUPS: [GroupId; 2] =
    [GroupId::new(Uuid::from_u128(0x96_0001)), GroupId::new(Uuid::from_u128(0x96_0002))];

/// Settings drawn at random. Most of them are what few operators choose, so that each is met.
pub(crate) fn settings(dice: &mut Dice, world: &World, tenants: &[EntraTenantId]) -> SyncSettings {
    let mut settings = SyncSettings { field_sync_config: fields(dice), ..SyncSettings::default() };
    settings.scope = scope(dice, world, tenants);
    settings.vanish.confirmations = u8::try_from(dice.below(4)).unwrap_or_default();
    settings.vanish.grace_hours = dice.weighted(&[(60, 0), (20, 1), (20, 12)]);
    settings.vanish.allowed = small(dice, 8);
    settings.vanish.allowed_percent = dice.weighted(&[(20, 0), (30, 10), (20, 50), (30, 100)]);
    settings.vanish.disabled =
        dice.weighted(&[(70, Timing::AtOnce), (20, Timing::AfterGrace), (10, Timing::Never)]);
    settings.vanish.out_of_scope =
        dice.weighted(&[(50, Timing::Never), (30, Timing::AtOnce), (20, Timing::AfterGrace)]);
    if dice.percent(60) {
        settings.limits = StopLimits {
            creations: Share { count: small(dice, 4), percent: dice.weighted(&[(60, 0), (40, 25)]) },
            link_moves: Share { count: small(dice, 2), percent: 0 },
            short_read_percent: dice.weighted(&[(70, 50), (30, 0)]),
        };
    }
    if dice.percent(40) {
        settings.run_limits = RunLimits {
            inactivations: Share { count: small(dice, 3), percent: dice.weighted(&[(70, 0), (30, 25)]) },
            creations: Share { count: small(dice, 5), percent: 0 },
            link_moves: Share { count: 0, percent: 0 },
        };
    }
    settings.complete_read_hours = CompleteReadHours(dice.weighted(&[(45, 0), (15, 6), (40, 168)]));
    settings
}

/// Settings under which nearly everything has to wait for an operator.
pub(crate) fn lower_limits(dice: &mut Dice, settings: &mut SyncSettings) {
    let none = Share { count: 0, percent: 0 };
    settings.limits = StopLimits { creations: none, link_moves: none, short_read_percent: 0 };
    if dice.percent(40) {
        // Those of the whole run instead.
        let all = Share { count: 1_000, percent: 100 };
        settings.limits = StopLimits { creations: all, link_moves: all, short_read_percent: 0 };
        settings.run_limits = RunLimits { inactivations: none, creations: none, link_moves: none };
    }
    if dice.percent(50) {
        settings.vanish.allowed = 0;
        settings.vanish.allowed_percent = 0;
    } else {
        settings.vanish.allowed_percent = 100;
    }
}

fn small(dice: &mut Dice, bound: u64) -> u32 {
    u32::try_from(dice.below(bound)).unwrap_or_default()
}

fn fields(dice: &mut Dice) -> Value {
    let mut rules = FieldRules {
        mark_inactive_when_disabled: dice.percent(84),
        mark_active_when_enabled: dice.percent(25),
        allow_clearing: dice.percent(65),
        ..FieldRules::default()
    };
    let is_plain = dice.percent(30);
    for field in Field::ALL {
        let overwrite = dice.weighted(&[
            (40, Overwrite::Always),
            (24, Overwrite::Never),
            (12, Overwrite::OnlyIfEmpty),
            (12, Overwrite::UnlessEdited),
            (12, Overwrite::WhenSourceChanges),
        ]);
        let clear = if field.is_clearable() {
            dice.weighted(&[(40, Clear::Never), (30, Clear::AtOnce), (30, Clear::AfterGrace)])
        } else {
            Clear::Never
        };
        *rules.rule_mut(field) = FieldRule { overwrite, clear };
        if is_plain {
            // As the PSA has it: yes or no.
            let is_on = overwrite != Overwrite::Never;
            *rules.rule_mut(field) = if is_on { Overwrite::Always } else { Overwrite::Never }.into();
        }
    }
    serde_json::to_value(rules).unwrap()
}

fn scope(dice: &mut Dice, world: &World, tenants: &[EntraTenantId]) -> ScopeRules {
    let mut scope = ScopeRules {
        include_guests: dice.percent(30),
        include_pending_guests: dice.percent(70),
        include_service_accounts: dice.percent(30),
        licensed_only: dice.percent(12),
        ..ScopeRules::default()
    };
    let mut group = |chance| GROUPS.into_iter().filter(|_| dice.percent(chance)).collect();
    scope.include_groups = group(8);
    scope.exclude_groups = group(10);
    let mut domain = |chance| {
        let tenant = dice.pick(tenants).filter(|_| dice.percent(chance));
        let tenant = tenant.and_then(|tenant| world.tenant(tenant));
        tenant.map(|tenant| tenant.default_domain().to_owned()).into_iter().collect()
    };
    scope.include_domains = domain(8);
    scope.exclude_domains = domain(8);
    if dice.percent(12) {
        let (operator, effect) = dice.weighted(&[
            (50, (AttributeOperator::Contains, Effect::Exclude)),
            (50, (AttributeOperator::StartsWith, Effect::Include)),
        ]);
        let (attribute, value) = (Attribute::DisplayName, dice.pick(&["a", "m", "new", "hired"]));
        let value = value.unwrap_or_default().to_owned();
        scope.attributes.push(AttributeRule { attribute, operator, value, effect });
    }
    if dice.percent(8) {
        scope.exclude_patterns.push("^(hired|new)".to_owned());
    }
    scope
}

/// Gives every tenant its groups, each with some of its users.
pub(crate) fn found_groups(dice: &mut Dice, world: &World, tenants: &[EntraTenantId]) {
    for tenant in tenants {
        for (group, chance) in GROUPS.into_iter().zip([70, 25]) {
            let users = world.users(*tenant).into_iter().map(|user| user.id);
            let members = users.filter(|_| dice.percent(chance)).collect();
            world.add_group(*tenant, Group::security(group, "Some", members)).unwrap();
        }
    }
}

/// One of the groups.
pub(crate) fn any_group(dice: &mut Dice) -> GroupId {
    dice.pick(&GROUPS).unwrap_or(GROUPS[0])
}
