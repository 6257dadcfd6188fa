//! Why one tenant was not read or synced.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "answer_not_carried_out",
        area: Area::Tenant,
        cause: "The answer to a question was not carried out, because something had changed.",
        effect: "No contact was written; the question is still open.",
        next: "Reload the question and answer again (`entra-sync review show`).",
    },
    Entry {
        code: "app_single_tenant",
        area: Area::Tenant,
        cause: "The app registration is single-tenant, so this customer cannot be read.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Make the app registration multi-tenant and grant consent for this customer.",
    },
    Entry {
        code: "conditional_access_blocked",
        area: Area::Tenant,
        cause: "A conditional access policy of this customer blocks the sign-in.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Exclude service provider users in the customer's conditional access policy.",
    },
    Entry {
        code: "cross_tenant_access_blocked",
        area: Area::Tenant,
        cause: "The customer's cross-tenant access settings refuse the sign-in.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Allow your tenant in the customer's cross-tenant access settings.",
    },
    Entry {
        code: "customer_app_rejected",
        area: Area::Tenant,
        cause: "This customer's tenant does not accept the app, although your own tenant does.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Remove the app from the customer's enterprise applications and grant consent again.",
    },
    Entry {
        code: "customer_mfa_required",
        area: Area::Tenant,
        cause: "This customer requires multi-factor authentication that the stored sign-in does not \
                satisfy.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Connect again with multi-factor authentication. If it persists, check the customer's \
               policies.",
    },
    Entry {
        code: "customer_sign_in_rejected",
        area: Area::Tenant,
        cause: "This customer's tenant does not accept the sign-in, although your own tenant does.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Check the delegated admin relationship and the customer's policies.",
    },
    Entry {
        code: "customer_token_refused",
        area: Area::Tenant,
        cause: "Microsoft Graph twice refused a fresh token of this customer.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Wait a few minutes after changes of access. If it persists, check the customer's \
               conditional access policies.",
    },
    Entry {
        code: "delegated_admin_blocked",
        area: Area::Tenant,
        cause: "Microsoft has blocked delegated administration of this customer for suspicious activity.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Contact Microsoft's partner support.",
    },
    Entry {
        code: "gave_up",
        area: Area::Tenant,
        cause: "The tenant was taken up several times in this run without coming further.",
        effect: "What was applied before is complete and stays; nobody was marked inactive because of it.",
        next: "Run the sync again. If it stops here again, look at the worker's log for this run.",
    },
    Entry {
        code: "group_gone",
        area: Area::Tenant,
        cause: "A group that decides who is synced does not exist in this customer's tenant any more.",
        effect: "That is not taken for an empty group: the customer's contacts stay as they are, and \
                 other customers are synced.",
        next: "Choose another group for this customer, or none.",
    },
    Entry {
        code: "groups_not_readable",
        area: Area::Tenant,
        cause: "The account may enter this customer but not read its groups.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Add the delegated Graph permission `GroupMember.Read.All` to the app registration, then let an \
               administrator of this customer give the admin consent anew, as when the customer was connected. \
               Nobody has to sign in again. Only rules that name groups need this permission.",
    },
    Entry {
        code: "partner_tenant_answered",
        area: Area::Tenant,
        cause: "Your own tenant answered in place of this customer's.",
        effect: "Nothing was read and no contact was changed; other customers are synced.",
        next: "Do not sync this customer until it is explained: look for an update of CIPP, and report it \
               to the product's support with the diagnostics.",
    },
    Entry {
        code: "plan_changed",
        area: Area::Tenant,
        cause: "The stored plan of this tenant does not fit together any more.",
        effect: "No more of it was applied, and what was applied before stays.",
        next: "Run the sync again: it makes a new plan.",
    },
    Entry {
        code: "plan_expired",
        area: Area::Tenant,
        cause: "The stored plan is not kept any more, or not whole.",
        effect: "Nothing more of it was applied or taken back, and what was applied before stays.",
        next: "Make a new preview and apply that.",
    },
    Entry {
        code: "relationship_missing",
        area: Area::Tenant,
        cause: "The account used to connect has no delegated path into this customer, or also exists \
                there as a guest.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Add the account to the security group of this customer's delegated admin relationship, and \
               remove guest copies of it.",
    },
    Entry {
        code: "role_missing",
        area: Area::Tenant,
        cause: "The account may enter this customer but not read its users.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Assign Directory Readers or Global Reader in the delegated admin relationship and check \
               the app's `User.Read.All` permission.",
    },
    Entry {
        code: "service_missing",
        area: Area::Tenant,
        cause: "This customer has not subscribed to a service the app asks for.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Check the app's API permissions against the customer's subscriptions.",
    },
    Entry {
        code: "tenant_gone",
        area: Area::Tenant,
        cause: "This customer's tenant no longer exists.",
        effect: "This customer's contacts stay as they are; other customers are synced.",
        next: "Unmap the tenant. Deactivate its contacts by hand if the customer has left.",
    },
    Entry {
        code: "tenant_mismatch",
        area: Area::Tenant,
        cause: "Another tenant than this customer's answered.",
        effect: "Nothing was read and no contact was changed; other customers are synced.",
        next: "Report this to the product's support with the diagnostics; do not sync this customer until \
               it is explained.",
    },
    Entry {
        code: "tenant_state_unreadable",
        area: Area::Tenant,
        cause: "What is stored about the tenant's syncs has a form that this version does not know: a newer version or \
                something else has written it.",
        effect: "The tenant was not read, and its contacts stay as they are; the others are synced.",
        next: "Install the version that was there before, or correct the item in the table; the next sync looks again. \
               If nobody has changed either, report it to the product's support.",
    },
    Entry {
        code: "tenant_unproven",
        area: Area::Tenant,
        cause: "The tenant did not say which one it is.",
        effect: "Nothing was read and no contact was changed; other customers are synced.",
        next: "Try again. If it persists, report it to the product's support with the diagnostics.",
    },
];
