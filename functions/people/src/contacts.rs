//! Contact rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use domain::{
    contact::{ContactValues, InactiveReason, Owner},
    email::EmailAddress,
    fields::Field,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, WorkspaceId},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use store::{ClientScope, ContactInput, SaidAccount, Store, StoreError, StoredContact, Upserted};

use crate::{
    document::{Columns, Format, Header, Row, rows},
    fields::{Fields, invalid},
    import::{Applied, ImportError, ImportResult, ROWS_AT_ONCE, Seen, Tally, WRITES_AT_ONCE},
    phones::{self, PhoneEntry},
    row_error::RowError,
};

/// Clients that are looked at for one page of an export, so that many clients without contacts do
/// not make a page take long.
const CLIENTS_PER_PAGE_MAX: usize = 200;

/// How often a row is tried against somebody who writes the same contact.
const ATTEMPTS_MAX: usize = 3;

const EMAIL: &str = "email";
const ADDITIONAL: &str = "additionalEmailAddresses";
const DEPARTMENT: &str = "department";
const OFFICE: &str = "officeLocation";
const COMPANY: &str = "companyName";
const PROTECTED: &str = "isProtected";
const PROTECTED_FIELDS: &str = "protectedFields";
const AN_ADDRESS: &str = "an e-mail address";

const TENANT: &str = "entraTenantId";
const OBJECT: &str = "entraObjectId";

/// The sync's marks: exported, and left alone by an import.
const READ_ONLY: [&str; 5] = [
    "entraSyncSource",
    "entraUserPrincipalName",
    "entraAccountEnabled",
    "entraSyncStatus",
    "entraSyncStatusReason",
];

/// The columns of a contact.
pub(crate) const HEADER: Header = Header {
    columns: &[
        "contactNameId",
        "clientId",
        "fullName",
        EMAIL,
        ADDITIONAL,
        phones::COLUMN,
        "role",
        DEPARTMENT,
        OFFICE,
        COMPANY,
        "isInactive",
        PROTECTED,
        PROTECTED_FIELDS,
        TENANT,
        OBJECT,
        "entraSyncSource",
        "entraUserPrincipalName",
        "entraAccountEnabled",
        "entraSyncStatus",
        "entraSyncStatusReason",
    ],
    required: &["contactNameId", "clientId", "fullName", EMAIL],
};

/// One contact on the wire.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactRow {
    /// The PSA's id.
    pub contact_name_id: ContactId,
    /// The client it belongs to.
    pub client_id: ClientId,
    /// Full name.
    pub full_name: String,
    /// The address, unique in the workspace.
    pub email: Option<EmailAddress>,
    /// Further addresses, each as unique; in a cell with `;` between them.
    pub additional_email_addresses: Vec<EmailAddress>,
    /// Phones in display order; in a cell the JSON text of the list.
    pub phone_numbers: Vec<PhoneEntry>,
    /// Role at the client.
    pub role: Option<String>,
    /// Department; an import without the column leaves it, as it leaves the next two.
    pub department: Option<String>,
    /// Office location.
    pub office_location: Option<String>,
    /// Company name.
    pub company_name: Option<String>,
    /// Not in use any more.
    pub is_inactive: bool,
    /// Whether the sync may write no field of it; an import without the column leaves it.
    pub is_protected: bool,
    /// Fields the sync may not write, in a cell with `;` between them; an import without the column
    /// leaves them.
    pub protected_fields: BTreeSet<Field>,
    /// Whose it is: the sync's marks when it is linked, or the account that the PSA has said it belongs to;
    /// an import without the columns leaves what the PSA has said.
    #[serde(flatten)]
    pub entra: Option<EntraMarks>,
}

