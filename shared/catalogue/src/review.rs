//! Answering questions about people.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "EMAIL_EXISTS",
        area: Area::Review,
        cause: "Every address of the person belongs to another contact, so no new contact can be made. \
                The code is written as the PSA writes it.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Link the person to the contact that has the address, or give that contact another address \
               and answer again.",
    },
    Entry {
        code: "already_linked",
        area: Area::Review,
        cause: "The person is linked to a contact already.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Link the person to that contact to leave it as it is, or to another one; or dismiss the \
               question.",
    },
    Entry {
        code: "client_mismatch",
        area: Area::Review,
        cause: "The contact belongs to another client than the one the tenant is mapped to.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Choose a contact of the client, or correct the tenant's mapping and sync again.",
    },
    Entry {
        code: "contact_linked",
        area: Area::Review,
        cause: "The contact belongs to another account of the directory, which is there.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Choose another contact, or make a new one. If the other account is wrong, take back the \
               run that linked it first (`entra-sync runs undo`).",
    },
    Entry {
        code: "contact_not_found",
        area: Area::Review,
        cause: "There is no contact with this id in this workspace.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Reload the contacts and choose again.",
    },
    Entry {
        code: "id_missing",
        area: Area::Review,
        cause: "The id of the question, or of the contact, is missing.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Send the id as the queue gives it.",
    },
    Entry {
        code: "invalid_answer",
        area: Area::Review,
        cause: "Many questions were to be answered with something that is no answer to all of them.",
        effect: "Nothing was answered, and contacts stay as they are.",
        next: "Answer with `link_existing`, `create_new` or `dismiss`.",
    },
    Entry {
        code: "invalid_status",
        area: Area::Review,
        cause: "The parameter `status` names no state of a question.",
        effect: "Nothing was listed, and contacts stay as they are.",
        next: "Send `open`, `resolved` or `dismissed`, or leave it out for the open ones.",
    },
    Entry {
        code: "item_being_decided",
        area: Area::Review,
        cause: "Another request is answering this question at the moment.",
        effect: "This one changed nothing. The contact is as the other answer makes it.",
        next: "Reload the queue in a minute or two; answer again if the question is still there.",
    },
    Entry {
        code: "item_not_found",
        area: Area::Review,
        cause: "There is no question with this id in this workspace.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Take an id from the queue (`entra-sync review list`).",
    },
    Entry {
        code: "item_not_open",
        area: Area::Review,
        cause: "The question has been answered already, and that answer holds.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "To answer otherwise, take back the run that the details name (`entra-sync runs undo`): the \
               question is then open again.",
    },
    Entry {
        code: "item_without_email",
        area: Area::Review,
        cause: "The directory has no usable address for the person.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Give the account an address in the directory and sync again, or dismiss the question.",
    },
    Entry {
        code: "name_only",
        area: Area::Review,
        cause: "Many questions were to be answered with the contact that has the person's address, and no contact \
                has one; a name alone links nobody.",
        effect: "The question is still open, and contacts stay as they are. The others were answered.",
        next: "Answer it by itself: `entra-sync review show QUESTION` says what speaks for whom.",
    },
    Entry {
        code: "several_contacts",
        area: Area::Review,
        cause: "Many questions were to be answered with the contact that has the person's address, and several \
                contacts have one.",
        effect: "The question is still open, and contacts stay as they are. The others were answered.",
        next: "Answer it by itself: `entra-sync review show QUESTION` says what speaks for whom.",
    },
    Entry {
        code: "tenant_busy",
        area: Area::Review,
        cause: "The tenant is being synced at the moment.",
        effect: "Nothing was changed, and contacts stay as they are.",
        next: "Answer again when the sync has ended.",
    },
];
