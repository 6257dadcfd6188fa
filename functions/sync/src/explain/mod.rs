//! Explaining one person: read from Microsoft now, decided as the next sync would decide, and told why.
//!
//! It writes nothing, and has nothing that could: the table is there to be read only.

mod failure;
mod history;
mod view;

use std::{sync::Arc, time::Duration};

use ambient::{Clock, SystemClock};
use assembly::{InvalidEndpoint, PlanFor, gather, group_members, tenant_policy};
use directory::{Directories, Directory, ReadError, TenantProof, UserKey};
use domain::{
    contact::InactiveReason,
    email::EmailAddress,
    explain::{self, Explanation, Subject},
    fields::Hidden,
    ids::{EntraObjectId, ManagedTenantId, RunId, WorkspaceId},
    plan::Leaver,
    user::DirectoryUser,
};
use runtime::Foundation;
use store::{ManagedTenant, ReadOnly};

pub use failure::NotExplained;
pub use history::{Told, Writer};
pub use view::{ExplainedFieldView, ExplainedView, StepView};

/// How long Microsoft may take to answer whoever waits behind the gateway, which gives up after 30 s.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Pages of the directory, 999 people each, that are searched for an address nobody signs in with.
const SEARCHED_PAGES_MAX: usize = 5;

/// Everything the use case needs: nothing of it can write.
pub struct Explain {
    /// The table, to be read only.
    pub store: ReadOnly,
    /// The way to Microsoft.
    pub directories: Arc<dyn Directories>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long the directory may take to answer; usually [`PATIENCE`].
    pub patience: Duration,
}

impl std::fmt::Debug for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explain")
    }
}

/// Whom an explanation is asked about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PersonKey {
    /// Microsoft's id of the person.
    Object(EntraObjectId),
    /// The sign-in name, or any other address of the person.
    Name(String),
}

impl From<&str> for PersonKey {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.trim().to_owned()), Self::Object)
    }
}

/// A person, explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The tenant.
    pub tenant: ManagedTenant,
    /// The client the tenant is mapped to, and its name.
    pub client: (domain::ids::ClientId, Option<String>),
    /// Whether the directory has the person now.
    pub in_directory: bool,
    /// The answer.
    pub explanation: Explanation,
    /// What the newest run that spoke of the person has said.
    pub last: Option<Told>,
    /// Which runs wrote what the contact shows, as far as their plans are kept.
    pub writers: Vec<Writer>,
    /// The oldest run that was looked at for these two, when older ones may say more.
    pub older_than: Option<RunId>,
    /// What of it is not shown.
    pub hidden: Hidden,
}

impl Explain {
    /// The use case as the Lambda function runs it. It makes no request and opens no connection.
    pub fn on_aws(foundation: &Foundation) -> Result<Self, InvalidEndpoint> {
        Ok(Self {
            store: assembly::store(foundation).read_only(),
            directories: Arc::new(assembly::directories(foundation)?),
            clock: Arc::new(SystemClock),
            patience: PATIENCE,
        })
    }

    /// Explains a person of a mapped tenant.
    ///
    /// # Errors
    /// See [`NotExplained`].
    pub async fn person(
        &self,
        workspace: WorkspaceId,
        tenant: ManagedTenantId,
        who: &PersonKey,
    ) -> Result<Explained, NotExplained> {
        let found = self.store.managed_tenant(workspace, tenant).await?;
        let tenant = found.ok_or(NotExplained::UnknownTenant)?;
        let mapping = self.store.mapping(workspace, tenant.id).await?;
        let client = mapping.and_then(|record| record.current.decision.client());
        let client = client.ok_or(NotExplained::NotMapped)?;
        let plan = PlanFor { workspace, tenant: tenant.entra, client };
        let overrides = self.store.overrides_of(workspace, client).await?;
        let settings = self.store.settings(workspace).await?.overridden_by(&overrides);
        let scope = settings.scope.compile().map_err(NotExplained::InvalidScope)?;
        let state = self.store.tenant_state(workspace, tenant.id).await?;
        let read = self.read(plan, who, &scope);
        let read = tokio::time::timeout(self.patience, read).await.map_err(|_| NotExplained::TooSlow)??;
        let taken = (scope, read.groups);
        let now = self.clock.now();
        let policy = tenant_policy(plan, read.proof, taken, &settings, &state.ground, now);
        let subject = match &read.person {
            Found::Present(user) => Subject::Present(user),
            Found::Gone(object) => Subject::Gone(gone(*object, &state.ground.leaving)),
        };
        let known = gather(&self.store, plan, |known| explain::needs(&policy, subject, known)).await?;
        if let Found::Gone(object) = &read.person
            && known.people.get(object).is_none_or(|person| person.link.is_none())
        {
            return Err(NotExplained::UnknownPerson);
        }
        let hidden = settings.hidden_fields;
        let mut explanation = explain::explain(&policy, subject, &known);
        explanation.fields = explanation.fields.into_iter().map(|story| hidden.told(story)).collect();
        let history = history::of(&self.store, workspace, tenant.id, explanation.object).await?;
        let name = self.store.client_by_id(workspace, client).await?.map(|client| client.name);
        Ok(Explained {
            tenant,
            client: (client, name),
            in_directory: matches!(read.person, Found::Present(_)),
            explanation,
            last: history.last,
            writers: history.writers,
            older_than: history.older_than,
            hidden,
        })
    }

