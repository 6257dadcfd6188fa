//! Who works at the customers, and what changes there.

use std::time::Duration;

use domain::ids::{EntraObjectId, EntraTenantId};
use fake_microsoft::{User, WorldConfig};
use runtime::http::Limits;
use uuid::Uuid;

use crate::microsoft::Microsoft;

impl Microsoft {
    /// Serves customers with so many complete and ordinary people each.
    pub(crate) async fn plain(sizes: &[u32], page_size: u16) -> Self {
        Self::serving(WorldConfig { messy: false, ..WorldConfig::sample(7, sizes) }, page_size).await
    }

    /// [`Self::plain`], each answer waited for so long.
    pub(crate) async fn waited_for(limit: Duration, sizes: &[u32], page_size: u16) -> Self {
        let limits = Limits { total: limit, ..Limits::default() };
        Self::within(limits, WorldConfig { messy: false, ..WorldConfig::sample(7, sizes) }, page_size).await
    }

    /// An ordinary employee: somebody the sync takes as a matter of course.
    pub(crate) fn employee(&self, tenant: EntraTenantId, number: usize) -> User {
        let mut users = self.world().users(tenant).into_iter().filter(is_ordinary);
        users.nth(number).expect("the world is large enough")
    }

    /// Changes one user.
    pub(crate) fn edit(&self, tenant: EntraTenantId, user: &User, change: impl FnOnce(&mut User)) {
        self.world().edit(tenant, user.id, change).unwrap();
    }

    /// Adds somebody at the end of the listing, with `change` made to a plain member.
    pub(crate) fn hire(
        &self,
        tenant: EntraTenantId,
        number: u128,
        name: &str,
        address: &str,
        change: impl FnOnce(&mut User),
    ) -> User {
        let mut user = User::member(object(number), name, address, self.world().config().as_of);
        change(&mut user);
        self.world().add_user(tenant, user.clone()).unwrap();
        user
    }
}

/// The object id of somebody who was hired by a test.
pub(crate) fn object(number: u128) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(0x0B1E_0000_0000_4000_8000_0000_0000_0000 + number))
}

fn is_ordinary(user: &User) -> bool {
    user.account_enabled
        && user.surname.is_some()
        && user.mail.as_ref() == Some(&user.user_principal_name)
        && user.user_type.as_deref() == Some("Member")
}