/// What ties a contact to a directory.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntraMarks {
    /// Microsoft's id of the tenant.
    pub entra_tenant_id: EntraTenantId,
    /// Microsoft's id of the user.
    pub entra_object_id: EntraObjectId,
    /// `entra_sync` when the sync has linked it.
    pub entra_sync_source: Option<&'static str>,
    /// Sign-in name at the last write.
    pub entra_user_principal_name: Option<String>,
    /// Whether sign-in was allowed at the last write.
    pub entra_account_enabled: Option<bool>,
    /// `inactive` when the sync made the contact inactive.
    pub entra_sync_status: Option<&'static str>,
    /// Why it did.
    pub entra_sync_status_reason: Option<InactiveReason>,
}

/// Where an export goes on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ExportPosition {
    /// Contacts of clients before this one were given out.
    pub client: ClientId,
    /// So were those of this client up to this one.
    pub contact: Option<ContactId>,
}

/// A part of the contacts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContactsPage {
    /// By client id, then contact id.
    pub rows: Vec<ContactRow>,
    /// Where the next page begins, when there may be more.
    pub next: Option<ExportPosition>,
}

/// Applies a document of contacts. A row that cannot be used is reported, and the others are
/// applied. Of several usable rows of one contact the first counts; of several rows that want one
/// address, too, unless an earlier row of the document gives it up.
pub async fn import(
    store: &Store,
    workspace: WorkspaceId,
    format: Format,
    document: &[u8],
) -> Result<ImportResult, ImportError> {
    let mut rows = rows(format, document, HEADER)?;
    let clients = store.clients(workspace).await?.into_iter().map(|client| client.id).collect();
    let writer = Writer { store, workspace, clients };
    let mut tally = Tally::default();
    let mut seen = Seen::default();
    let mut contended = Vec::new();
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if chunk.is_empty() {
            break;
        }
        let contacts = tally.parse(chunk, parse);
        let contacts = seen.first_ones(contacts, |contact| contact.id, &mut tally);
        contended.extend(writer.write_all(contacts, &mut tally).await?);
    }
    // Whoever held a contended address may have given it up by now. One after the other, in the
    // order of the document, so that the same document always ends the same way.
    for (line, contact) in contended {
        let owners = writer.owners([&contact]).await?;
        let written = match writer.refusal(&contact, &owners) {
            Some(refusal) => Err(refusal),
            None => writer.write(&contact).await?,
        };
        note(&mut tally, line, written);
    }
    Ok(tally.result(format)?)
}

/// A page of contacts: of one client, or of all of them. At most `limit` rows; a page may hold
/// fewer although there are more.
pub async fn export(
    store: &Store,
    workspace: WorkspaceId,
    client: Option<ClientId>,
    after: Option<ExportPosition>,
    limit: usize,
) -> Result<ContactsPage, StoreError> {
    let mut clients: Vec<ClientId> = match client {
        Some(client) => vec![client],
        None => store.clients(workspace).await?.into_iter().map(|client| client.id).collect(),
    };
    clients.retain(|client| after.is_none_or(|after| *client >= after.client));
    clients.sort_unstable();
    let mut rows = Vec::new();
    for (looked_at, client) in clients.into_iter().enumerate() {
        let scope = ClientScope::new(workspace, client);
        let mut contact = after.filter(|after| after.client == client).and_then(|after| after.contact);
        loop {
            let room = limit.saturating_sub(rows.len());
            if room == 0 || looked_at >= CLIENTS_PER_PAGE_MAX {
                return Ok(ContactsPage { rows, next: Some(ExportPosition { client, contact }) });
            }
            let room = u16::try_from(room).unwrap_or(u16::MAX);
            let (contacts, next) = store.contacts_page(scope, contact, room).await?;
            rows.extend(contacts.into_iter().map(ContactRow::from));
            contact = next;
            if contact.is_none() {
                break;
            }
        }
    }
    Ok(ContactsPage { rows, next: None })
}

type Owners = BTreeMap<EmailAddress, Owner>;

struct Writer<'a> {
    store: &'a Store,
    workspace: WorkspaceId,
    clients: BTreeSet<ClientId>,
}

