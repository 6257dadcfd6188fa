//! This service itself.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "internal_fault",
        area: Area::Service,
        cause: "The service failed on this request. Its log has the cause under the id of the request.",
        effect: "What it had stored before is kept, and contacts stay consistent.",
        next: "Repeat the request. If it fails again, give the request id to whoever operates the service.",
    },
    Entry {
        code: "store_unavailable",
        area: Area::Service,
        cause: "The database did not answer, so it is not known whether the last thing that was asked of \
                it took effect.",
        effect: "What was stored before is complete. Of an import, of several mappings or of an answer to \
                 a question a part may be carried out.",
        next: "Look at how things stand and do the same again in a minute: rows, decisions and answers \
               that are saved already count as unchanged.",
    },
    Entry {
        code: "workflow_unavailable",
        area: Area::Service,
        cause: "The workflow engine did not take the run or the discovery. A run is noted as failed.",
        effect: "No tenant was read and nothing was changed; contacts stay as they are.",
        next: "Start it again in a minute.",
    },
];
