//! Importing and exporting clients and contacts.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "changed_meanwhile",
        area: Area::People,
        cause: "Somebody else changed the contact at the same time, several times over.",
        effect: "The contact was left as it is; the other rows are imported.",
        next: "Send the row again.",
    },
    Entry {
        code: "contact_at_other_client",
        area: Area::People,
        cause: "The contact belongs to another client than the row says, and an import does not move \
                contacts.",
        effect: "The contact was left as it is; the other rows are imported.",
        next: "Correct `clientId`.",
    },
    Entry {
        code: "email_exists",
        area: Area::People,
        cause: "An address in the row belongs to another contact of the workspace.",
        effect: "The row was left out and changes nothing; the other rows are imported.",
        next: "Remove the address here or there, and send the row again.",
    },
    Entry {
        code: "invalid_format",
        area: Area::People,
        cause: "The parameter `format` names no format.",
        effect: "Nothing was exported, and contacts stay as they are.",
        next: "Give `jsonl` or `csv`, or leave it out for `jsonl`.",
    },
    Entry {
        code: "invalid_value",
        area: Area::People,
        cause: "What stands in a column of an import, or in a rule about a field, is not of its kind; the \
                text says what belongs there.",
        effect: "Of an import the row was left out, and the other rows are imported. Of settings nothing \
                 was saved. Contacts stay as they are.",
        next: "Correct the value and send it again.",
    },
    Entry {
        code: "malformed_csv",
        area: Area::People,
        cause: "The row has more or fewer cells than the header.",
        effect: "The row was left out and changes nothing; the other rows are imported.",
        next: "Correct the commas of the row and send it again.",
    },
    Entry {
        code: "malformed_document",
        area: Area::People,
        cause: "The document is not of the format it is said to be; the details name the line.",
        effect: "Nothing was imported, and contacts stay as they are.",
        next: "Correct the document at that line, or send the `content-type` that fits it.",
    },
    Entry {
        code: "missing_column",
        area: Area::People,
        cause: "The header lacks a column that every row needs.",
        effect: "Nothing was imported, and contacts stay as they are.",
        next: "Add the column to every row and send it again.",
    },
    Entry {
        code: "missing_value",
        area: Area::People,
        cause: "A column that has to be filled in is missing or blank.",
        effect: "The row was left out and changes nothing; the other rows are imported.",
        next: "Fill it in and send the row again.",
    },
    Entry {
        code: "not_utf8",
        area: Area::People,
        cause: "The row is not UTF-8 text.",
        effect: "The row was left out and changes nothing; the other rows are imported.",
        next: "Save the document as UTF-8 and send it again.",
    },
    Entry {
        code: "repeated_column",
        area: Area::People,
        cause: "The header has a column more than once.",
        effect: "Nothing was imported, and contacts stay as they are.",
        next: "Remove one of the columns and send it again.",
    },
    Entry {
        code: "repeated_id",
        area: Area::People,
        cause: "An earlier row of the document has the same id.",
        effect: "Only the first one counts; this row was left out.",
        next: "Remove one of them.",
    },
    Entry {
        code: "too_long",
        area: Area::People,
        cause: "A text of an import, or of a rule about who is synced, is longer than is kept.",
        effect: "Of an import the row was left out, and the other rows are imported. Of settings nothing \
                 was saved. Contacts stay as they are.",
        next: "Shorten it and send it again.",
    },
    Entry {
        code: "unknown_column",
        area: Area::People,
        cause: "The header or a row has a column that nobody knows.",
        effect: "Nothing was imported when it stands in the header; otherwise only this row was left out. \
                 Contacts stay as they are.",
        next: "Remove the column or correct its name; an export shows the columns there are.",
    },
];
