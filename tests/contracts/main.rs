//! A whole story with our client on one side and our fake on the other, and Microsoft's own description of
//! Graph between them: every request and every answer of it is held against the OpenAPI document beside this
//! file.
//!
//! What the document lacks (it was pruned) is named in `contract.rs`. The fake's own suite holds its routes
//! against the same document one by one; here it is the requests that the product really sends.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod contract;
mod recorder;
mod story;
