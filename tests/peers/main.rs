//! Signing in at servers that nobody here has written: the same code that signs in at Microsoft, against
//! independent implementations of OAuth 2.0 and OpenID Connect.
//!
//! They check what our own fake might check as we understand it: the PKCE challenge, the redirect address,
//! the client's secret, single use, and that a rotated refresh token is dead. Their id_tokens are verified
//! by our code with the keys they publish. What only Microsoft's login says (`tid`, `ver`, an issuer with the
//! tenant in it) they can be made to say, and to say wrong.
//!
//! Needs what `tests/run tools` installs. Without it the tests say so and pass, but not where `CI` is set.
#![expect(clippy::unwrap_used, reason = "a test whose set-up does not hold has failed")]

mod emulate;
mod gateway;
mod mock_server;
mod msp;
mod tools;
