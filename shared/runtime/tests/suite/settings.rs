//! Every default, every spelling and every refusal of the settings.

use std::{collections::BTreeMap, sync::Arc};

use ambient::SystemClock;
use runtime::settings::{Edition, InvalidSettings, Settings, VARIABLES, reference_markdown};
use secrecy::ExposeSecret;
use secrets::{
    Document, Family, InvalidChain, MemoryProvider, Provider, ProviderName, Scope, SecretChain, VaultPath,
    VaultToken,
};
use tracing::level_filters::LevelFilter;

fn settings(variables: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
    Settings::from_map(map(variables))
}

fn map(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn an_empty_environment_gives_the_documented_defaults() {
    for blank in [None, Some(""), Some(" \t")] {
        let variables: Vec<_> =
            VARIABLES.iter().filter_map(|variable| Some((variable.name, blank?))).collect();
        let settings = settings(&variables).unwrap();
        assert_eq!(settings.edition, Edition::Community);
        assert_eq!(settings.table_name, "entra-contact-sync");
        assert_eq!(settings.state_machine_arn, None);
        assert_eq!(settings.discovery_state_machine_arn, None);
        assert_eq!(settings.microsoft.login.as_str(), "https://login.microsoftonline.com");
        assert_eq!(settings.microsoft.graph.as_str(), "https://graph.microsoft.com/v1.0");
        assert_eq!((&settings.public_base_url, &settings.nextauth_url), (&None, &None));
        assert_eq!(settings.settings_page_base(), "http://localhost:3000");
        assert_eq!(settings.secrets.chain.read(), [ProviderName::Env, ProviderName::Filesystem]);
        assert_eq!(settings.secrets.chain.write(), ProviderName::Filesystem);
        assert_eq!(settings.secrets.filesystem_path.to_str(), Some("secrets"));
        assert_eq!(settings.secrets.prefix, "entra-contact-sync");
        assert_eq!(settings.secrets.kms_key, None);
        assert_eq!(settings.secrets.env_prefix, "");
        assert_eq!(settings.secrets.cache.as_secs(), 30);
        let auth = &settings.auth;
        assert_eq!((&auth.issuer, &auth.audience, &auth.jwks_url), (&None, &None, &None));
        assert!(auth.secret.is_none());
        assert_eq!(settings.log_level, LevelFilter::INFO);
        assert!(!settings.feature_flags_disabled && !settings.on_lambda);
        assert!(settings.master_workspace.is_none() && settings.platform_api_keys.is_empty());
        assert_eq!(settings.aws_region, None);
    }
}

#[test]
fn the_edition_is_enterprise_when_either_variable_says_so() {
    for (variables, expected) in [
        (vec![("EDITION", "EE")], Edition::Enterprise),
        (vec![("EDITION", "ce")], Edition::Community),
        (vec![("EDITION", "Community")], Edition::Community),
        (vec![("NEXT_PUBLIC_EDITION", "Enterprise")], Edition::Enterprise),
        (vec![("NEXT_PUBLIC_EDITION", "community")], Edition::Community),
        (vec![("EDITION", "ce"), ("NEXT_PUBLIC_EDITION", "enterprise")], Edition::Enterprise),
        (vec![("EDITION", "ee"), ("NEXT_PUBLIC_EDITION", "community")], Edition::Enterprise),
    ] {
        assert_eq!(settings(&variables).unwrap().edition, expected, "{variables:?}");
    }
}

#[test]
fn addresses_are_normalised() {
    for (variable, text, expected) in [
        ("MICROSOFT_LOGIN_BASE_URL", "https://login.microsoftonline.us/", "https://login.microsoftonline.us"),
        ("MICROSOFT_LOGIN_BASE_URL", "http://127.0.0.1:9000//", "http://127.0.0.1:9000"),
        ("MICROSOFT_LOGIN_BASE_URL", "http://[::1]:9000/login/", "http://[::1]:9000/login"),
        ("MICROSOFT_LOGIN_BASE_URL", "http://localhost:9000", "http://localhost:9000"),
        ("MICROSOFT_GRAPH_BASE_URL", "https://graph.microsoft.us", "https://graph.microsoft.us/v1.0"),
        ("MICROSOFT_GRAPH_BASE_URL", "https://graph.microsoft.us/v1.0/", "https://graph.microsoft.us/v1.0"),
        ("MICROSOFT_GRAPH_BASE_URL", "http://localhost:9/graph", "http://localhost:9/graph/v1.0"),
    ] {
        let microsoft = settings(&[(variable, text)]).unwrap().microsoft;
        let base = if variable.contains("LOGIN") {
            microsoft.login.to_string()
        } else {
            microsoft.graph.to_string()
        };
        assert_eq!(base, expected, "{text}");
    }
}

#[test]
fn other_values_are_understood() {
    let arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:sync-run";
    let settings = settings(&[
        ("TABLE_NAME", "people-2"),
        ("STATE_MACHINE_ARN", arn),
        ("NEXTAUTH_URL", "https://psa.example/"),
        ("SECRET_READ_CHAIN", "aws, env"),
        ("SECRET_WRITE_PROVIDER", "secretsmanager"),
        ("SECRET_FILESYSTEM_PATH", "/run/secrets"),
        ("SECRET_PREFIX", "team/entra"),
        (
            "SECRET_KMS_KEY_ID",
            "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        ("SECRET_ENV_PREFIX", "PSA_"),
        ("SECRET_CACHE_SECONDS", "0"),
        ("AUTH_JWT_ISSUER", "https://psa.example"),
        ("AUTH_JWT_AUDIENCE", "entra"),
        ("AUTH_JWKS_URL", "https://psa.example/keys?a=b"),
        ("AUTH_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("LOG_LEVEL", "error"),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
        ("AWS_LAMBDA_FUNCTION_NAME", "sync"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("DISABLE_FEATURE_FLAGS", "TRUE"),
        ("MASTER_BILLING_TENANT_ID", "7C9E6679-7425-40de-944b-e07fc1f90ae7"),
        ("PLATFORM_API_KEY", "0123456789abcdef0123456789abcdef, fedcba9876543210fedcba9876543210"),
        ("HOME", "/root"),
    ])
    .unwrap();
    assert_eq!(settings.table_name, "people-2");
    assert_eq!(settings.sync_state_machine().unwrap(), arn);
    assert_eq!(
        settings.discovery_state_machine().unwrap_err().to_string(),
        "`DISCOVERY_STATE_MACHINE_ARN` is not set (The ARN of the `discovery` state machine.)"
    );
    assert_eq!(settings.settings_page_base(), "https://psa.example");
    assert_eq!(settings.secrets.chain.read(), [ProviderName::SecretsManager, ProviderName::Env]);
    assert_eq!(settings.secrets.prefix, "team/entra");
    assert!(settings.secrets.kms_key.unwrap().ends_with(":key/1234abcd-12ab-34cd-56ef-1234567890ab"));
    assert_eq!(settings.secrets.env_prefix, "PSA_");
    assert!(settings.secrets.cache.is_zero());
    assert_eq!(settings.auth.jwks_url.as_deref(), Some("https://psa.example/keys?a=b"));
    assert_eq!(settings.auth.secret.as_ref().unwrap().expose_secret().len(), 32);
    assert_eq!(settings.log_level, LevelFilter::DEBUG);
    assert_eq!(settings.aws_region.as_deref(), Some("eu-central-1"));
    assert!(settings.feature_flags_disabled && settings.on_lambda);
    let master = settings.master_workspace.map(|workspace| workspace.to_string());
    assert_eq!(master.as_deref(), Some("7c9e6679-7425-40de-944b-e07fc1f90ae7"));
    let keys: Vec<&str> = settings.platform_api_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(keys, ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"]);
    assert_eq!(
        settings_of("AWS_DEFAULT_REGION", "us-east-1").unwrap().aws_region.as_deref(),
        Some("us-east-1")
    );
}

fn settings_of(variable: &str, value: &str) -> Result<Settings, InvalidSettings> {
    settings(&[(variable, value)])
}

#[test]
fn what_cannot_be_used_is_named_with_what_was_found_and_expected() {
    let arn = "the ARN of a state machine, `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`";
    let login = "an https address without query (http only for this machine itself)";
    let graph = "an https address without query (http only for this machine itself), ending in `/v1.0`";
    let web = "an http or https address without query";
    let level = "`trace`, `debug`, `info`, `warn` or `error`";
    for (variable, found, expected) in [
        ("EDITION", "enterprise", "`ee`, `ce` or `community`"),
        ("NEXT_PUBLIC_EDITION", "ee", "`enterprise` or `community`"),
        ("TABLE_NAME", "ab", "3 to 255 letters, digits, `_`, `-` or `.`"),
        ("TABLE_NAME", "a table", "3 to 255 letters, digits, `_`, `-` or `.`"),
        ("STATE_MACHINE_ARN", "sync-run", arn),
        ("DISCOVERY_STATE_MACHINE_ARN", "arn:aws:lambda:eu:1:function:f", arn),
        ("MICROSOFT_LOGIN_BASE_URL", "http://login.microsoftonline.com", login),
        ("MICROSOFT_LOGIN_BASE_URL", "login.microsoftonline.com", login),
        ("MICROSOFT_LOGIN_BASE_URL", "https://user@h", login),
        ("MICROSOFT_LOGIN_BASE_URL", "http://localhost.evil.example", login),
        ("MICROSOFT_LOGIN_BASE_URL", "https://h/?x=1", login),
        ("MICROSOFT_GRAPH_BASE_URL", "ftp://localhost/v1.0", graph),
        ("MICROSOFT_GRAPH_BASE_URL", "https://graph.microsoft.com/beta/", graph),
        ("MICROSOFT_GRAPH_BASE_URL", "http://10.0.0.1/v1.0", graph),
        ("NEXT_PUBLIC_BASE_URL", "psa.example", web),
        ("NEXTAUTH_URL", "javascript:alert(1)", web),
        ("SECRET_PREFIX", "/entra", "letters, digits and any of `/_+=.@-`, without a slash at either end"),
        ("SECRET_KMS_KEY_ID", "arn:aws:kms:*", "the ARN, the id or the alias of a KMS key"),
        ("SECRET_ENV_PREFIX", "A-", "letters, digits and `_`"),
        ("SECRET_CACHE_SECONDS", "-1", "a whole number from 0 to 3600"),
        ("SECRET_CACHE_SECONDS", "3601", "a whole number from 0 to 3600"),
        ("SECRET_CACHE_SECONDS", "30s", "a whole number from 0 to 3600"),
        ("AUTH_JWKS_URL", "http://psa.example/keys", "an https address (http only for this machine itself)"),
        ("LOG_LEVEL", "verbose", level),
        ("AWS_LAMBDA_LOG_LEVEL", "FATAL", level),
        ("DISABLE_FEATURE_FLAGS", "maybe", "`true` or `false`"),
        ("MASTER_BILLING_TENANT_ID", "master", "the UUID of a workspace"),
    ] {
        let error = settings_of(variable, found).unwrap_err();
        assert_eq!(error.to_string(), format!("`{variable}` is `{found}`, expected {expected}"));
    }
    assert_eq!(
        settings_of("SECRET_READ_CHAIN", "keyring").unwrap_err().to_string(),
        "SECRET_READ_CHAIN names `keyring`, which is no secret provider; expected `secretsmanager` (or \
         `aws`), `env`, `filesystem` or `vault`"
    );
    assert_eq!(
        settings_of("SECRET_WRITE_PROVIDER", "aws").unwrap_err().to_string(),
        "SECRET_WRITE_PROVIDER names `secretsmanager`, which SECRET_READ_CHAIN does not read; add it there"
    );
}

#[test]
fn a_secret_that_cannot_be_used_is_not_shown() {
    let error = settings_of("AUTH_JWT_SECRET", "CANARY-short").unwrap_err();
    assert_eq!(error.to_string(), "`AUTH_JWT_SECRET` cannot be used, expected at least 32 bytes");
    let address = settings_of("NEXTAUTH_URL", "https://user:CANARY@psa.example").unwrap_err();
    assert_eq!(
        address.to_string(),
        "`NEXTAUTH_URL` is `(an address with a password)`, expected an http or https address without query"
    );
    let settings = settings_of("AUTH_JWT_SECRET", "CANARY-0123456789abcdef0123456789").unwrap();
    assert!(!format!("{error:?} {address:?} {settings:?}").contains("CANARY"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let error = settings(&[("LOG_LEVEL", "x"), ("TABLE_NAME", "y")]).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    let text = error.to_string();
    assert!(text.contains("LOG_LEVEL") && text.contains("TABLE_NAME"), "{text}");
}

#[test]
fn the_reference_page_has_a_row_for_every_variable() {
    let page = reference_markdown();
    for variable in VARIABLES {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", variable.name)));
        let row = row.unwrap_or_else(|| panic!("no row for {}", variable.name));
        assert_eq!(row.matches(" | ").count(), 4, "{row}");
        assert!(row.contains(variable.doc));
        assert!(variable.default.is_none_or(|default| row.contains(default)));
        assert_eq!(row.contains("| yes |"), variable.secret);
        assert!(!variable.needed_by.is_empty());
    }
    let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len());
}

#[test]
fn a_chain_that_needs_aws_cannot_be_made_without() {
    let clock = Arc::new(SystemClock);
    let local = settings(&[]).unwrap();
    let http = runtime::http::client(runtime::http::Limits::default()).unwrap();
    let chain = runtime::secret_chain(&local, None, &http, clock.clone()).unwrap();
    assert_eq!(format!("{chain:?}"), "SecretChain { read: [Env, Filesystem], write: Filesystem, .. }");
    let cloud = settings(&[("SECRET_READ_CHAIN", "aws"), ("SECRET_WRITE_PROVIDER", "aws")]).unwrap();
    let error = runtime::secret_chain(&cloud, None, &http, clock.clone()).unwrap_err();
    assert_eq!(error, InvalidChain::Unusable(ProviderName::SecretsManager));
    let vault = vault(&[]).unwrap();
    let chain = runtime::secret_chain(&vault, None, &http, clock).unwrap();
    assert_eq!(format!("{chain:?}"), "SecretChain { read: [Vault], write: Vault, .. }");
}

/// Settings with Vault in the chain, and `more`.
fn vault(more: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
    let chain = [("SECRET_READ_CHAIN", "vault"), ("SECRET_WRITE_PROVIDER", "vault")];
    let address = ("VAULT_ADDR", "https://vault.example:8200/");
    settings(&[&chain[..], &[address], more].concat())
}

#[test]
fn vault_has_settings_of_its_own_when_the_chain_names_it() {
    let plain = vault(&[]).unwrap().secrets.vault.unwrap();
    assert_eq!(plain.address, "https://vault.example:8200");
    assert_eq!((plain.mount.as_str(), plain.prefix.as_str()), ("secret", "entra-contact-sync"));
    assert!(plain.namespace.is_none() && matches!(plain.token, VaultToken::OfTheAgent));
    let full = vault(&[
        ("VAULT_ADDR", "http://127.0.0.1:8200"),
        ("VAULT_MOUNT", "team/kv"),
        ("VAULT_NAMESPACE", "msp/psa/"),
        ("VAULT_TOKEN", "CANARY"),
        ("SECRET_PREFIX", "a/b"),
    ]);
    let full = full.unwrap().secrets.vault.unwrap();
    assert_eq!(full.address, "http://127.0.0.1:8200");
    assert_eq!((full.mount.as_str(), full.prefix.as_str()), ("team/kv", "a/b"));
    assert_eq!(full.namespace.as_ref().map(VaultPath::as_str), Some("msp/psa"));
    assert!(matches!(&full.token, VaultToken::Given(_)) && !format!("{full:?}").contains("CANARY"));
    let file = vault(&[("VAULT_TOKEN_FILE", "/run/token")]).unwrap().secrets.vault.unwrap();
    assert!(matches!(file.token, VaultToken::File(path) if path.to_str() == Some("/run/token")));

    // Without it in the chain they are another program's.
    let other = settings(&[("VAULT_ADDR", "http://10.0.0.1"), ("VAULT_MOUNT", "..")]).unwrap();
    assert!(other.secrets.vault.is_none());
}

#[test]
fn what_vault_cannot_be_used_with_is_named() {
    let address = "an https address without query (http only for this machine itself)";
    let path = "letters, digits and any of `/_+=.@-`, no part of it empty or only dots";
    for (variable, found, expected) in [
        ("VAULT_ADDR", "http://vault.example:8200", address),
        ("VAULT_ADDR", "https://vault.example/?a=b", address),
        ("VAULT_MOUNT", "../sys", path),
        ("VAULT_MOUNT", "a b", path),
        ("VAULT_NAMESPACE", "a//b", path),
        ("SECRET_PREFIX", "a/../b", path),
    ] {
        let error = vault(&[(variable, found)]).unwrap_err();
        assert_eq!(error.to_string(), format!("`{variable}` is `{found}`, expected {expected}"));
    }
    let error = vault(&[("VAULT_ADDR", "")]).unwrap_err().to_string();
    assert!(error.starts_with("`VAULT_ADDR` is not set ("), "{error}");
    let both = vault(&[("VAULT_TOKEN", "CANARY"), ("VAULT_TOKEN_FILE", "/run/token")]).unwrap_err();
    assert_eq!(
        both.to_string(),
        "`VAULT_TOKEN` cannot be used, expected none where there is a `VAULT_TOKEN_FILE`"
    );
}

#[tokio::test]
async fn the_redirect_base_is_the_first_that_somebody_set() {
    const PUBLIC: &str = "NEXT_PUBLIC_BASE_URL";
    const AUTH: &str = "NEXTAUTH_URL";
    for (variables, app_secrets, expected) in [
        (vec![(PUBLIC, "https://a/"), (AUTH, "https://b")], vec![(PUBLIC, "https://c")], "https://a"),
        (vec![(AUTH, "https://b")], vec![(PUBLIC, "https://c/"), (AUTH, "https://d")], "https://c"),
        (vec![(AUTH, "https://b/")], vec![(AUTH, "https://d")], "https://b"),
        (vec![], vec![(AUTH, "https://d//")], "https://d"),
        (vec![], vec![], "http://localhost:3000"),
    ] {
        let store = Arc::new(MemoryProvider::new());
        let document =
            app_secrets.iter().fold(Document::new(), |document, (key, value)| document.with(key, value));
        store.write(Scope::App, Family::Service, &document, None).await.unwrap();
        let settings = settings(&variables).unwrap();
        let chain = SecretChain::new(
            vec![store],
            ProviderName::Memory,
            settings.environment.clone(),
            Arc::new(SystemClock),
            settings.secrets.cache,
        )
        .unwrap();
        let base = settings.redirect_base(&chain).await.unwrap();
        assert_eq!(base, expected, "{variables:?} {app_secrets:?}");
    }
}
