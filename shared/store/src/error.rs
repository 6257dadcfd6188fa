//! What can go wrong below a repository.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A store operation that did not happen, or whose outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Whoever writes has lost the right to: another one may be at work on the same by now.
    #[error("the right to write has ended")]
    LeaseOver,
    /// The caller may not do this, or the table is not there: a fault of the deployment.
    #[error("the table refuses {operation} ({code})")]
    Refused {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's error code.
        code: String,
    },
    /// The store could not be reached or asks for patience; the operation may have happened.
    #[error("the table did not answer {operation} ({code})")]
    Unavailable {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's error code or the transport's class.
        code: String,
    },
    /// A stored item cannot be read.
    #[error("a stored {what} cannot be read")]
    Damaged {
        /// Which kind of item.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether doing the same again later may work.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::LeaseOver | Self::Unavailable { .. })
    }

    /// Whether the table takes just this item not, as when it is larger than 400 KB: another one it would take.
    pub(crate) fn is_about_the_item(&self) -> bool {
        const CODES: [&str; 2] = ["ItemCollectionSizeLimitExceededException", "ValidationException"];
        matches!(self, Self::Refused { code, .. } if CODES.contains(&code.as_str()))
    }

    pub(crate) fn damaged(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Damaged { what, source: source.into() }
    }

    pub(crate) fn of<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        const PATIENCE: [&str; 7] = [
            "InternalServerError",
            "LimitExceededException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ServiceUnavailable",
            "ThrottlingException",
            "TransactionInProgressException",
        ];
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown").to_owned();
                if PATIENCE.contains(&code.as_str()) {
                    Self::Unavailable { operation, code }
                } else {
                    Self::Refused { operation, code }
                }
            }
            SdkError::ConstructionFailure(_) => {
                Self::Refused { operation, code: "request could not be built".to_owned() }
            }
            SdkError::TimeoutError(_) => Self::Unavailable { operation, code: "time-out".to_owned() },
            SdkError::DispatchFailure(_) => Self::Unavailable { operation, code: "no connection".to_owned() },
            _ => Self::Unavailable { operation, code: "answer not understood".to_owned() },
        }
    }
}
