//! Who is synced and which fields are written.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "ambiguous_rule",
        area: Area::Settings,
        cause: "The rule of a field is given under several names with different values.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Keep one of the names and save again.",
    },
    Entry {
        code: "blank",
        area: Area::Settings,
        cause: "A pattern or the value of a rule about who is synced holds nothing but blanks.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Fill it in or remove the rule, and save again.",
    },
    Entry {
        code: "invalid_domain",
        area: Area::Settings,
        cause: "A rule about who is synced names something that is no domain.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Write `example.com`, or `*.example.com` for the domains below it.",
    },
    Entry {
        code: "invalid_field_rules",
        area: Area::Settings,
        cause: "`fieldSyncConfig` cannot be used; the details name every wrong part.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Send an object such as `{\"role\": true, \"phone\": \"unless_edited\"}`.",
    },
    Entry {
        code: "invalid_pattern",
        area: Area::Settings,
        cause: "A pattern of who is synced is not a usable regular expression.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Correct the pattern as the text says and save again.",
    },
    Entry {
        code: "invalid_percent",
        area: Area::Settings,
        cause: "A share is more than 100 percent.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Send numbers from 0 to 100.",
    },
    Entry {
        code: "invalid_scope_rules",
        area: Area::Settings,
        cause: "A rule of who is synced cannot be used; the text names it, and the details name every one.",
        effect: "Nothing was saved. A sync or an explanation that meets such a rule reads nobody of the \
                 tenant and changes no contact.",
        next: "Correct the scope in the settings (`PATCH /api/integrations/entra/settings` or `entra-sync \
               settings --scope`) and run the sync again.",
    },
    Entry {
        code: "matches_everybody",
        area: Area::Settings,
        cause: "A pattern would leave everybody out.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Write a pattern that fits only those who are meant, and save again.",
    },
    Entry {
        code: "not_clearable",
        area: Area::Settings,
        cause: "A contact needs the field, so it is never cleared.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Take `clear` out of the rule of this field and save again.",
    },
    Entry {
        code: "overrides_too_large",
        area: Area::Settings,
        cause: "That is more than is kept for one client.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Say less for this client, for example by groups instead of long lists.",
    },
    Entry {
        code: "second_person_needed",
        area: Area::Settings,
        cause: "`fourEyes` is on, so that it takes two people to let lines through that wait at a stop limit, to \
                widen a stop limit, and to turn `fourEyes` off; nobody else has asked for the same yet.",
        effect: "That the first one asks is noted for a day. Nothing else was changed, and contacts stay as they are.",
        next: "Have somebody else with the same permission send the same request within the day.",
    },
    Entry {
        code: "too_complex",
        area: Area::Settings,
        cause: "A pattern repeats too much, or the patterns are too large together.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Write some of them shorter and save again.",
    },
    Entry {
        code: "too_many",
        area: Area::Settings,
        cause: "A list has more rules than are possible.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Take rules out of the list and save again.",
    },
    Entry {
        code: "unknown_key",
        area: Area::Settings,
        cause: "There is no rule of this name.",
        effect: "Nothing was saved, and contacts stay as they are.",
        next: "Correct the name or remove the rule; `entra-sync settings --output json` shows the rules \
               there are.",
    },
];
