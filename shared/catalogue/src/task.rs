//! Errors on which the state machines branch, as far as a task reports them.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "Fault",
        area: Area::Task,
        cause: "A task failed in a way that trying again does not mend: the table refuses it, what is \
                stored cannot be read, or a defect of this service.",
        effect: "What was applied before is complete and stays; nobody becomes inactive because of it. A \
                 discovery changes nothing more.",
        next: "Look at the cause in the workflow execution and in the function's log, then start again.",
    },
    Entry {
        code: "InvalidInput",
        area: Area::Task,
        cause: "A task was given something that is no work for it, such as a run that does not exist.",
        effect: "Nothing was read or changed by it; contacts stay as they are.",
        next: "Look at the input of the workflow execution, and start runs and discoveries through the \
               API or the command line.",
    },
    Entry {
        code: "Throttled",
        area: Area::Task,
        cause: "Microsoft asked a discovery to slow down until its tries were used up.",
        effect: "Nothing was changed: tenants, mappings and contacts stay as they are.",
        next: "Discover again later.",
    },
    Entry {
        code: "Transient",
        area: Area::Task,
        cause: "The table, the secret store, Microsoft or CIPP did not answer, until the tries of the \
                task were used up.",
        effect: "What was applied before is complete and stays; nobody becomes inactive because of it.",
        next: "Start again later. If it persists, look at the cause in the workflow execution.",
    },
];
