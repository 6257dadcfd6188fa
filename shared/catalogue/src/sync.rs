//! Starting runs and working with their plans.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "already_running",
        area: Area::Sync,
        cause: "A run of this kind is going on already, so no second one was started.",
        effect: "Contacts change only as the running one says.",
        next: "Watch the running one, or cancel it first (`entra-sync runs cancel`).",
    },
    Entry {
        code: "client_missing",
        area: Area::Sync,
        cause: "`single-client` needs a `clientId`.",
        effect: "No run was started, and contacts stay as they are.",
        next: "Send the client's id; `managedTenantId` narrows the run to one of its tenants.",
    },
    Entry {
        code: "invalid_rules",
        area: Area::Sync,
        cause: "The rules to preview with cannot be used.",
        effect: "Nothing was planned, and contacts stay as they are.",
        next: "Send rules as the settings take them.",
    },
    Entry {
        code: "invalid_scope",
        area: Area::Sync,
        cause: "The field `scope` names no scope of a run.",
        effect: "No run was started, and contacts stay as they are.",
        next: "Send `initial`, `all-tenants` or `single-client`.",
    },
    Entry {
        code: "never_synced",
        area: Area::Sync,
        cause: "This tenant has never been synced to its end. So no read of it is short, and nobody of it is \
                synced alone: how many people are too many at once is measured by those who are there.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Run a sync of the tenant first (`entra-sync sync`). A preview of one person is possible before.",
    },
    Entry {
        code: "not_a_preview",
        area: Area::Sync,
        cause: "Only the plan of a preview can be applied; this run has written its plan itself.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Take the id of a preview.",
    },
    Entry {
        code: "nothing_held",
        area: Area::Sync,
        cause: "No line of this run waits for an operator.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Look at the run's lines (`entra-sync runs lines`).",
    },
    Entry {
        code: "nothing_mapped",
        area: Area::Sync,
        cause: "No tenant in this scope is mapped to a client, so there is nothing to sync.",
        effect: "No run was started, and contacts stay as they are.",
        next: "Discover tenants and confirm their mappings first (`entra-sync discover`, then `entra-sync \
               map --auto`).",
    },
    Entry {
        code: "nothing_to_undo",
        area: Area::Sync,
        cause: "This run is a preview: it has written nothing that could be taken back.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Take the id of a run that has written.",
    },
    Entry {
        code: "nothing_waits_in_a_preview",
        area: Area::Sync,
        cause: "The run is a preview: its lines say what would wait for you, and nothing of it does.",
        effect: "No decision was noted, and the stop limits are as they were.",
        next: "Take a sync whose lines wait (`entra-sync runs`), or apply the preview first.",
    },
    Entry {
        code: "plan_not_intact",
        area: Area::Sync,
        cause: "The stored plan of this run is not as it was written: a page or a result was changed or removed.",
        effect: "Checking changes nothing. What the run has written stays.",
        next: "Take nothing from the plan: do not apply or undo the run, and let nothing of it through. Find out who \
               can write to the table (on one machine: to the data folder), then make a new plan.",
    },
    Entry {
        code: "plan_unchecked",
        area: Area::Sync,
        cause: "The stored plan of this run cannot be checked as a whole: the run is going on, has ended before a \
                tenant had, or is so old that pages have been removed.",
        effect: "Checking changes nothing. What the run has written stays.",
        next: "Look at what is said of each tenant (`entra-sync runs verify`).",
    },
    Entry {
        code: "preview_of_a_plan",
        area: Area::Sync,
        cause: "`preview` was sent to a request that carries out a stored plan or notes a decision about it.",
        effect: "Nothing was changed, and no run was started.",
        next: "Read the lines of the run (`entra-sync runs lines`), then send the request without `preview`.",
    },
    Entry {
        code: "run_ended",
        area: Area::Sync,
        cause: "The run has ended already, so it cannot be cancelled.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Look at the run for how it ended (`entra-sync runs show`).",
    },
    Entry {
        code: "run_not_ended",
        area: Area::Sync,
        cause: "The run is still going on, so its plan is not whole.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Wait until the run has ended.",
    },
    Entry {
        code: "run_stopped_early",
        area: Area::Sync,
        cause: "The run ended before this tenant was done; the diagnostics name the error of the \
                workflow, if there was one.",
        effect: "What was applied before is complete and stays; nobody was marked inactive because of it.",
        next: "Run the sync again. If it happens again, look at the workflow execution of this run.",
    },
    Entry {
        code: "scope_missing",
        area: Area::Sync,
        cause: "A preview needs a `clientId` or a `managedTenantId`, unless it tries out rules.",
        effect: "Nothing was planned, and contacts stay as they are.",
        next: "Send at least one of the two, or rules that are not saved.",
    },
    Entry {
        code: "unknown_field",
        area: Area::Sync,
        cause: "An undo of some fields only names one that is no field.",
        effect: "Nothing was taken back, and contacts stay as they are.",
        next: "Name fields as the lines of the run or the settings do: `fullName`, `email`, `phones`, `role`, \
               `department`, `office`, `company` or `userPrincipalName`. Without any, everything is taken back.",
    },
    Entry {
        code: "unknown_run",
        area: Area::Sync,
        cause: "There is no run with this id in this workspace.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Take an id from `GET /api/integrations/entra/sync/runs` or `entra-sync runs`.",
    },
    Entry {
        code: "unsaved_rules",
        area: Area::Sync,
        cause: "This preview has tried out rules that are not saved, so its plan is not applied.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Save the rules, preview again, and apply that preview.",
    },
    Entry {
        code: "workflow_died",
        area: Area::Sync,
        cause: "The workflow of this run ended without ending the run.",
        effect: "What was applied before is complete and stays; nobody was marked inactive because of it.",
        next: "Run the sync again. If it happens again, look at the workflow execution of this run.",
    },
];
