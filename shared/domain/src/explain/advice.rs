//! What to do, in a sentence, and where: in the directory, in the PSA, or with which setting or command.

use super::{Case, Change};
use crate::{
    email::EmailAddress, fields::Field, ids::ContactId, plan::Limit, planner::client_name, policy::Timing,
    scope::AttributeRule,
};

/// What to do.
pub(super) fn text(case: &Case<'_>, change: &Change) -> String {
    match change {
        Change::IncludeGuests => turn("on", "includeGuests", "--guests on"),
        Change::IncludePendingGuests => format!(
            "Let the person accept the invitation, or turn on `includePendingGuests` in the settings ({SCOPE})."
        ),
        Change::IncludeServiceAccounts => "Rename the account, or turn on `includeServiceAccounts` in the \
             settings (`entra-sync settings --service-accounts on`)."
            .to_owned(),
        Change::IncludeUnlicensed => turn("off", "licensedOnly", "--licensed-only off"),
        Change::AssignLicence => "Assign a licence to the account.".to_owned(),
        Change::RemovePattern { pattern } => {
            format!("Remove the pattern `{pattern}` from `excludePatterns` in the settings ({SCOPE}).")
        }
        Change::RemoveExcludedDomain { domain } => {
            format!("Remove `{domain}` from `excludeDomains` in the settings ({SCOPE}).")
        }
        Change::AddIncludedDomain { domain } => {
            format!("Add `{domain}` to `includeDomains` in the settings ({SCOPE}).")
        }
        Change::LeaveGroup { group } => format!(
            "Take the person out of the group {group}, or the group out of `excludeGroups` in the settings \
             ({SCOPE})."
        ),
        Change::JoinGroup { .. } => {
            "Put the person into one of the groups that `includeGroups` names.".to_owned()
        }
        Change::RemoveAttributeRule { rule } => {
            let rule = rule.replace('`', "");
            format!("Remove the rule \"{rule}\" from `attributes` in the settings ({SCOPE}).")
        }
        Change::AddAttributeRule { rule } => format!(
            "Add a rule to `attributes` in the settings that takes the person in, such as `{}` ({SCOPE}).",
            json(rule)
        ),
        Change::ReadGroup { group } => format!(
            "Allow the app to read the members of the group {group}, or take the group out of the settings \
             ({SCOPE})."
        ),
        Change::GiveAddress => {
            "Give the account a mailbox, or write its address into the directory's `mail`.".to_owned()
        }
        Change::EnableAccount => "Allow sign-in for the account in the directory.".to_owned(),
        Change::RestoreAccount => "Restore the account in the directory; that is possible for 30 days after \
             it was deleted, unless it was deleted for good."
            .to_owned(),
        Change::KeepWhenDisabled => {
            format!("Turn off {MARK_INACTIVE}=off`, with `--client CLIENT` for one).")
        }
        Change::InactivateWhenDisabled => inactivate_when_disabled(case),
        Change::Unprotect { contact } => {
            format!("In the PSA, lift the protection of {}.", case.named(*contact))
        }
        Change::UnprotectField { field, .. } => {
            format!("In the PSA, lift the protection of the field {}.", field.label())
        }
        Change::FreeAddress { address, contact } => {
            format!("In the PSA, take the address {address} off {}.", owner_named(case, address, *contact))
        }
        Change::MakeFirst { address, contact } => {
            format!("In the PSA, make {address} the first address of {}.", case.named(*contact))
        }
        Change::Rename { contact, name } => {
            format!("If it is the same person, give {} the name {name} in the PSA.", case.named(*contact))
        }
        Change::ClearObjectId { contact } => {
            format!("In the PSA, take the person's object id off {}.", case.named(*contact))
        }
        Change::GiveContactAddress { address } => format!(
            "If the person has a contact already, give that contact the address {address}: then it is \
             linked, and no new one is made."
        ),
        Change::SetPolicy { field, policy } => format!(
            "Set the field {} to `{}` in the settings (`entra-sync settings --field {}={}`).",
            field.label(),
            policy.name(),
            option(*field),
            policy.name()
        ),
        Change::RaiseLimit { limit } => raise(*limit),
        Change::Allow => "Allow what waits in the run: `entra-sync runs allow RUN`, or `POST …/sync/runs/RUN\
             /held/allow`; `runs reject RUN` or `…/held/reject` declines it."
            .to_owned(),
        Change::Answer => {
            "Answer the question in the review queue (`entra-sync review list` shows it).".to_owned()
        }
        Change::Reconsider => "Take the decision back: undo the run that carried it out, which `entra-sync \
             review show ITEM` names (`entra-sync runs undo RUN`)."
            .to_owned(),
        Change::MatchAnew => {
            "Match the person anew: `entra-sync links rematch --tenant TENANT --person ID`, or \
             `POST …/links/rematch`."
                .to_owned()
        }
        Change::ReconsiderRejection => {
            "Take the rejection back: `entra-sync runs reconsider RUN`, of the run in \
             which the person waited. The next sync then decides as if nobody had rejected it."
                .to_owned()
        }
        Change::RestoreContact => restore_contact(case),
        Change::MoveLink => {
            "Map the tenant to that client, or undo the run that linked the person there.".to_owned()
        }
    }
}

