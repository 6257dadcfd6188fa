//! What `$select` may name: properties this fake holds, properties Graph has but the fake does not
//! hold, and names nobody knows.

use crate::{graph_error::GraphError, user::UserProperty};

/// The properties of one kind of resource.
pub(crate) struct Properties {
    pub(crate) resource: &'static str,
    pub(crate) held: &'static [&'static str],
    pub(crate) not_held: &'static [&'static str],
}

pub(crate) const ORGANIZATION_PROPERTIES: Properties = Properties {
    resource: "organization",
    held: &[
        "id",
        "deletedDateTime",
        "countryLetterCode",
        "createdDateTime",
        "displayName",
        "tenantType",
        "verifiedDomains",
    ],
    not_held: &[
        "assignedPlans",
        "businessPhones",
        "city",
        "country",
        "defaultUsageLocation",
        "marketingNotificationEmails",
        "mobileDeviceManagementAuthority",
        "onPremisesLastSyncDateTime",
        "onPremisesSyncEnabled",
        "partnerTenantType",
        "postalCode",
        "preferredLanguage",
        "privacyProfile",
        "provisionedPlans",
        "securityComplianceNotificationMails",
        "securityComplianceNotificationPhones",
        "state",
        "street",
        "technicalNotificationMails",
    ],
};

/// Properties of users in Graph's metadata that this fake does not hold; several of them cannot
/// be listed in reality either.
pub(crate) const USER_PROPERTIES_NOT_HELD: &[&str] = &[
    "aboutMe",
    "ageGroup",
    "assignedPlans",
    "authorizationInfo",
    "birthday",
    "consentProvidedForMinor",
    "creationType",
    "customSecurityAttributes",
    "deviceEnrollmentLimit",
    "employeeHireDate",
    "employeeLeaveDateTime",
    "employeeOrgData",
    "externalUserStateChangeDateTime",
    "faxNumber",
    "hireDate",
    "identities",
    "identityParentId",
    "imAddresses",
    "interests",
    "isManagementRestricted",
    "isResourceAccount",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "licenseAssignmentStates",
    "mailboxSettings",
    "mySite",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "passwordPolicies",
    "passwordProfile",
    "pastProjects",
    "preferredDataLocation",
    "preferredName",
    "print",
    "provisionedPlans",
    "responsibilities",
    "schools",
    "serviceProvisioningErrors",
    "showInAddressList",
    "signInActivity",
    "signInSessionsValidFromDateTime",
    "skills",
];

/// The fields asked for, in the order asked; all that are held without `$select`.
pub(crate) fn select_fields(
    names: Option<&[String]>,
    properties: &Properties,
) -> Result<Vec<&'static str>, GraphError> {
    let Some(names) = names else { return Ok(properties.held.to_vec()) };
    let field = |name: &String| {
        let held = properties.held.iter().find(|held| **held == name.as_str());
        held.copied().ok_or_else(|| refused(name, properties.resource, properties.not_held))
    };
    names.iter().map(field).collect()
}

/// The properties of users asked for.
pub(crate) fn select_user_properties(names: &[String]) -> Result<Vec<UserProperty>, GraphError> {
    let property = |name: &String| {
        UserProperty::parse(name).ok_or_else(|| refused(name, "user", USER_PROPERTIES_NOT_HELD))
    };
    names.iter().map(property).collect()
}

fn refused(name: &str, resource: &str, not_held: &[&str]) -> GraphError {
    if not_held.contains(&name) {
        let message = format!("The property '{name}' cannot be listed here.");
        return GraphError::new(501, "NotImplemented", message);
    }
    GraphError::bad_request(format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
         'microsoft.graph.{resource}'."
    ))
}
