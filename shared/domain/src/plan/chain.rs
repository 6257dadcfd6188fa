//! The hash chain over the pages of one plan.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 over a page and the hash of the page before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// The start of every chain.
    pub const GENESIS: Self = Self([0; 32]);

    /// The hash after a page with the encoded form `page`.
    #[must_use]
    pub fn followed_by(self, page: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(page);
        Self(hash.finalize().into())
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> Self {
        use std::fmt::Write;
        hash.0.iter().fold(Self::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl TryFrom<String> for ChainHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const WRONG: &str = "a hash of 64 hexadecimal digits is expected";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        for (position, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * position..2 * position + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}