impl Writer<'_> {
    /// Writes what can be written now; answers the rows that want an address somebody has.
    async fn write_all(
        &self,
        contacts: Vec<(u64, ContactInput)>,
        tally: &mut Tally,
    ) -> Result<Vec<(u64, ContactInput)>, StoreError> {
        let owners = self.owners(contacts.iter().map(|(_, contact)| contact)).await?;
        let mut wanted: BTreeMap<EmailAddress, ContactId> = BTreeMap::new();
        let (mut free, mut contended) = (Vec::new(), Vec::new());
        for (line, contact) in contacts {
            let mut is_wanted_twice = false;
            for address in addresses(&contact) {
                is_wanted_twice |= *wanted.entry(address.clone()).or_insert(contact.id) != contact.id;
            }
            match self.refusal(&contact, &owners) {
                Some(RowError::EmailExists { .. }) => contended.push((line, contact)),
                Some(refusal) => tally.failed(line, &refusal),
                None if is_wanted_twice => contended.push((line, contact)),
                None => free.push((line, contact)),
            }
        }
        let written = free.into_iter().map(|(line, contact)| async move {
            let written = self.write(&contact).await?;
            Ok::<_, StoreError>((line, contact, written))
        });
        let written: Vec<_> = stream::iter(written).buffered(WRITES_AT_ONCE).try_collect().await?;
        for (line, contact, written) in written {
            match written {
                Err(RowError::EmailExists { .. }) => contended.push((line, contact)),
                written => note(tally, line, written),
            }
        }
        contended.sort_by_key(|(line, _)| *line);
        Ok(contended)
    }

    async fn owners(&self, contacts: impl IntoIterator<Item = &ContactInput>) -> Result<Owners, StoreError> {
        let addresses = contacts.into_iter().flat_map(addresses).cloned().collect();
        self.store.owners(self.workspace, &addresses).await
    }

    /// Why the row must not be written, as far as the owners of its addresses tell. A contact of
    /// another client is known by an address it has there.
    fn refusal(&self, contact: &ContactInput, owners: &Owners) -> Option<RowError> {
        if !self.clients.contains(&contact.client) {
            return Some(RowError::UnknownClient);
        }
        for address in addresses(contact) {
            match owners.get(address) {
                Some(owner) if owner.contact != contact.id => return Some(email_exists(contact, address)),
                Some(owner) if owner.client != contact.client => return Some(RowError::ContactAtOtherClient),
                _ => {}
            }
        }
        None
    }

    async fn write(&self, contact: &ContactInput) -> Result<Result<Applied, RowError>, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            return Ok(match self.store.upsert_contact(self.workspace, contact).await? {
                Upserted::AddressTaken(address) => Err(email_exists(contact, &address)),
                Upserted::ChangedMeanwhile => continue,
                Upserted::Created => Ok(Applied::Created),
                Upserted::Unchanged => Ok(Applied::Unchanged),
                Upserted::Updated => Ok(Applied::Updated),
            });
        }
        Ok(Err(RowError::ChangedMeanwhile))
    }
}

fn note(tally: &mut Tally, line: u64, written: Result<Applied, RowError>) {
    match written {
        Ok(applied) => tally.applied(applied),
        Err(error) => tally.failed(line, &error),
    }
}

fn addresses(contact: &ContactInput) -> impl Iterator<Item = &EmailAddress> {
    contact.values.email.iter().chain(&contact.additional_emails)
}

fn email_exists(contact: &ContactInput, address: &EmailAddress) -> RowError {
    let is_first = contact.values.email.as_ref() == Some(address);
    RowError::EmailExists { column: if is_first { EMAIL } else { ADDITIONAL } }
}

