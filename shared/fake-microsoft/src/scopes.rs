//! The `scope` parameter: which permissions of Graph are asked for, and how they are echoed.

use crate::aadsts::Refusal;

/// How Graph's permissions begin when they are written in full.
const GRAPH: &str = "https://graph.microsoft.com/";

/// The delegated permissions of Graph this fake knows.
const KNOWN: [&str; 7] = [
    "CrossTenantInformation.ReadBasic.All",
    "DelegatedAdminRelationship.Read.All",
    "Directory.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "User.Read",
    "User.Read.All",
];

/// The permissions configured in the application's registration: what `.default` stands for.
const REGISTERED: [&str; 5] = [
    "CrossTenantInformation.ReadBasic.All",
    "DelegatedAdminRelationship.Read.All",
    "GroupMember.Read.All",
    "User.Read",
    "User.Read.All",
];

/// What a customer's administrator consents to: everything that is registered.
pub(crate) fn registered() -> Vec<String> {
    REGISTERED.map(str::to_owned).to_vec()
}

/// One `scope` parameter, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub(crate) offline_access: bool,
    /// Graph's permissions by their bare names; `.default` is spelt out.
    pub(crate) permissions: Vec<String>,
    is_default: bool,
    /// `openid`, `profile` and `email`, as far as they were asked.
    identity: Vec<String>,
}

impl Scopes {
    /// Reads a `scope` parameter; permissions of other resources and unknown ones are refused.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut scopes = Self::default();
        for scope in text.split_whitespace() {
            match scope {
                "openid" | "profile" | "email" => scopes.identity.push(scope.to_owned()),
                "offline_access" => scopes.offline_access = true,
                _ => scopes.add(scope)?,
            }
        }
        if scopes.is_default && !scopes.permissions.is_empty() {
            return Err(Refusal::new(70_011));
        }
        if scopes.is_default {
            scopes.permissions = registered();
        }
        Ok(scopes)
    }

    /// Whether an id token is asked for.
    pub(crate) fn openid(&self) -> bool {
        self.identity.iter().any(|scope| scope == "openid")
    }

    /// The granted part of what was asked, in the form of the answer's `scope`. `offline_access`
    /// is never echoed.
    pub(crate) fn echo(&self, granted: &[String]) -> String {
        let mut echo = self.identity.clone();
        echo.extend(granted.iter().map(|permission| format!("{GRAPH}{permission}")));
        if self.is_default {
            echo.push(format!("{GRAPH}.default"));
        }
        echo.join(" ")
    }

    /// What is granted when `consented` is all there is.
    pub(crate) fn granted(&self, consented: &[String]) -> Vec<String> {
        if self.is_default {
            return consented.to_vec();
        }
        self.permissions.iter().filter(|permission| consented.contains(permission)).cloned().collect()
    }

    fn add(&mut self, scope: &str) -> Result<(), Refusal> {
        let permission = scope.strip_prefix(GRAPH).unwrap_or(scope);
        if permission == ".default" {
            self.is_default = true;
        } else if KNOWN.contains(&permission) {
            self.permissions.push(permission.to_owned());
        } else if permission.contains("://") {
            return Err(Refusal::new(28_000));
        } else {
            let message = format!("The scope {permission} is not valid.");
            return Err(Refusal::about(70_011, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_strictly_and_echoed_in_full() {
        let scopes = Scopes::parse("openid offline_access User.Read.All").unwrap();
        assert!(scopes.openid() && scopes.offline_access);
        assert_eq!(scopes.echo(&scopes.permissions), "openid https://graph.microsoft.com/User.Read.All");
        let default = Scopes::parse("https://graph.microsoft.com/.default").unwrap();
        assert_eq!(default.permissions, REGISTERED);
        for (text, number) in [
            ("User.Everything", 70_011),
            ("https://graph.microsoft.com/.default User.Read", 70_011),
            ("https://outlook.office.com/Mail.Read", 28_000),
        ] {
            assert_eq!(Scopes::parse(text).unwrap_err().number, number, "{text}");
        }
    }
}
