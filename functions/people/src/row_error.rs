//! Why one row of a document is not used.

/// A row that cannot be used. The text names columns and says what to do; it repeats no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RowError {
    /// Somebody else keeps writing the contact.
    #[error("somebody else changed the contact at the same time; it was left as it is; send the row again")]
    ChangedMeanwhile,
    /// The contact is stored under another client than the row says.
    #[error(
        "the contact belongs to another client, and an import does not move contacts; it was left as it is; \
         correct `clientId`"
    )]
    ContactAtOtherClient,
    /// An address belongs to another contact of the workspace.
    #[error(
        "an address in `{column}` belongs to another contact of the workspace; the row was left out; remove \
         the address here or there"
    )]
    EmailExists {
        /// `email` or `additionalEmailAddresses`.
        column: &'static str,
    },
    /// There has to be something in the column.
    #[error("`{column}` is missing or blank; the row was left out; fill it in")]
    Missing {
        /// The column.
        column: String,
    },
    /// What is in the column is not of its kind.
    #[error("`{column}` is not {expected}; the row was left out; correct it")]
    Invalid {
        /// The column.
        column: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A CSV record has more or fewer cells than the header.
    #[error("the row has {found} cells, the header has {expected}; the row was left out; correct the commas")]
    CellCount {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A line is not a JSON object.
    #[error("the row is not a JSON object (column {column}); the row was left out; correct it")]
    NotAnObject {
        /// Where reading stopped, in bytes from 1.
        column: usize,
    },
    /// The bytes are no text.
    #[error("the row is not UTF-8 text; the row was left out; save the document as UTF-8")]
    NotText,
    /// An earlier row has the same id.
    #[error("the row has the id of line {first}; only the first one counts; remove one of them")]
    Repeated {
        /// The line of the earlier row.
        first: u64,
    },
    /// The text is longer than is kept.
    #[error("`{column}` is longer than {max} characters; the row was left out; shorten it")]
    TooLong {
        /// The column.
        column: String,
        /// Characters that are kept.
        max: usize,
    },
    /// The workspace has no such client.
    #[error("the client does not exist; the row was left out; import the client first")]
    UnknownClient,
    /// Nobody knows the column.
    #[error("there is no column `{column}`; the row was left out; remove it or correct its name")]
    UnknownColumn {
        /// The column.
        column: String,
    },
}

impl RowError {
    /// A stable name for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CellCount { .. } => "malformed_csv",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::ContactAtOtherClient => "contact_at_other_client",
            Self::EmailExists { .. } => "email_exists",
            Self::Invalid { .. } => "invalid_value",
            Self::Missing { .. } => "missing_value",
            Self::NotAnObject { .. } => "malformed_json",
            Self::NotText => "not_utf8",
            Self::Repeated { .. } => "repeated_id",
            Self::TooLong { .. } => "too_long",
            Self::UnknownClient => "unknown_client",
            Self::UnknownColumn { .. } => "unknown_column",
        }
    }

    /// Whether the row could not even be taken apart.
    pub(crate) fn is_syntax(&self) -> bool {
        matches!(self, Self::NotAnObject { .. } | Self::NotText)
    }
}
