//! From text to settings, collecting everything that is wrong on the way.

use domain::ids::WorkspaceId;
use jiff::SignedDuration;
use secrecy::SecretString;
use secrets::{
    ChainConfiguration, Environment, InvalidChain, ProviderName, VaultPath, VaultSettings, VaultToken,
};
use tracing::level_filters::LevelFilter;
use url::Url;

use super::{
    AuthSettings, Edition, SecretSettings,
    base_url::{BaseUrl, is_confidential},
    registry::{self, Variable},
};

/// Shortest key that is taken.
const KEY_BYTES_MIN: usize = 32;

/// One variable that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The variables of the secret chain do not make one.
    #[error(transparent)]
    Chain(#[from] InvalidChain),
    /// A variable this function cannot do without.
    #[error("`{variable}` is not set ({doc})")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// What it is.
        doc: &'static str,
    },
    /// A secret that cannot be used; what was found is not shown.
    #[error("`{variable}` cannot be used, expected {expected}")]
    Secret {
        /// Its name.
        variable: &'static str,
        /// What would do.
        expected: &'static str,
    },
    /// A value that cannot be used.
    #[error("`{variable}` is `{found}`, expected {expected}")]
    Value {
        /// Its name.
        variable: &'static str,
        /// Its value, shortened.
        found: String,
        /// What would do.
        expected: &'static str,
    },
}

/// Everything that is wrong with the settings. Nothing was started and no contact was touched.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidSettings(Vec<Problem>);

