//! HTTP in: who is calling, what a request may hold, and how it is answered.
//!
//! The routers of the functions are plain axum routers whose handlers take [`Reader`] or
//! [`Writer`] (the guards, in the contract's order), [`JsonBody`], [`QueryOf`] and [`PathId`], and
//! return `Result<`[`Reply`]`, `[`ApiError`]`>`. A host (the Lambda function or the local server)
//! inserts what it knows about the request as extensions: the [`Caller`], the [`ServiceEdition`],
//! optionally a [`Surface`] and a [`RequestId`] ([`introduce`] takes them from an API Gateway). It calls
//! [`finish`] once, outermost.
//!
//! This crate does not verify tokens, does not call anybody, and knows no route.

mod caller;
mod error;
mod extract;
mod frame;
mod guard;
pub mod paging;
mod reply;
pub mod text;

pub use caller::{Caller, CallerKind, ContextDefect, Edition, Permission, UnknownName};
pub use error::ApiError;
pub use extract::{BODY_LIMIT_BYTES, JsonBody, PathId, QueryOf};
pub use frame::{RequestId, finish, introduce};
pub use guard::{
    Approver, Features, Needs, Operator, Reader, ServiceEdition, Surface, SurfaceGate, Writer, admit,
};
pub use reply::Reply;
