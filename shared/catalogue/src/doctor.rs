//! What an examination finds besides the codes of its parts.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "clock_wrong",
        area: Area::Doctor,
        cause: "The clock of the machine is more than five minutes away from Microsoft's.",
        effect: "Tokens are taken for valid when they are not, so syncs fail; contacts stay as they are.",
        next: "Let the machine keep its time by NTP.",
    },
    Entry {
        code: "customer_not_listed",
        area: Area::Doctor,
        cause: "A mapped customer can be read and is not in the list of your customers any more.",
        effect: "Its contacts are still updated, and stay as they are once the access has ended.",
        next: "Check the delegated admin relationship with the customer; unmap the tenant if the customer has \
               left.",
    },
    Entry {
        code: "end_unknown",
        area: Area::Doctor,
        cause: "Nobody has told when something ends that ends by itself, such as a client secret.",
        effect: "After it, no customer can be read; contacts stay as they are.",
        next: "Look the day up where the finding says, and keep it beside the secret.",
    },
    Entry {
        code: "ended",
        area: Area::Doctor,
        cause: "A secret, a sign-in, a token or the access to a customer has ended.",
        effect: "What needs it cannot be read any more; contacts stay as they are.",
        next: "Do what the finding names, then validate the connection.",
    },
    Entry {
        code: "ends_soon",
        area: Area::Doctor,
        cause: "A secret, a sign-in, a token or the access to a customer ends within 30 days.",
        effect: "Syncs go on until then; after it, contacts stay as they are.",
        next: "Do what the finding names before that day.",
    },
    Entry {
        code: "limit_nearly_reached",
        area: Area::Doctor,
        cause: "Microsoft said that most of what it allows at once is used, or asked to slow down.",
        effect: "Syncs wait when they are told to, and take longer; contacts stay as they are meanwhile.",
        next: "Let syncs of many customers run at different times, and look what else reads with this app.",
    },
    Entry {
        code: "nobody_listed",
        area: Area::Doctor,
        cause: "A mapped customer can be read, and the list of its people is empty.",
        effect: "A sync does not believe that: it marks nobody inactive, and contacts stay as they are.",
        next: "Look at the customer's users in the Entra admin center. If somebody is there, report it to \
               Microsoft; unmap the tenant if the customer has left.",
    },
    Entry {
        code: "permission_missing",
        area: Area::Doctor,
        cause: "A permission that a sync needs is not granted to the app.",
        effect: "What needs the permission is not read; contacts stay as they are.",
        next: "Add the permission to the app registration, and connect again.",
    },
    Entry {
        code: "permission_unneeded",
        area: Area::Doctor,
        cause: "The app may do more than a sync needs. Nothing here makes use of it; whoever steals the \
                sign-in could.",
        effect: "Contacts are not concerned.",
        next: "Take what is not needed out of the app registration, and connect again.",
    },
];
