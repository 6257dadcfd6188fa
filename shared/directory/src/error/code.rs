//! The stable codes: one row each with class, what happened, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ErrorClass, RETRY_AFTER_UNTOLD};

macro_rules! codes {
    ($($variant:ident $name:literal $class:ident $what:literal $remedy:literal)*) => {
        /// Stable operator code of a failed read, `snake_case` on the wire.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $what] $variant,)*
        }

        impl Code {
            /// All codes, for reference pages and tests.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as text.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What an orchestrator does about it, when no wait was told.
            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$variant => codes!(@class $class),)* }
            }

            /// For the operator: what happened and what it means for contacts.
            pub const fn what_happened(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// For the operator: what to do next.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
    (@class Throttled) => { ErrorClass::Throttled { retry_after: RETRY_AFTER_UNTOLD } };
    (@class $class:ident) => { ErrorClass::$class };
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

codes! {
    // The connection: the partner's own authority or token refuses.
    AdminApprovalNeeded "admin_approval_needed" CredentialRejected
        "Microsoft requires an administrator of your tenant to approve the app. No customer can be read; contacts stay as they are."
        "Ask a Global Administrator of your tenant to connect, or to grant admin consent to the app."
    AppConsentMissing "app_consent_missing" CredentialRejected
        "The app is not consented in your own tenant. No customer can be read; contacts stay as they are."
        "Connect again with an account that may consent to the requested permissions."
    AppCredentialsMissing "app_credentials_missing" CredentialRejected
        "No application id or client secret is configured. No customer can be read; contacts stay as they are."
        "Enter the application id and the client secret of the app registration."
    AppCredentialsRejected "app_credentials_rejected" CredentialRejected
        "Microsoft does not accept the app's credentials. No customer can be read; contacts stay as they are."
        "Check the application id and create a new client secret in the app registration."
    AppRegistrationIncomplete "app_registration_incomplete" CredentialRejected
        "The app registration lacks permissions or asks for a service your tenant does not have. No customer can be read; contacts stay as they are."
        "Check the API permissions of the app registration and grant admin consent."
    AppUnknown "app_unknown" CredentialRejected
        "Microsoft does not know the application id in your tenant. No customer can be read; contacts stay as they are."
        "Check the application id; if the app registration was deleted, create it again and connect."
    ClientCertificateRejected "client_certificate_rejected" CredentialRejected
        "Microsoft does not accept the app's certificate. No customer can be read; contacts stay as they are."
        "Upload a valid certificate to the app registration."
    ClientSecretExpired "client_secret_expired" CredentialRejected
        "The app's client secret has expired. No customer can be read; contacts stay as they are."
        "Create a new client secret in the app registration and enter its value."
    ClientSecretInvalid "client_secret_invalid" CredentialRejected
        "The app's client secret is wrong. No customer can be read; contacts stay as they are."
        "Enter the secret's value, not its id, from the app registration."
    CippAddressRefused "cipp_address_refused" CredentialRejected
        "The address of the CIPP API leads to this service's own network, or is not one that credentials may be sent to. Nothing was sent; contacts stay as they are."
        "Enter the public https address of the function app behind your CIPP, without a path."
    CippMismatch "cipp_mismatch" CredentialRejected
        "The stored credential is for another CIPP deployment than the connection: connecting another one was cut off. Nothing is read with it; contacts stay as they are."
        "Connect again to the deployment that is meant."
    CippForbidden "cipp_forbidden" CredentialRejected
        "CIPP knows the API client but does not let it read. No customer can be read; contacts stay as they are."
        "In CIPP give the API client a role that may read (readonly is enough), and check its list of allowed addresses."
    CippTokenExpired "cipp_token_expired" CredentialRejected
        "The token that was entered for CIPP has expired, as such tokens do after about an hour. No customer can be read; contacts stay as they are."
        "Connect with the id and the secret of an API client, which renew themselves, or enter a new token."
    CippTokenRefused "cipp_token_refused" CredentialRejected
        "CIPP does not accept the token. No customer can be read; contacts stay as they are."
        "Check that the API client is enabled and saved to Azure in CIPP's API settings, then connect again."
    CippWrongAddress "cipp_wrong_address" CredentialRejected
        "There is no CIPP API at the address: it answers with a web page, a redirect or without the functions of CIPP. Contacts stay as they are."
        "Enter the address of the function app (the API address in CIPP's settings), not that of CIPP's web page."
    ConsentDeclined "consent_declined" CredentialRejected
        "Consent was declined during sign-in. Nothing was connected; contacts stay as they are."
        "Connect again and accept the requested permissions."
    NotConnected "not_connected" CredentialRejected
        "There is no stored sign-in to Microsoft. No customer can be read; contacts stay as they are."
        "Connect to Microsoft."
    PartnerAccountDisabled "partner_account_disabled" CredentialRejected
        "The account used to connect is disabled, locked or its password has expired. No customer can be read; contacts stay as they are."
        "Enable the account or connect with another one."
    PartnerAccountUnknown "partner_account_unknown" CredentialRejected
        "The account used to connect no longer exists in your tenant. No customer can be read; contacts stay as they are."
        "Connect with another account."
    PartnerMismatch "partner_mismatch" CredentialRejected
        "The stored sign-in belongs to another partner tenant than the connection: connecting another one was cut off. Nothing is read with it; contacts stay as they are."
        "Connect again with an account of the former partner tenant, or finish the change (`changePartner`, `--change-partner`) with one of the new."
    PartnerRoleMissing "partner_role_missing" CredentialRejected
        "The account used to connect may not list your customers. Contacts stay as they are."
        "Give the account access to delegated administration, check that the app has DelegatedAdminRelationship.Read.All, and connect again."
    PartnerTenantUnknown "partner_tenant_unknown" CredentialRejected
        "Microsoft does not know the tenant the connection was made with. No customer can be read; contacts stay as they are."
        "Connect again with an account of your current tenant."
    PartnerTokenRefused "partner_token_refused" CredentialRejected
        "Microsoft Graph twice refused a fresh token of your tenant. Contacts stay as they are."
        "Connect again; if it persists, check conditional access policies of your tenant."
    RedirectNotRegistered "redirect_not_registered" CredentialRejected
        "The redirect address is not registered for the app. Nothing was connected; contacts stay as they are."
        "Add the redirect address shown in the connection settings to the app registration, platform Web."
    RedirectNotWeb "redirect_not_web" CredentialRejected
        "The redirect address is registered as a single-page application, which ends sign-ins after a day. No customer can be read; contacts stay as they are."
        "Register the redirect address as platform Web and connect again."
    SignInBlockedByPolicy "sign_in_blocked_by_policy" CredentialRejected
        "A conditional access policy of your own tenant blocks the account used to connect. No customer can be read; contacts stay as they are."
        "Exclude the account from the policy or satisfy it, then connect again."
    SignInCodeRejected "sign_in_code_rejected" CredentialRejected
        "The sign-in answer was used twice, came too late or belongs to another sign-in. Nothing was connected; contacts stay as they are."
        "Start connecting again."
    SignInExpired "sign_in_expired" CredentialRejected
        "The sign-in expired because it was not used for 90 days. No customer can be read; contacts stay as they are."
        "Connect again."
    SignInMfaRequired "sign_in_mfa_required" CredentialRejected
        "Your tenant requires multi-factor authentication that the stored sign-in does not have. No customer can be read; contacts stay as they are."
        "Connect again and complete multi-factor authentication."
    SignInRejected "sign_in_rejected" CredentialRejected
        "Microsoft does not accept the stored sign-in any more. No customer can be read; contacts stay as they are."
        "Connect again."
    SignInRevoked "sign_in_revoked" CredentialRejected
        "The stored sign-in was revoked, for example by a password reset or a sign-in frequency policy. No customer can be read; contacts stay as they are."
        "Connect again."

    // One customer.
    AppSingleTenant "app_single_tenant" AccessLost
        "The app registration is single-tenant, so this customer cannot be read; its contacts stay as they are."
        "Make the app registration multi-tenant and grant consent for this customer."
    CippReadFailed "cipp_read_failed" AccessLost
        "CIPP could not read this customer and said so; the customer's contacts stay as they are."
        "Run CIPP's access check for this tenant and repair what it names, then sync again."
    CippTenantForbidden "cipp_tenant_forbidden" AccessLost
        "CIPP does not let the API client read this customer; the customer's contacts stay as they are."
        "In CIPP check the role of the API client and the tenants it is limited to."
    ConditionalAccessBlocked "conditional_access_blocked" AccessLost
        "A conditional access policy of this customer blocks the sign-in; its contacts stay as they are."
        "Exclude service provider users in the customer's conditional access policy."
    ConsentMissing "consent_missing" AccessLost
        "The app is not consented in this customer's tenant; its contacts stay as they are."
        "Grant admin consent for this customer."
    CrossTenantAccessBlocked "cross_tenant_access_blocked" AccessLost
        "The customer's cross-tenant access settings refuse the sign-in; its contacts stay as they are."
        "Allow your tenant in the customer's cross-tenant access settings."
    CustomerAppRejected "customer_app_rejected" AccessLost
        "This customer's tenant does not accept the app, although your own tenant does; its contacts stay as they are."
        "Remove the app from the customer's enterprise applications and grant consent again."
    CustomerMfaRequired "customer_mfa_required" AccessLost
        "This customer requires multi-factor authentication that the stored sign-in does not satisfy; its contacts stay as they are."
        "Connect again with multi-factor authentication; if it persists, check the customer's policies."
    CustomerSignInRejected "customer_sign_in_rejected" AccessLost
        "This customer's tenant does not accept the sign-in, although your own tenant does; its contacts stay as they are."
        "Check the delegated admin relationship and the customer's policies."
    CustomerTokenRefused "customer_token_refused" AccessLost
        "Microsoft Graph twice refused a fresh token of this customer; its contacts stay as they are."
        "Wait a few minutes after changes of access; if it persists, check the customer's conditional access policies."
    DelegatedAdminBlocked "delegated_admin_blocked" AccessLost
        "Microsoft has blocked delegated administration of this customer for suspicious activity; its contacts stay as they are."
        "Contact Microsoft's partner support."
    GroupGone "group_gone" AccessLost
        "A group that decides who is synced does not exist in this customer's tenant any more. That is not taken for an empty group: the customer's contacts stay as they are."
        "Choose another group for this customer, or none."
    GroupsNotReadable "groups_not_readable" AccessLost
        "The account may enter this customer but not read its groups; its contacts stay as they are."
        "Add the delegated Graph permission GroupMember.Read.All to the app registration, then let an administrator of this customer give the admin consent anew; nobody has to sign in again."
    RelationshipMissing "relationship_missing" AccessLost
        "The account used to connect has no delegated path into this customer, or also exists there as a guest; its contacts stay as they are."
        "Add the account to the security group of this customer's delegated admin relationship, and remove guest copies of it."
    RoleMissing "role_missing" AccessLost
        "The account may enter this customer but not read its users; its contacts stay as they are."
        "Assign Directory Readers or Global Reader in the delegated admin relationship and check the app's User.Read.All permission."
    ServiceMissing "service_missing" AccessLost
        "This customer has not subscribed to a service the app asks for; its contacts stay as they are."
        "Check the app's API permissions against the customer's subscriptions."
    TenantGone "tenant_gone" AccessLost
        "This customer's tenant no longer exists; its contacts stay as they are."
        "Unmap the tenant; deactivate its contacts by hand if the customer has left."

    // Which tenant answers.
    PartnerTenantAnswered "partner_tenant_answered" TenantProofFailed
        "Your own tenant answered in place of this customer's. Nothing was read and no contact was changed."
        "Do not sync this customer until it is explained: look for an update of CIPP, and report it to the product's support with the diagnostics."
    TenantMismatch "tenant_mismatch" TenantProofFailed
        "Another tenant than this customer's answered. Nothing was read and no contact was changed."
        "Report this to the product's support with the diagnostics; do not sync this customer until it is explained."
    TenantUnproven "tenant_unproven" TenantProofFailed
        "The tenant did not say which one it is. Nothing was read and no contact was changed."
        "Try again; if it persists, report it to the product's support with the diagnostics."

    // Listings.
    ChangesExpired "changes_expired" ExpiredPage
        "Microsoft forgot up to where changes were read, as it does after seven days. It does not mean that anybody left: everybody is read again, and contacts stay as they are until then."
        "Nothing: all users are read again."
    PageExpired "page_expired" ExpiredPage
        "Microsoft forgot the position in the listing. The read begins again; contacts stay as they are."
        "Nothing: it is repeated from the first page."
    PageTooLarge "page_too_large" ExpiredPage
        "Microsoft took too long to answer a page. The read begins again with smaller pages; contacts stay as they are."
        "Nothing: it is repeated from the first page."

    // Later.
    CippAnswerIncomplete "cipp_answer_incomplete" Transient
        "CIPP answered without saying who is there: it has nothing yet, or queued the question. That is not taken for nobody; contacts stay as they are."
        "Nothing, unless it persists: then look at this customer in CIPP."
    CippBusy "cipp_busy" Throttled
        "CIPP asked to slow down. Contacts stay as they are."
        "A sync goes on by itself, where it stopped. Whatever else it was, try it again in a few minutes."
    CippUnavailable "cipp_unavailable" Transient
        "CIPP did not answer in time or is not available. Contacts stay as they are."
        "Nothing, unless it persists: then look at the function app of your CIPP in Azure."
    ConnectionFailed "connection_failed" Transient
        "Microsoft could not be reached over the network. Contacts stay as they are."
        "Nothing, unless it persists: then check the outbound network."
    CredentialsUnavailable "credentials_unavailable" Transient
        "The stored sign-in could not be read or kept. Contacts stay as they are."
        "Nothing, unless it persists: then check the secret store."
    GraphBusy "graph_busy" Throttled
        "Microsoft Graph asked to come back later. Contacts stay as they are."
        "A sync goes on by itself, where it stopped. Whatever else it was, try it again in a few minutes."
    GraphUnavailable "graph_unavailable" Transient
        "Microsoft Graph is not available. Contacts stay as they are."
        "Nothing, unless it persists: then look at Microsoft's service health."
    LoginThrottled "login_throttled" Throttled
        "Microsoft's login service asked to slow down. Contacts stay as they are."
        "A sync goes on by itself, where it stopped. Whatever else it was, try it again in a few minutes."
    LoginUnavailable "login_unavailable" Transient
        "Microsoft's login service is not available. Contacts stay as they are."
        "Nothing, unless it persists: then look at Microsoft's service health."
    Throttled "throttled" Throttled
        "Microsoft Graph asked to slow down. Contacts stay as they are."
        "A sync goes on by itself, where it stopped. Whatever else it was, try it again in a few minutes."

    // Faults.
    AnswerTooLarge "answer_too_large" Fault
        "An answer was larger than any page can be, and was not read. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
    AnswerUnexpected "answer_unexpected" Fault
        "Microsoft answered with a status that cannot occur here. Contacts stay as they are."
        "Check for a proxy between the product and Microsoft; else report it with the diagnostics."
    AnswerUnreadable "answer_unreadable" Fault
        "An answer could not be read, several times over. Contacts stay as they are."
        "Check for a proxy between the product and Microsoft; else report it with the diagnostics."
    CippAnswerUnreadable "cipp_answer_unreadable" Fault
        "An answer of CIPP could not be read. Contacts stay as they are."
        "Update CIPP; if it persists, report it to the product's support with the diagnostics."
    CippTenantsNotListed "cipp_tenants_not_listed" Fault
        "CIPP could not list your customers and said so. Nothing was changed: tenants, mappings and contacts stay as they are."
        "Run the permissions check in CIPP's settings and repair what it names."
    CursorUnreadable "cursor_unreadable" Fault
        "The stored position in the listing could not be read. Contacts stay as they are."
        "Start the sync again; if it persists, report it to the product's support."
    ForeignNextLink "foreign_next_link" Fault
        "The listing pointed to an address outside Microsoft Graph; it was not followed and no token was sent. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
    ListingEndless "listing_endless" Fault
        "The listing had more pages than any directory has. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
    NextLinkLoop "next_link_loop" Fault
        "The listing led back to a page already read. Contacts stay as they are."
        "Start the sync again; if it persists, report it to the product's support."
    ReadNotOffered "read_not_offered" Fault
        "This kind of connection to Microsoft cannot answer what was asked. Contacts stay as they are."
        "Take what needs it out of the settings, or connect to Microsoft directly."
    RecordUnreadable "record_unreadable" Fault
        "The record of the person could not be read. The contact stays as it is."
        "Look at the account in the Entra admin center; if it looks right, report it to the product's support."
    RequestRejected "request_rejected" Fault
        "Microsoft Graph does not accept the request. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
    ResourceUnknown "resource_unknown" Fault
        "Microsoft Graph does not know what was asked for. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
    TokenRequestRejected "token_request_rejected" Fault
        "Microsoft's login service does not accept the request. Contacts stay as they are."
        "Report it to the product's support with the diagnostics."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_the_same_everywhere() {
        for code in Code::ALL {
            let json = serde_json::to_value(code).unwrap();
            assert_eq!(json, code.name());
            assert_eq!(serde_json::from_value::<Code>(json).unwrap(), *code);
        }
    }

    #[test]
    fn every_code_tells_the_operator_something() {
        for code in Code::ALL {
            assert!(code.what_happened().ends_with('.') && code.what_happened().len() > 40, "{code}");
            assert!(code.remedy().ends_with('.') && code.remedy().len() > 10, "{code}");
        }
    }
}
