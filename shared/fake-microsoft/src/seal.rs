//! Opaque strings that only this fake can make and read: tokens and page tokens.
//!
//! They hold their own content and a checksum keyed by the world's seed, so that a fake started
//! again with the same configuration knows what an earlier one handed out. They are not secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Makes and reads sealed strings.
#[derive(Clone, Debug)]
pub(crate) struct Sealer {
    key: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(seed: u64, client_id: &str) -> Self {
        Self { key: [b"fake-microsoft", &seed.to_be_bytes()[..], client_id.as_bytes()].concat() }
    }

    /// Seals `content` as one kind of string.
    pub(crate) fn seal(&self, kind: &str, content: &str) -> String {
        let masked = self.masked(kind, content.as_bytes());
        format!("{kind}{}.{}", URL_SAFE_NO_PAD.encode(masked), self.tag(kind, content.as_bytes()))
    }

    /// The content of a string that [`Self::seal`] made as the same kind.
    pub(crate) fn open(&self, kind: &str, text: &str) -> Option<String> {
        let (content, tag) = text.strip_prefix(kind)?.split_once('.')?;
        let content = self.masked(kind, &URL_SAFE_NO_PAD.decode(content).ok()?);
        (self.tag(kind, &content) == tag).then(|| String::from_utf8(content).ok()).flatten()
    }

    /// `content` masked, or unmasked again: a token has no part in common with a string of another kind.
    fn masked(&self, kind: &str, content: &[u8]) -> Vec<u8> {
        let mask = Sha256::new().chain_update(kind).chain_update(&self.key).finalize();
        content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }

    fn tag(&self, kind: &str, content: &[u8]) -> String {
        let digest =
            Sha256::new().chain_update(&self.key).chain_update(kind).chain_update(content).finalize();
        URL_SAFE_NO_PAD.encode(&digest[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_world_and_kind_open_a_sealed_string() {
        let sealer = Sealer::new(7, "app");
        let sealed = sealer.seal("0.", "tenant 1");
        assert_eq!(sealer.open("0.", &sealed).as_deref(), Some("tenant 1"));
        assert_eq!(sealer.open("1.", &sealed), None);
        assert_eq!(Sealer::new(8, "app").open("0.", &sealed), None);
        assert_eq!(sealer.open("0.", &sealed.replace('.', "")), None);
    }
}
