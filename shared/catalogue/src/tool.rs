//! What only the command line says.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "bench_failed",
        area: Area::Tool,
        cause: "The measurement could not be made or did not come to its end.",
        effect: "Only invented people were involved; no contact of yours was touched.",
        next: "Look at the log. If it says nothing, report it as a bug.",
    },
    Entry {
        code: "data_in_use",
        area: Area::Tool,
        cause: "Another `entra-sync` process is using the data folder.",
        effect: "Nothing was read or changed by this one.",
        next: "Wait until the other one is done, stop it, or use another folder with `--data`.",
    },
    Entry {
        code: "data_unusable",
        area: Area::Tool,
        cause: "The data folder, or what stands in it, cannot be opened, read or written.",
        effect: "The command did nothing with contacts.",
        next: "Check that the folder given with `--data` exists and is yours to write.",
    },
    Entry {
        code: "document_unreadable",
        area: Area::Tool,
        cause: "The file is not a document of clients or contacts that can be taken apart.",
        effect: "Nothing of it was applied, and contacts stay as they are.",
        next: "Correct the file as the text says and import it again.",
    },
    Entry {
        code: "file_unreadable",
        area: Area::Tool,
        cause: "The file that was named cannot be read.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Check the name of the file and your right to read it.",
    },
    Entry {
        code: "invalid_settings",
        area: Area::Tool,
        cause: "An environment variable cannot be used; the text names it.",
        effect: "The command did nothing; contacts stay as they are.",
        next: "Correct the environment variable and try again.",
    },
    Entry {
        code: "mapping_refused",
        area: Area::Tool,
        cause: "The decision about a tenant was not taken; the text says why.",
        effect: "Of several decisions those before it may be saved. Contacts stay as they are until the \
                 next sync.",
        next: "Correct the request; `entra-sync map` shows tenants and clients.",
    },
    Entry {
        code: "microsoft_unavailable",
        area: Area::Tool,
        cause: "Microsoft did not answer the discovery.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Try again in a minute.",
    },
    Entry {
        code: "not_a_demo",
        area: Area::Tool,
        cause: "The folder belongs to a real workspace, so the demo does not run there.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Give the demo a folder of its own with `--data`.",
    },
    Entry {
        code: "not_by_client",
        area: Area::Tool,
        cause: "When everybody is read again, and what all tenants together may do, is the same for all \
                clients.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Say it without `--client`.",
    },
    Entry {
        code: "output_failed",
        area: Area::Tool,
        cause: "The result could not be written to standard output.",
        effect: "What the command had done before stays.",
        next: "Check where standard output goes. If that is in order, report it as a bug.",
    },
    Entry {
        code: "port_in_use",
        area: Area::Tool,
        cause: "The port cannot be used, mostly because another program uses it.",
        effect: "Nothing was connected or served; contacts stay as they are.",
        next: "Stop what uses the port, or choose another with `--port`.",
    },
    Entry {
        code: "run_interrupted",
        area: Area::Tool,
        cause: "The run stopped before its end.",
        effect: "What it has applied is complete.",
        next: "Type the same command again: it goes on where it stopped.",
    },
    Entry {
        code: "scope_unreadable",
        area: Area::Tool,
        cause: "The file with the rules about who is synced is not what it has to be.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Look at `entra-sync settings --output json`: its `scope` is what the file has to hold.",
    },
    Entry {
        code: "sign_in_failed",
        area: Area::Tool,
        cause: "The invented Microsoft did not send the browser back.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Start with a new data folder.",
    },
    Entry {
        code: "sign_in_not_begun",
        area: Area::Tool,
        cause: "The sign-in could not be begun, mostly because the secrets or the table do not answer.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Try again.",
    },
    Entry {
        code: "sign_in_unreachable",
        area: Area::Tool,
        cause: "The invented Microsoft could not be reached.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Start with a new data folder.",
    },
    Entry {
        code: "unknown_code",
        area: Area::Tool,
        cause: "There is no such code.",
        effect: "No data was looked at, and contacts stay as they are.",
        next: "Copy the code as it was told, without its brackets; `entra-sync codes` lists them all.",
    },
];