impl InvalidSettings {
    pub(super) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// One by one; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

/// Reads variables; a value that cannot be used is remembered and replaced by the default, so
/// that the others are checked as well.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, problems: Vec::new() }
    }

    pub(super) fn finish<T>(self, settings: T) -> Result<T, InvalidSettings> {
        if self.problems.is_empty() { Ok(settings) } else { Err(InvalidSettings(self.problems)) }
    }

    pub(super) fn optional(&self, variable: &Variable) -> Option<String> {
        self.environment.value(variable.name).map(str::to_owned)
    }

    pub(super) fn edition(&mut self) -> Edition {
        let psa = self.parsed(&registry::EDITION, "`ee`, `ce` or `community`", |text| {
            match text.to_ascii_lowercase().as_str() {
                "ee" => Some(Edition::Enterprise),
                "ce" | "community" => Some(Edition::Community),
                _ => None,
            }
        });
        let public = self.parsed(&registry::NEXT_PUBLIC_EDITION, "`enterprise` or `community`", |text| {
            match text.to_ascii_lowercase().as_str() {
                "enterprise" => Some(Edition::Enterprise),
                "community" => Some(Edition::Community),
                _ => None,
            }
        });
        if [psa, public].contains(&Some(Edition::Enterprise)) {
            Edition::Enterprise
        } else {
            Edition::Community
        }
    }

    /// DynamoDB: "Naming rules", 3 to 255 of letters, digits, `_`, `-` and `.`.
    pub(super) fn table_name(&mut self) -> String {
        let expected = "3 to 255 letters, digits, `_`, `-` or `.`";
        self.defaulted(&registry::TABLE_NAME, expected, |text| {
            let fits = (3..=255).contains(&text.len()) && consists_of(text, "_-.");
            fits.then(|| text.to_owned())
        })
    }

    pub(super) fn state_machine(&mut self, variable: &'static Variable) -> Option<String> {
        let expected = "the ARN of a state machine, `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`";
        self.parsed(variable, expected, |text| {
            let parts: Vec<_> = text.split(':').collect();
            let is_one = parts.len() == 7
                && (parts[0], parts[2], parts[5]) == ("arn", "states", "stateMachine")
                && !parts[6].is_empty();
            is_one.then(|| text.to_owned())
        })
    }

    pub(super) fn login_base(&mut self) -> BaseUrl {
        let expected = "an https address without query (http only for this machine itself)";
        self.defaulted(&registry::MICROSOFT_LOGIN_BASE_URL, expected, BaseUrl::confidential)
    }

    pub(super) fn graph_base(&mut self) -> BaseUrl {
        let expected =
            "an https address without query (http only for this machine itself), ending in `/v1.0`";
        self.defaulted(&registry::MICROSOFT_GRAPH_BASE_URL, expected, |text| {
            let base = BaseUrl::confidential(text)?;
            (!base.as_str().ends_with("/beta")).then(|| base.ending_in("v1.0"))
        })
    }

    pub(super) fn web_base(&mut self, variable: &'static Variable) -> Option<BaseUrl> {
        self.parsed(variable, "an http or https address without query", BaseUrl::web)
    }

    pub(super) fn secrets(&mut self) -> SecretSettings {
        let [read, write] = [&registry::SECRET_READ_CHAIN, &registry::SECRET_WRITE_PROVIDER];
        let text = |variable| self.optional(variable).unwrap_or_else(|| default(variable).to_owned());
        let chain = ChainConfiguration::parse(&text(read), &text(write)).unwrap_or_else(|error| {
            self.problems.push(error.into());
            ChainConfiguration::parse(default(read), default(write)).expect(DEFAULT_FITS)
        });
        let prefix = self.defaulted(
            &registry::SECRET_PREFIX,
            "letters, digits and any of `/_+=.@-`, without a slash at either end",
            |text| {
                let fits = consists_of(text, "/_+=.@-") && text.trim_matches('/') == text;
                fits.then(|| text.to_owned())
            },
        );
        let vault = chain.read().contains(&ProviderName::Vault);
        SecretSettings {
            vault: vault.then(|| self.vault()).flatten(),
            chain,
            filesystem_path: self
                .defaulted(&registry::SECRET_FILESYSTEM_PATH, "a path", |text| Some(text.into())),
            prefix,
            // KMS API reference, CreateKey and CreateAlias: what ids, ARNs and aliases consist of.
            kms_key: self.parsed(
                &registry::SECRET_KMS_KEY_ID,
                "the ARN, the id or the alias of a KMS key",
                |text| (text.len() <= 2048 && consists_of(text, ":/_-")).then(|| text.to_owned()),
            ),
            env_prefix: self
                .parsed(&registry::SECRET_ENV_PREFIX, "letters, digits and `_`", |text| {
                    consists_of(text, "_").then(|| text.to_owned())
                })
                .unwrap_or_default(),
            cache: self.defaulted(&registry::SECRET_CACHE_SECONDS, "a whole number from 0 to 3600", |text| {
                let seconds = text.parse().ok().filter(|seconds| (0..=3600).contains(seconds));
                seconds.map(SignedDuration::from_secs)
            }),
        }
    }

    /// Vault; none when something about it cannot be used.
    fn vault(&mut self) -> Option<VaultSettings> {
        let path = "letters, digits and any of `/_+=.@-`, no part of it empty or only dots";
        let expected = "an https address without query (http only for this machine itself)";
        let prefix = self.defaulted(&registry::SECRET_PREFIX, path, VaultPath::parse);
        let mount = self.defaulted(&registry::VAULT_MOUNT, path, VaultPath::parse);
        let namespace = self.parsed(&registry::VAULT_NAMESPACE, path, VaultPath::parse);
        let token = self.vault_token();
        let address = &registry::VAULT_ADDR;
        if self.optional(address).is_none() {
            self.problems.push(Problem::Missing { variable: address.name, doc: address.doc });
        }
        let address = self.parsed(address, expected, BaseUrl::confidential)?;
        Some(VaultSettings { address: address.to_string(), namespace, mount, prefix, token })
    }

    fn vault_token(&mut self) -> VaultToken {
        let given = self.environment.value(registry::VAULT_TOKEN.name);
        match (given, self.optional(&registry::VAULT_TOKEN_FILE)) {
            (None, None) => VaultToken::OfTheAgent,
            (None, Some(path)) => VaultToken::File(path.into()),
            (Some(token), None) => VaultToken::Given(token.into()),
            (Some(_), Some(path)) => {
                let expected = "none where there is a `VAULT_TOKEN_FILE`";
                self.problems.push(Problem::Secret { variable: registry::VAULT_TOKEN.name, expected });
                VaultToken::File(path.into())
            }
        }
    }

    pub(super) fn auth(&mut self) -> AuthSettings {
        let jwks_url = self.parsed(
            &registry::AUTH_JWKS_URL,
            "an https address (http only for this machine itself)",
            |text| is_confidential(text).then(|| text.to_owned()),
        );
        let secret = self.environment.value(registry::AUTH_JWT_SECRET.name);
        // RFC 7518 §3.2: a key of the size of the hash output or larger.
        let secret = secret.filter(|secret| {
            let long_enough = secret.len() >= 32;
            if !long_enough {
                let variable = registry::AUTH_JWT_SECRET.name;
                self.problems.push(Problem::Secret { variable, expected: "at least 32 bytes" });
            }
            long_enough
        });
        AuthSettings {
            issuer: self.optional(&registry::AUTH_JWT_ISSUER),
            audience: self.optional(&registry::AUTH_JWT_AUDIENCE),
            jwks_url,
            secret: secret.map(Into::into),
        }
    }

    pub(super) fn workspace(&mut self, variable: &'static Variable) -> Option<WorkspaceId> {
        self.parsed(variable, "the UUID of a workspace", |text| text.parse().ok())
    }

    /// Keys that are long enough not to be guessed, separated by commas.
    pub(super) fn keys(&mut self, variable: &'static Variable) -> Vec<SecretString> {
        let Some(text) = self.environment.value(variable.name) else { return Vec::new() };
        let keys: Vec<&str> = text.split(',').map(str::trim).collect();
        if keys.iter().any(|key| key.len() < KEY_BYTES_MIN) {
            let expected = "at least 32 bytes in each key";
            self.problems.push(Problem::Secret { variable: variable.name, expected });
            return Vec::new();
        }
        keys.into_iter().map(SecretString::from).collect()
    }

    pub(super) fn log_level(&mut self) -> LevelFilter {
        let expected = "`trace`, `debug`, `info`, `warn` or `error`";
        let lambda = self.parsed(&registry::AWS_LAMBDA_LOG_LEVEL, expected, level);
        let ours = self.defaulted(&registry::LOG_LEVEL, expected, level);
        lambda.unwrap_or(ours)
    }

    pub(super) fn switch(&mut self, variable: &'static Variable) -> bool {
        self.defaulted(variable, "`true` or `false`", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    /// The value of `variable`, if it is set and `parse` understands it.
    fn parsed<T>(
        &mut self,
        variable: &'static Variable,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.environment.value(variable.name)?;
        let value = parse(text);
        if value.is_none() {
            self.problems.push(Problem::Value { variable: variable.name, found: shown(text), expected });
        }
        value
    }

    /// [`Reader::parsed`], or else the default, which every caller's `parse` understands.
    fn defaulted<T>(
        &mut self,
        variable: &'static Variable,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let value = self.parsed(variable, expected, &parse);
        value.unwrap_or_else(|| parse(default(variable)).expect(DEFAULT_FITS))
    }
}

const DEFAULT_FITS: &str = "the registry's defaults are values";

/// A value as it may be shown: shortened, and nothing of an address with a password in it.
fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.password().is_some() => "(an address with a password)".to_owned(),
        _ => text.chars().take(80).collect(),
    }
}

fn default(variable: &Variable) -> &'static str {
    variable.default.expect("asked for where the registry has a default")
}

/// The levels of AWS Lambda's advanced logging controls and ours; `FATAL` would hide failures.
fn level(text: &str) -> Option<LevelFilter> {
    match text.to_ascii_lowercase().as_str() {
        "trace" => Some(LevelFilter::TRACE),
        "debug" => Some(LevelFilter::DEBUG),
        "info" => Some(LevelFilter::INFO),
        "warn" => Some(LevelFilter::WARN),
        "error" => Some(LevelFilter::ERROR),
        _ => None,
    }
}

fn consists_of(text: &str, marks: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || marks.contains(character))
}