fn parse(columns: Columns) -> Result<ContactInput, RowError> {
    let mut fields = Fields::new(columns);
    let id = fields.parsed("contactNameId", "a UUID")?;
    let client = fields.parsed("clientId", "a UUID")?;
    let full_name = fields.required_text("fullName")?;
    let email: EmailAddress = fields.parsed(EMAIL, AN_ADDRESS)?;
    let mut additional_emails: Vec<EmailAddress> = Vec::new();
    for address in fields.list(ADDITIONAL)? {
        let address = address.parse().map_err(|_| invalid(ADDITIONAL, "a list of e-mail addresses"))?;
        if address != email && !additional_emails.contains(&address) {
            additional_emails.push(address);
        }
    }
    let phones = phones::parse(fields.take(phones::COLUMN))?;
    let role = fields.text("role")?;
    let columns = [(Field::Department, DEPARTMENT), (Field::Office, OFFICE), (Field::Company, COMPANY)];
    let unsaid = columns.into_iter().filter(|(_, column)| !fields.has(column)).map(|(field, _)| field);
    let unsaid = unsaid.collect();
    let (department, office) = (fields.text(DEPARTMENT)?, fields.text(OFFICE)?);
    let company = fields.text(COMPANY)?;
    let inactive = fields.flag("isInactive")?;
    let protected = fields.has(PROTECTED).then(|| fields.flag(PROTECTED)).transpose()?;
    let protected_fields = fields.has(PROTECTED_FIELDS).then(|| protected_fields(&mut fields)).transpose()?;
    let account = account(&mut fields)?;
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    let email = Some(email);
    let values = ContactValues { full_name, email, phones, role, department, office, company };
    Ok(ContactInput {
        id,
        client,
        values,
        additional_emails,
        inactive,
        protected,
        protected_fields,
        unsaid,
        account,
    })
}

/// Tenant and object make an account only together.
fn account(fields: &mut Fields) -> Result<SaidAccount, RowError> {
    if !fields.has(TENANT) && !fields.has(OBJECT) {
        return Ok(SaidAccount::Unsaid);
    }
    match (uuid(fields, TENANT)?, uuid(fields, OBJECT)?) {
        (Some(tenant), Some(object)) => Ok(SaidAccount::Of(Identity { tenant, object })),
        (None, None) => Ok(SaidAccount::Nobodys),
        (None, Some(_)) => Err(invalid(TENANT, "a UUID, as an object id says nothing without its tenant")),
        (Some(_), None) => Err(invalid(OBJECT, "a UUID, as a tenant alone is nobody's account")),
    }
}

fn uuid<T: FromStr>(fields: &mut Fields, column: &'static str) -> Result<Option<T>, RowError> {
    fields.text(column)?.map(|text| text.parse().map_err(|_| invalid(column, "a UUID"))).transpose()
}

fn protected_fields(fields: &mut Fields) -> Result<BTreeSet<Field>, RowError> {
    let names = fields.list(PROTECTED_FIELDS)?;
    let field = |name: String| name.parse().map_err(|_| invalid(PROTECTED_FIELDS, "a list of fields"));
    names.into_iter().map(field).collect()
}

impl From<StoredContact> for ContactRow {
    fn from(stored: StoredContact) -> Self {
        let StoredContact { contact, account } = stored;
        let said = account.map(|account| EntraMarks {
            entra_tenant_id: account.tenant,
            entra_object_id: account.object,
            entra_sync_source: None,
            entra_user_principal_name: None,
            entra_account_enabled: None,
            entra_sync_status: None,
            entra_sync_status_reason: None,
        });
        let linked = contact.entra.map(|stamp| EntraMarks {
            entra_tenant_id: stamp.identity.tenant,
            entra_object_id: stamp.identity.object,
            entra_sync_source: Some("entra_sync"),
            entra_user_principal_name: stamp.user_principal_name,
            entra_account_enabled: stamp.account_enabled,
            entra_sync_status: stamp.inactive_reason.map(|_| "inactive"),
            entra_sync_status_reason: stamp.inactive_reason,
        });
        let entra = linked.or(said);
        Self {
            contact_name_id: contact.id,
            client_id: contact.client,
            full_name: contact.values.full_name,
            email: contact.values.email,
            additional_email_addresses: contact.additional_emails,
            phone_numbers: PhoneEntry::list(&contact.values.phones),
            role: contact.values.role,
            department: contact.values.department,
            office_location: contact.values.office,
            company_name: contact.values.company,
            is_inactive: contact.inactive,
            is_protected: contact.protected,
            protected_fields: contact.protected_fields,
            entra,
        }
    }
}
