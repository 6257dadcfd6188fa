//! What the suites of this package share: where things are, the template as data, and the binaries
//! the Lambda service would run.
//!
//! The suites prove what no crate can prove alone. `template` holds the deployment's description
//! against the code, `matrix` every route against every caller, `hostile` feeds every reader of foreign
//! bytes what it cannot expect, `canary` looks for every secret everywhere but in the secret chain, `contracts` holds a story against Microsoft's own description of Graph,
//! `peers` signs in at servers of others, `simulation` plays whole histories, `events` feeds a sample of
//! every trigger to its real binary, `end-to-end` deploys the whole to an emulator. Nothing here is part
//! of the product.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

pub mod binaries;
pub mod repository;
pub mod spoil;
pub mod template;
