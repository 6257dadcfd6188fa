//! Why a token of the PSA was refused.

use crate::{Area, Entry};

pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        code: "algorithm_refused",
        area: Area::Token,
        cause: "The token is signed in a way that is not configured, or not in the way its key is meant \
                for.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Let the PSA sign with RS256 or ES256 where `AUTH_JWKS_URL` is set, and with HS256 where \
               `AUTH_JWT_SECRET` is.",
    },
    Entry {
        code: "audience_wrong",
        area: Area::Token,
        cause: "The token is meant for another service.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Compare `AUTH_JWT_AUDIENCE` with the `aud` that the PSA writes.",
    },
    Entry {
        code: "claim_invalid",
        area: Area::Token,
        cause: "A claim of the token cannot be read, or two names of one claim disagree; the log names it.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Correct what the PSA writes into that claim, then sign in again.",
    },
    Entry {
        code: "claim_missing",
        area: Area::Token,
        cause: "The token lacks a claim that is needed; the log names it.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Let the PSA write that claim, then sign in again.",
    },
    Entry {
        code: "claims_unreadable",
        area: Area::Token,
        cause: "The claims of the token are not what the PSA writes.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Check that the token comes from the PSA's own sign-in.",
    },
    Entry {
        code: "critical_header",
        area: Area::Token,
        cause: "The token demands an extension that is not understood.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Let the PSA sign its tokens without a `crit` header.",
    },
    Entry {
        code: "issuer_wrong",
        area: Area::Token,
        cause: "The token is from another issuer.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Compare `AUTH_JWT_ISSUER` with the `iss` that the PSA writes.",
    },
    Entry {
        code: "key_id_missing",
        area: Area::Token,
        cause: "The token names no key, and several keys are published.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Let the PSA write the id of its key (`kid`) into the header of its tokens.",
    },
    Entry {
        code: "key_unknown",
        area: Area::Token,
        cause: "The token names a key that is not among the published ones.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Check that `AUTH_JWKS_URL` is where the PSA publishes its present keys.",
    },
    Entry {
        code: "keys_unavailable",
        area: Area::Token,
        cause: "Nothing is known about the token, because the keys that verify tokens cannot be had or \
                used.",
        effect: "Requests are answered with an error and nothing is read or changed; contacts stay as \
                 they are.",
        next: "Check `AUTH_JWKS_URL` and that the PSA is reachable, or that `AUTH_JWT_SECRET` has at \
               least 32 bytes.",
    },
    Entry {
        code: "signature_wrong",
        area: Area::Token,
        cause: "The signature of the token is not that of its key.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Check that this service and the PSA use the same keys. If they do, somebody has changed \
               the token or made it up.",
    },
    Entry {
        code: "token_absent",
        area: Area::Token,
        cause: "The request brought no token, or not exactly one.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Sign in to the PSA and send its token in the header `Authorization: Bearer`.",
    },
    Entry {
        code: "token_expired",
        area: Area::Token,
        cause: "The token's time is over.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Sign in to the PSA again.",
    },
    Entry {
        code: "token_malformed",
        area: Area::Token,
        cause: "What was sent is not a signed token, or is longer than any token.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Send the token of the PSA unchanged in the header `Authorization: Bearer`.",
    },
    Entry {
        code: "token_not_yet_valid",
        area: Area::Token,
        cause: "The token's time has not come.",
        effect: "Nobody counts as signed in, so nothing is read or changed; contacts stay as they are.",
        next: "Compare the clock of the PSA with that of this service.",
    },
];