/// Where the rules about who is taken are changed that have no option of their own.
const SCOPE: &str = "`entra-sync settings --scope FILE`";

const MARK_INACTIVE: &str = "`markInactiveWhenDisabled` in the settings, for all clients or for this one alone \
                             (`entra-sync settings --field inactive-when-disabled";

fn turn(switch: &str, key: &str, options: &str) -> String {
    format!("Turn {switch} `{key}` in the settings (`entra-sync settings {options}`).")
}

/// Two settings can be what keeps the contact active, or both.
fn inactivate_when_disabled(case: &Case<'_>) -> String {
    let mark = format!("turn on {MARK_INACTIVE}=on`, with `--client CLIENT` for one)");
    let timing = "set `vanish.disabled` to `at_once` in the settings, for all clients or for this one alone \
                  (`entra-sync settings --when-disabled at-once`, with `--client CLIENT` for one)";
    let is_marking = case.policy.fields.mark_inactive_when_disabled;
    let said = match (is_marking, case.policy.vanish.disabled == Timing::Never) {
        (true, _) => timing.to_owned(),
        (false, false) => mark,
        (false, true) => format!("{mark}, and {timing}"),
    };
    format!("{}.", crate::planner::capitalised(&said))
}

fn raise(limit: Limit) -> String {
    let (key, option) = match limit {
        Limit::Creations => ("limits.creations", "--new-allowed"),
        Limit::Inactivations => ("vanish.allowedPercent", "--gone-percent"),
        Limit::LinkMoves => ("limits.linkMoves", "--moved-allowed"),
        Limit::RunCreations => ("runLimits.creations", "--run-new-allowed"),
        Limit::RunInactivations => ("runLimits.inactivations", "--run-gone-allowed"),
        Limit::RunLinkMoves => ("runLimits.linkMoves", "--run-moved-allowed"),
    };
    format!("Raise `{key}` in the settings (`entra-sync settings {option} NUMBER`).")
}

fn restore_contact(case: &Case<'_>) -> String {
    let id = case.person().link.map_or_else(String::new, |link| format!(" {}", link.contact));
    format!(
        "Restore the contact{id} in the PSA with the same id, or move it back to this client, and import it \
         again. Nothing else helps: neither an undo nor an answer ends a link whose contact is missing."
    )
}

/// The field's name on the command line.
fn option(field: Field) -> &'static str {
    match field {
        Field::FullName => "display-name",
        field => field.key(),
    }
}

fn json(rule: &AttributeRule) -> String {
    serde_json::to_string(rule).unwrap_or_default()
}

fn owner_named(case: &Case<'_>, address: &EmailAddress, contact: ContactId) -> String {
    let owner = case.known.owners.get(address).copied().flatten();
    let elsewhere = owner.filter(|owner| owner.client != case.policy.client);
    match elsewhere.map(|owner| client_name(case.known, owner.client)) {
        Some(Some(name)) => format!("the contact of {name} that has it"),
        Some(None) => "the contact of another client that has it".to_owned(),
        None => case.named(contact),
    }
}
