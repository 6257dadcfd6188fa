//! Lines of a plan that failed, were left, or were not carried out.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "address_taken",
        area: Area::Line,
        cause: "Another contact has the address by now.",
        effect: "The line was not carried out: no contact got the address.",
        next: "Sync again: the line is planned anew from what is there now.",
    },
    Entry {
        code: "applied_before",
        area: Area::Line,
        cause: "Another run had done the same already.",
        effect: "The contact is as the line says. The line is not the work of this run, so an undo of \
                 this run leaves it.",
        next: "Nothing. To take it back, undo the run that did it.",
    },
    Entry {
        code: "changed_since",
        area: Area::Line,
        cause: "Somebody has changed the contact since the run that is taken back.",
        effect: "The undo leaves the contact as it is.",
        next: "Look at the contact and change by hand what should be otherwise.",
    },
    Entry {
        code: "contact_changed",
        area: Area::Line,
        cause: "Somebody changed the contact, or an address, after the plan was made or while an answer \
                was carried out.",
        effect: "The contact was left alone, and a question about the person is still open.",
        next: "Sync again: the line is planned anew. Reload a question and answer it again.",
    },
    Entry {
        code: "contact_exists",
        area: Area::Line,
        cause: "There is a contact with the id that was meant for this person, and it is not theirs.",
        effect: "No contact was created.",
        next: "Sync again: the line is planned anew, with another id.",
    },
    Entry {
        code: "contact_missing",
        area: Area::Line,
        cause: "The contact that the person is linked to, or that the line is about, is no longer at the \
                client: it was deleted in the PSA, or moved to another client.",
        effect: "Nothing is written about the person; an undo leaves the line.",
        next: "Restore the contact, or move it back, with the same id, and sync again.",
    },
    Entry {
        code: "contact_protected",
        area: Area::Line,
        cause: "The PSA forbids the sync to write the contact.",
        effect: "The contact stays as it is; a question about the person is still open.",
        next: "Lift the protection in the PSA, or choose another contact.",
    },
    Entry {
        code: "dismissed",
        area: Area::Line,
        cause: "An operator has said since the plan was made that the person is not to be synced.",
        effect: "This line was not carried out, and the contact stays as it is.",
        next: "Nothing, unless the person is to be synced after all: take the answer in the review queue back.",
    },
    Entry {
        code: "id_not_guid",
        area: Area::Line,
        cause: "Microsoft sent a record whose object id is not a GUID.",
        effect: "Nothing is written about it. It could be anybody, so nobody becomes inactive for being \
                 missing from this read.",
        next: "Sync again. If it persists, report it to Microsoft.",
    },
    Entry {
        code: "link_gone",
        area: Area::Line,
        cause: "The person's link to the contact has ended meanwhile.",
        effect: "The line was not carried out to its end: the link stays as it is.",
        next: "Sync again: the line is planned anew.",
    },
    Entry {
        code: "linked_elsewhere",
        area: Area::Line,
        cause: "The person is linked to another contact by now.",
        effect: "The person stays linked to that one. What the line has written to its own contact before \
                 stays.",
        next: "Sync again: the line is planned anew. If the other contact is wrong, undo the run that \
               linked it.",
    },
    Entry {
        code: "member_type",
        area: Area::Line,
        cause: "Microsoft sent a record with a value of a wrong type.",
        effect: "Nothing is written about the person, and the contact stays as it is.",
        next: "Nothing: the next sync looks again. If it persists, look at the account in the Entra admin \
               center or report it to the product's support.",
    },
    Entry {
        code: "no_id",
        area: Area::Line,
        cause: "Microsoft sent a record without an object id.",
        effect: "Nothing is written about it. It could be anybody, so nobody becomes inactive for being \
                 missing from this read.",
        next: "Sync again. If it persists, report it to Microsoft.",
    },
    Entry {
        code: "not_an_object",
        area: Area::Line,
        cause: "Microsoft sent something that is no record; or, in the details of `invalid_field_rules`, \
                the rules about fields are no object.",
        effect: "Nothing is written about the record. It could be anybody, so nobody becomes inactive for \
                 being missing from this read. Of settings nothing was saved.",
        next: "For a record: sync again, and if it persists, report it to Microsoft. Send an object of rules to \
               the settings.",
    },
    Entry {
        code: "not_gathered",
        area: Area::Line,
        cause: "Something that decides about the person had not been looked up, which is a defect of this \
                service.",
        effect: "Nothing is written about the person, and the contact stays as it is.",
        next: "Report it to the product's support with the id of the run.",
    },
    Entry {
        code: "read_since",
        area: Area::Line,
        cause: "A sync has seen the person again since the plan was made, and has said its last word.",
        effect: "This line was not carried out: the later sync's word counts.",
        next: "Nothing. What still waits is among the lines of the newest sync.",
    },
    Entry {
        code: "rejected",
        area: Area::Line,
        cause: "An operator has rejected the line.",
        effect: "It was not carried out, and the contact stays as it is.",
        next: "Take the rejection back with `runs reconsider` if it is wanted after all; the next sync decides anew.",
    },
    Entry {
        code: "stored_unreadable",
        area: Area::Line,
        cause: "What this service has stored about the person (the link, the question, the contact or whose \
                an address is) has a form that this version does not know: a newer version or something \
                else has written it.",
        effect: "Nothing is written about the person, and nobody becomes inactive for it. Everybody else is \
                 synced.",
        next: "Install the version that was there before, or correct the item in the table; the next sync \
               looks again. If nobody has changed either, report it to the product's support.",
    },
    Entry {
        code: "too_large",
        area: Area::Line,
        cause: "Microsoft sent a record that is larger than any record is, and it was not taken apart.",
        effect: "Nothing is written about it. It could be anybody, so nobody becomes inactive for being \
                 missing from this read.",
        next: "Sync again. If it persists, report it to Microsoft.",
    },
    Entry {
        code: "unknown_removal",
        area: Area::Line,
        cause: "Microsoft removed the person in a way that is not known here.",
        effect: "Nothing is written about the person, and the contact stays as it is.",
        next: "Nothing: the next sync looks again. If it persists, look at the account in the Entra admin \
               center or report it to the product's support.",
    },
    Entry {
        code: "unlinked",
        area: Area::Line,
        cause: "An operator has ended the person's link for good since the plan was made.",
        effect: "This line was not carried out: no sync links the person again.",
        next: "Match the person anew with `links rematch` if they are to be synced after all.",
    },
    Entry {
        code: "write_refused",
        area: Area::Line,
        cause: "The table does not take what was to be stored of this person, most likely because the contact is \
                larger than 400 KB.",
        effect: "This line was not carried out, and the contact stays as it is; everybody else was synced.",
        next: "Look at the contact in the PSA: shorten what is very long in it (phone numbers, further \
               addresses). Every sync tries again.",
    },
];
