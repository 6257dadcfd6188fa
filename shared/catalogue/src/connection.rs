//! The connection to Microsoft.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "admin_approval_needed",
        area: Area::Connection,
        cause: "Microsoft requires an administrator of your tenant to approve the app.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Ask a Global Administrator of your tenant to connect, or to grant admin consent to the app.",
    },
    Entry {
        code: "app_consent_missing",
        area: Area::Connection,
        cause: "The app is not consented in your own tenant.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again with an account that may consent to the requested permissions.",
    },
    Entry {
        code: "app_credentials_missing",
        area: Area::Connection,
        cause: "No application id or client secret is configured.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Enter the application id and the client secret of the app registration.",
    },
    Entry {
        code: "app_credentials_rejected",
        area: Area::Connection,
        cause: "Microsoft does not accept the app's credentials.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Check the application id and create a new client secret in the app registration.",
    },
    Entry {
        code: "app_registration_incomplete",
        area: Area::Connection,
        cause: "The app registration lacks permissions or asks for a service your tenant does not have.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Check the API permissions of the app registration and grant admin consent.",
    },
    Entry {
        code: "app_unknown",
        area: Area::Connection,
        cause: "Microsoft does not know the application id in your tenant.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Check the application id. If the app registration was deleted, create it again and connect.",
    },
    Entry {
        code: "client_certificate_rejected",
        area: Area::Connection,
        cause: "Microsoft does not accept the app's certificate.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Upload a valid certificate to the app registration.",
    },
    Entry {
        code: "client_secret_expired",
        area: Area::Connection,
        cause: "The app's client secret has expired.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Create a new client secret in the app registration and enter its value.",
    },
    Entry {
        code: "client_secret_invalid",
        area: Area::Connection,
        cause: "The app's client secret is wrong.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Enter the secret's value, not its id, from the app registration.",
    },
    Entry {
        code: "consent_declined",
        area: Area::Connection,
        cause: "Consent was declined during sign-in.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Connect again and accept the requested permissions.",
    },
    Entry {
        code: "consent_missing",
        area: Area::Connection,
        cause: "The app is not consented: in a customer's tenant, or in your own while you connect.",
        effect: "The customer's contacts stay as they are. When it is your own tenant, nothing was stored \
                 and a connection that was there before stays in force.",
        next: "For a customer, grant admin consent in the customer's tenant. For your own tenant, connect \
               again and accept all requested permissions with an account that may consent to them.",
    },
    Entry {
        code: "credentials_unavailable",
        area: Area::Connection,
        cause: "The stored sign-in could not be read or kept.",
        effect: "Contacts stay as they are.",
        next: "Nothing, unless it persists: then check the secret store.",
    },
    Entry {
        code: "invalid_connection_type",
        area: Area::Connection,
        cause: "The field `connectionType` is missing or names no type of connection.",
        effect: "The connection and all contacts stay as they are.",
        next: "Send `connectionType` with one of the `availableConnectionTypes` of the status.",
    },
    Entry {
        code: "missing_access_token",
        area: Area::Connection,
        cause: "There is no stored sign-in to Microsoft.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect to Microsoft: from the settings page, or with `entra-sync connect`.",
    },
    Entry {
        code: "missing_credentials",
        area: Area::Connection,
        cause: "No app registration is configured for this workspace; or, for CIPP, there is no credential.",
        effect: "The connection and all contacts stay as they are.",
        next: "Enter the application id and the client secret of your app registration, then connect \
               again; on the command line set `MICROSOFT_CLIENT_ID` and `MICROSOFT_CLIENT_SECRET`. For \
               CIPP send `tenantId`, `clientId` and `clientSecret` of an API client, or `apiToken` alone.",
    },
    Entry {
        code: "not_connected",
        area: Area::Connection,
        cause: "There is no connection to Microsoft.",
        effect: "Nothing was discovered, synced or read, and contacts stay as they are.",
        next: "Connect first, then discover and map: `entra-sync connect`, `entra-sync discover`, \
               `entra-sync map`.",
    },
    Entry {
        code: "partner_account_disabled",
        area: Area::Connection,
        cause: "The account used to connect is disabled, locked or its password has expired.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Enable the account or connect with another one.",
    },
    Entry {
        code: "partner_account_unknown",
        area: Area::Connection,
        cause: "The account used to connect no longer exists in your tenant.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect with another account.",
    },
    Entry {
        code: "partner_mismatch",
        area: Area::Connection,
        cause: "The stored sign-in belongs to another partner tenant than the connection: connecting another \
                one was cut off between storing its tokens and the connection.",
        effect: "Nothing is read with it, and contacts stay as they are.",
        next: "Connect again with an account of the former partner tenant, or finish the change with one of the \
               new: send `changePartner` or give `--change-partner`.",
    },
    Entry {
        code: "partner_role_missing",
        area: Area::Connection,
        cause: "The account used to connect may not list your customers.",
        effect: "Contacts stay as they are.",
        next: "Give the account access to delegated administration, check that the app has \
               `DelegatedAdminRelationship.Read.All`, and connect again.",
    },
    Entry {
        code: "partner_tenant_unknown",
        area: Area::Connection,
        cause: "Microsoft does not know the tenant the connection was made with.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again with an account of your current tenant.",
    },
    Entry {
        code: "partner_token_refused",
        area: Area::Connection,
        cause: "Microsoft Graph twice refused a fresh token of your tenant.",
        effect: "Contacts stay as they are.",
        next: "Connect again. If it persists, check the conditional access policies of your tenant.",
    },
    Entry {
        code: "post_refresh_validation_failed",
        area: Area::Connection,
        cause: "Microsoft gave a new token, and that one is refused as well; the reason is in the details.",
        effect: "Contacts stay as they are.",
        next: "Do what the text names, mostly connect again; then validate with `POST \
               /api/integrations/entra/validate-direct`.",
    },
    Entry {
        code: "redirect_not_registered",
        area: Area::Connection,
        cause: "The redirect address is not registered for the app.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Add the redirect address shown in the connection settings to the app registration, \
               platform Web.",
    },
    Entry {
        code: "redirect_not_web",
        area: Area::Connection,
        cause: "The redirect address is registered as a single-page application, which ends sign-ins \
                after a day.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Register the redirect address as platform Web and connect again.",
    },
    Entry {
        code: "refresh_failed",
        area: Area::Connection,
        cause: "Microsoft does not renew the stored sign-in; the reason is in the details.",
        effect: "Contacts stay as they are.",
        next: "Do what the text names, mostly connect again; then validate with `POST \
               /api/integrations/entra/validate-direct`.",
    },
    Entry {
        code: "secrets_not_deleted",
        area: Area::Connection,
        cause: "The connection is given up, but not all of its secrets could be deleted; the reason is in \
                the details.",
        effect: "No sync uses the connection any more, and contacts stay as they are.",
        next: "Mend the secret store as the text says, then disconnect again: `POST \
               /api/integrations/entra/disconnect`.",
    },
    Entry {
        code: "sign_in_blocked_by_policy",
        area: Area::Connection,
        cause: "A conditional access policy of your own tenant blocks the account used to connect.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Exclude the account from the policy or satisfy it, then connect again.",
    },
    Entry {
        code: "sign_in_code_rejected",
        area: Area::Connection,
        cause: "The sign-in answer was used twice, came too late or belongs to another sign-in.",
        effect: "Nothing was connected; contacts stay as they are.",
        next: "Start connecting again.",
    },
    Entry {
        code: "sign_in_expired",
        area: Area::Connection,
        cause: "The sign-in expired because it was not used for 90 days.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again.",
    },
    Entry {
        code: "sign_in_mfa_required",
        area: Area::Connection,
        cause: "Your tenant requires multi-factor authentication that the stored sign-in does not have.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again and complete multi-factor authentication.",
    },
    Entry {
        code: "sign_in_rejected",
        area: Area::Connection,
        cause: "Microsoft does not accept the stored sign-in any more.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again.",
    },
    Entry {
        code: "sign_in_revoked",
        area: Area::Connection,
        cause: "The stored sign-in was revoked, for example by a password reset or a sign-in frequency \
                policy.",
        effect: "No customer can be read; contacts stay as they are.",
        next: "Connect again.",
    },
    Entry {
        code: "upstream_error",
        area: Area::Connection,
        cause: "Microsoft answered with a failure, or not at all, while the connection was validated or \
                renewed; the reason is in the details.",
        effect: "Contacts stay as they are.",
        next: "Do what the text names. If Microsoft was not available, validate again in a few minutes \
               with `POST /api/integrations/entra/validate-direct`.",
    },
];