    /// The tenant proves itself before anything else is read of it, as in a sync.
    async fn read(
        &self,
        plan: PlanFor,
        who: &PersonKey,
        scope: &domain::scope::Scope,
    ) -> Result<Reading, NotExplained> {
        let directory = self.directories.of(plan.workspace).await?;
        let proof = directory.prove(plan.tenant).await?;
        let person = self.find(&*directory, plan, &proof, who).await?;
        let groups = group_members(&*directory, plan.tenant, scope).await?;
        Ok(Reading { proof, person, groups })
    }

    async fn find(
        &self,
        directory: &dyn Directory,
        plan: PlanFor,
        proof: &TenantProof,
        who: &PersonKey,
    ) -> Result<Found, NotExplained> {
        let by_object = async |object| {
            let user = directory.user(plan.tenant, &UserKey::Object(object)).await?;
            Ok(user.map_or(Found::Gone(object), |user| Found::Present(Box::new(user))))
        };
        let name = match who {
            PersonKey::Object(object) => return by_object(*object).await,
            PersonKey::Name(name) => name,
        };
        if let Some(user) = directory.user(plan.tenant, &UserKey::SignInName(name.clone())).await? {
            return Ok(Found::Present(Box::new(user)));
        }
        // Nobody signs in with it: perhaps it is an address.
        let address: EmailAddress = name.parse().map_err(|_| NotExplained::UnknownPerson)?;
        if let Some(user) = search(directory, plan, proof, &address).await? {
            return Ok(Found::Present(Box::new(user)));
        }
        match self.linked_with(plan, &address).await? {
            Some(object) => by_object(object).await,
            None => Err(NotExplained::UnknownPerson),
        }
    }

    /// The person of this tenant whose contact has the address.
    async fn linked_with(
        &self,
        plan: PlanFor,
        address: &EmailAddress,
    ) -> Result<Option<EntraObjectId>, NotExplained> {
        let (owners, _) = self.store.owners_and_unreadable(plan.workspace, &[address.clone()].into()).await?;
        let Some(owner) = owners.into_values().find(|owner| owner.client == plan.client) else {
            return Ok(None);
        };
        let scope = store::ClientScope::new(plan.workspace, plan.client);
        let contacts = [owner.contact].into();
        let found = self.store.contacts_and_last_seen(scope, &contacts, plan.tenant, &[].into()).await?;
        let stamp = found.contacts.into_values().find_map(|contact| contact.entra);
        Ok(stamp.map(|stamp| stamp.identity).filter(|of| of.tenant == plan.tenant).map(|of| of.object))
    }
}

/// Whose e-mail address it is, else whose other address, among those who are listed first.
async fn search(
    directory: &dyn Directory,
    plan: PlanFor,
    proof: &TenantProof,
    address: &EmailAddress,
) -> Result<Option<DirectoryUser>, ReadError> {
    let verified = proof.verified_domains.iter().cloned().collect();
    let (mut cursor, mut by_alias) = (None, None);
    for _ in 0..SEARCHED_PAGES_MAX {
        let page = directory.users_page(plan.tenant, cursor.as_ref()).await?;
        for user in page.users {
            let addresses = user.addresses(&verified);
            if addresses.primary.as_ref() == Some(address) {
                return Ok(Some(user));
            }
            if by_alias.is_none() && addresses.all().any(|other| other == address) {
                by_alias = Some(user);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(by_alias)
}

/// In which way somebody has gone, as far as the directory has told.
fn gone(object: EntraObjectId, leaving: &[Leaver]) -> Leaver {
    let mut told = leaving.iter().filter(|leaver| leaver.object == object && leaver.reason.is_gone());
    told.next().copied().unwrap_or(Leaver { object, reason: InactiveReason::DeletedUpstream })
}

struct Reading {
    proof: TenantProof,
    person: Found,
    groups: domain::scope::GroupMembership,
}

enum Found {
    Present(Box<DirectoryUser>),
    Gone(EntraObjectId),
}
