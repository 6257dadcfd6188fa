//! One person, taken or not.

use super::{
    Scope,
    exclusion::{Excluded, Exclusion},
    groups::GroupMembership,
    service_account,
};
use crate::{
    email::EmailAddress,
    ids::EntraObjectId,
    user::{Addresses, DirectoryUser, UserKind},
};

impl Scope {
    /// Why `user` is left out, by the first rule that hits; `None` = it is taken. Whether the
    /// account is disabled is the planner's concern, because that depends on whether a contact is
    /// linked.
    pub fn exclusion(
        &self,
        user: &DirectoryUser,
        addresses: &Addresses,
        groups: &GroupMembership,
    ) -> Option<Excluded> {
        self.by_kind(user)
            .or_else(|| self.by_service_account(user))
            .or_else(|| by_identity(addresses))
            .or_else(|| self.patterns.exclusion(user))
            .or_else(|| {
                addresses.primary.as_ref().map(EmailAddress::domain).and_then(|d| self.domains.exclusion(d))
            })
            .or_else(|| self.attributes.exclusion(user))
            .or_else(|| self.by_group(user.object, groups))
            .or_else(|| self.by_licence(user))
    }

    fn by_kind(&self, user: &DirectoryUser) -> Option<Excluded> {
        if user.kind == UserKind::Guest && !self.rules.include_guests {
            Some(Exclusion::Guest.into())
        } else if user.pending_invitation && !self.rules.include_pending_guests {
            Some(Exclusion::PendingInvitation.into())
        } else {
            None
        }
    }

    fn by_service_account(&self, user: &DirectoryUser) -> Option<Excluded> {
        if self.rules.include_service_accounts {
            return None;
        }
        service_account::family(user).map(|family| Excluded::by(Exclusion::ServiceAccount, family))
    }

    /// A group that was not read leaves people out rather than letting somebody in whom it may
    /// exclude; what is known for certain comes first.
    fn by_group(&self, object: EntraObjectId, groups: &GroupMembership) -> Option<Excluded> {
        let unknown = |list: &[_]| list.iter().copied().find(|group| !groups.knows(*group));
        let member_of = |list: &[_]| list.iter().copied().find(|group| groups.contains(*group, object));
        let (exclude, include) = (&self.rules.exclude_groups, &self.rules.include_groups);
        if let Some(group) = member_of(exclude) {
            Some(Excluded::by(Exclusion::Group, group.to_string()))
        } else if let Some(group) = unknown(exclude) {
            Some(Excluded::by(Exclusion::UnknownMembership, group.to_string()))
        } else if include.is_empty() || member_of(include).is_some() {
            None
        } else if let Some(group) = unknown(include) {
            Some(Excluded::by(Exclusion::UnknownMembership, group.to_string()))
        } else {
            Some(Excluded::by(Exclusion::Group, "includeGroups"))
        }
    }

    fn by_licence(&self, user: &DirectoryUser) -> Option<Excluded> {
        match user.license_count {
            _ if !self.rules.licensed_only => None,
            Some(0) => Some(Exclusion::Unlicensed.into()),
            Some(_) => None,
            None => Some(Exclusion::UnknownLicence.into()),
        }
    }
}

fn by_identity(addresses: &Addresses) -> Option<Excluded> {
    addresses.primary.is_none().then(|| Exclusion::MissingIdentity.into())
}
