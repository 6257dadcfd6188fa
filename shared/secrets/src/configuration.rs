//! The chain as an operator writes it down.

use crate::ProviderName;

/// Settings that do not make a chain.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidChain {
    /// Nothing to read from.
    #[error("SECRET_READ_CHAIN names no provider; expected a comma list of {ACCEPTED}")]
    Empty,
    /// The same provider twice.
    #[error("SECRET_READ_CHAIN names `{0}` twice")]
    Repeated(ProviderName),
    /// A name nobody answers to.
    #[error("{variable} names `{name}`, which is no secret provider; expected {ACCEPTED}")]
    Unknown {
        /// The variable.
        variable: &'static str,
        /// What it says.
        name: String,
    },
    /// A provider that does not work in this kind of process.
    #[error("`{0}` cannot be used in this mode; take it out of SECRET_READ_CHAIN")]
    Unusable(ProviderName),
    /// What is written could never be read.
    #[error("SECRET_WRITE_PROVIDER names `{0}`, which SECRET_READ_CHAIN does not read; add it there")]
    WriterNotRead(ProviderName),
    /// A provider that cannot be written.
    #[error(
        "SECRET_WRITE_PROVIDER names `env`, which cannot be written; expected `secretsmanager`, `filesystem` or `vault`"
    )]
    WriterReadOnly,
}

const ACCEPTED: &str = "`secretsmanager` (or `aws`), `env`, `filesystem` or `vault`";

/// Which providers are read, in which order, and which one is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainConfiguration {
    read: Vec<ProviderName>,
    write: ProviderName,
}

impl ChainConfiguration {
    /// `read_chain` is a comma list (`SECRET_READ_CHAIN`), `write_provider` one name
    /// (`SECRET_WRITE_PROVIDER`); blanks and case do not matter.
    ///
    /// # Errors
    /// When a name is unknown or repeated, or when what is written would not be read.
    pub fn parse(read_chain: &str, write_provider: &str) -> Result<Self, InvalidChain> {
        let mut read = Vec::new();
        for name in read_chain.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let name = provider("SECRET_READ_CHAIN", name)?;
            if read.contains(&name) {
                return Err(InvalidChain::Repeated(name));
            }
            read.push(name);
        }
        let write = provider("SECRET_WRITE_PROVIDER", write_provider.trim())?;
        match () {
            () if read.is_empty() => Err(InvalidChain::Empty),
            () if write == ProviderName::Env => Err(InvalidChain::WriterReadOnly),
            () if !read.contains(&write) => Err(InvalidChain::WriterNotRead(write)),
            () => Ok(Self { read, write }),
        }
    }

    /// The providers, in reading order.
    pub fn read(&self) -> &[ProviderName] {
        &self.read
    }

    /// The provider that is written.
    pub const fn write(&self) -> ProviderName {
        self.write
    }
}

fn provider(variable: &'static str, name: &str) -> Result<ProviderName, InvalidChain> {
    match name.to_ascii_lowercase().as_str() {
        "aws" | "secretsmanager" => Ok(ProviderName::SecretsManager),
        "env" => Ok(ProviderName::Env),
        "filesystem" => Ok(ProviderName::Filesystem),
        "vault" => Ok(ProviderName::Vault),
        _ => Err(InvalidChain::Unknown { variable, name: name.chars().take(64).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProviderName::{Env, Filesystem, SecretsManager, Vault};

    #[test]
    fn names_make_a_chain() {
        for (read, write, expected) in [
            ("env,filesystem", "filesystem", (vec![Env, Filesystem], Filesystem)),
            (" AWS , env ,", " SecretsManager ", (vec![SecretsManager, Env], SecretsManager)),
            ("Vault,filesystem", "vault", (vec![Vault, Filesystem], Vault)),
        ] {
            let chain = ChainConfiguration::parse(read, write).unwrap();
            assert_eq!((chain.read().to_vec(), chain.write()), expected);
        }
    }

    #[test]
    fn what_makes_no_chain_is_said_by_name() {
        for (read, write, expected) in [
            (
                "env,keyring",
                "filesystem",
                "SECRET_READ_CHAIN names `keyring`, which is no secret provider; expected \
                 `secretsmanager` (or `aws`), `env`, `filesystem` or `vault`",
            ),
            (
                "env",
                "s3",
                "SECRET_WRITE_PROVIDER names `s3`, which is no secret provider; expected \
                 `secretsmanager` (or `aws`), `env`, `filesystem` or `vault`",
            ),
            (
                " , ",
                "filesystem",
                "SECRET_READ_CHAIN names no provider; expected a comma list of \
                 `secretsmanager` (or `aws`), `env`, `filesystem` or `vault`",
            ),
            ("aws,secretsmanager", "aws", "SECRET_READ_CHAIN names `secretsmanager` twice"),
            (
                "env",
                "filesystem",
                "SECRET_WRITE_PROVIDER names `filesystem`, which SECRET_READ_CHAIN does not read; add it there",
            ),
            (
                "env,filesystem",
                "env",
                "SECRET_WRITE_PROVIDER names `env`, which cannot be written; expected \
                 `secretsmanager`, `filesystem` or `vault`",
            ),
        ] {
            assert_eq!(ChainConfiguration::parse(read, write).unwrap_err().to_string(), expected);
        }
    }
}
