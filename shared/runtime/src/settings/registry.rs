//! Every environment variable there is.

use std::fmt::Write;

/// A function of this product, by the folder it lives in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Function {
    /// Verifies callers.
    Authorizer,
    /// Connects a workspace to Microsoft.
    Connect,
    /// Finds managed tenants.
    Discovery,
    /// Feature flags of the platform.
    Flags,
    /// Every function in one process.
    Local,
    /// Maps tenants to clients.
    Mapping,
    /// Takes clients and contacts in and gives them out.
    People,
    /// Lists questions about people and carries out the answers.
    Review,
    /// The small tasks around a sync.
    RunSteps,
    /// What the operator decides for all tenants.
    Settings,
    /// Starts and shows syncs.
    Sync,
    /// Syncs tenants.
    TenantSync,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 12] = [
        Self::Authorizer,
        Self::Connect,
        Self::Discovery,
        Self::Flags,
        Self::Local,
        Self::Mapping,
        Self::People,
        Self::Review,
        Self::RunSteps,
        Self::Settings,
        Self::Sync,
        Self::TenantSync,
    ];

    /// The name of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::Connect => "connect",
            Self::Discovery => "discovery",
            Self::Flags => "flags",
            Self::Local => "local",
            Self::Mapping => "mapping",
            Self::People => "people",
            Self::Review => "review",
            Self::RunSteps => "run-steps",
            Self::Settings => "settings",
            Self::Sync => "sync",
            Self::TenantSync => "tenant-sync",
        }
    }
}

/// Who gives a variable its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetBy {
    /// Whoever installs the product.
    Operator,
    /// AWS, or whoever configures the AWS SDK.
    Platform,
}

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is, one sentence or two.
    pub doc: &'static str,
    /// What counts when it is not set or blank.
    pub default: Option<&'static str>,
    /// Who reads it.
    pub needed_by: &'static [Function],
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Who sets it.
    pub set_by: SetBy,
}

impl Variable {
    const fn new(name: &'static str, needed_by: &'static [Function], doc: &'static str) -> Self {
        Self { name, doc, default: None, needed_by, secret: false, set_by: SetBy::Operator }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn by_platform(self) -> Self {
        Self { set_by: SetBy::Platform, ..self }
    }
}

const ALL: &[Function] = &Function::ALL;
const ON_THE_TABLE: &[Function] = &[
    Function::Connect,
    Function::Discovery,
    Function::Flags,
    Function::Mapping,
    Function::People,
    Function::Review,
    Function::RunSteps,
    Function::Settings,
    Function::Sync,
    Function::TenantSync,
];
const WITH_SECRETS: &[Function] = &[
    Function::Authorizer,
    Function::Connect,
    Function::Discovery,
    Function::Local,
    Function::Sync,
    Function::TenantSync,
];
const WITH_MICROSOFT: &[Function] =
    &[Function::Connect, Function::Discovery, Function::Local, Function::Sync, Function::TenantSync];
const DECIDING_FLAGS: &[Function] = &[Function::Flags, Function::Local];
const AUTHORIZING: &[Function] = &[Function::Authorizer, Function::Local];

macro_rules! registry {
    ($($name:ident: $needed_by:expr, $doc:literal $(, $call:ident($($argument:literal)?))*;)*) => {
        $(pub(super) static $name: Variable =
            Variable::new(stringify!($name), $needed_by, $doc)$(.$call($($argument)?))*;)*

        /// Every environment variable, in the order of the reference page.
        pub static VARIABLES: &[&Variable] = &[$(&$name),*];
    };
}

registry! {
    EDITION: ALL,
        "The PSA's edition. `ee` turns the integration on; `ce` and `community` leave it off, unless \
         `NEXT_PUBLIC_EDITION` says otherwise.";
    NEXT_PUBLIC_EDITION: ALL,
        "The PSA's edition by its other name. `enterprise` turns the integration on.";
    TABLE_NAME: ON_THE_TABLE, "The DynamoDB table.", or("entra-contact-sync");
    STATE_MACHINE_ARN: &[Function::Sync], "The ARN of the `sync-run` state machine.";
    DISCOVERY_STATE_MACHINE_ARN: &[Function::Discovery], "The ARN of the `discovery` state machine.";
    MICROSOFT_LOGIN_BASE_URL: WITH_MICROSOFT,
        "The Microsoft identity platform. Another one for a national cloud or a test.",
        or("https://login.microsoftonline.com");
    MICROSOFT_GRAPH_BASE_URL: WITH_MICROSOFT,
        "Microsoft Graph; `/v1.0` is added when it is missing. Another one for a national cloud or a test.",
        or("https://graph.microsoft.com/v1.0");
    MICROSOFT_CLIENT_ID: WITH_MICROSOFT,
        "The application (client) id of the app registration for workspaces without one of their own.";
    MICROSOFT_CLIENT_SECRET: WITH_MICROSOFT,
        "The client secret that belongs to `MICROSOFT_CLIENT_ID`.", secret();
    MICROSOFT_CLIENT_SECRET_EXPIRES_AT: &[Function::Connect, Function::Local],
        "The day on which `MICROSOFT_CLIENT_SECRET` ends, such as `2027-03-31`: it is told ahead.";
    MICROSOFT_TENANT_ID: WITH_MICROSOFT,
        "The tenant that `MICROSOFT_CLIENT_ID` is registered in. Shown, never signed in at.";
    CIPP_ON_THIS_MACHINE: &[Function::Local],
        "`true` lets a CIPP connection lead to this machine itself (`http://127.0.0.1:PORT`), for \
         development with a fake. Never where others can enter an address.", or("false");
    NEXT_PUBLIC_BASE_URL: &[Function::Connect, Function::Local],
        "Where people reach the PSA: the base of the OAuth redirect URI. May be an app secret instead. \
         Without it `NEXTAUTH_URL` is taken.";
    NEXTAUTH_URL: &[Function::Connect, Function::Local],
        "Where people sign in to the PSA: the base of the settings page, and of the redirect URI when \
         `NEXT_PUBLIC_BASE_URL` is not set. May be an app secret instead. Without any of them \
         `http://localhost:3000` is taken.";
    SECRET_READ_CHAIN: WITH_SECRETS,
        "Who is asked for secrets, in order: a comma list of `secretsmanager` (or `aws`), `env`, \
         `filesystem` and `vault`.", or("env,filesystem");
    SECRET_WRITE_PROVIDER: WITH_SECRETS,
        "Who keeps new secrets: `secretsmanager`, `filesystem` or `vault`. Must be in `SECRET_READ_CHAIN`.",
        or("filesystem");
    SECRET_FILESYSTEM_PATH: WITH_SECRETS, "The folder of the `filesystem` provider.", or("secrets");
    SECRET_PREFIX: WITH_SECRETS,
        "What names in Secrets Manager and paths in Vault begin with: `{prefix}/{workspace}/{family}`.", or("entra-contact-sync");
    SECRET_KMS_KEY_ID: WITH_SECRETS,
        "The KMS key that encrypts new secrets in Secrets Manager: its ARN, its id or its alias. Without one \
         AWS takes its own, `aws/secretsmanager`.";
    SECRET_ENV_PREFIX: WITH_SECRETS,
        "What variables of the `env` provider with a workspace's secrets begin with: \
         `{prefix}TENANT_{workspace}_{key}`.";
    SECRET_CACHE_SECONDS: WITH_SECRETS,
        "How long a process uses a secret without asking again; 0: not at all.", or("30");
    VAULT_ADDR: WITH_SECRETS,
        "The address of HashiCorp Vault or OpenBao, or of an agent beside this process. Needed when \
         `SECRET_READ_CHAIN` names `vault`; the others of Vault are looked at only then, too.";
    VAULT_NAMESPACE: WITH_SECRETS, "The namespace in Vault, where it has such.";
    VAULT_MOUNT: WITH_SECRETS, "Where Vault's KV version 2 engine is mounted.", or("secret");
    VAULT_TOKEN: WITH_SECRETS,
        "The token for Vault. Without it and without `VAULT_TOKEN_FILE`, `VAULT_ADDR` has to be an agent \
         that adds its own.", secret();
    VAULT_TOKEN_FILE: WITH_SECRETS,
        "A file with the token for Vault, read before every call, so that an agent can renew it.";
    AUTH_JWT_ISSUER: AUTHORIZING, "The only accepted issuer (`iss`) of the PSA's tokens.";
    AUTH_JWT_AUDIENCE: AUTHORIZING, "The audience (`aud`) the PSA's tokens must name.";
    AUTH_JWKS_URL: AUTHORIZING,
        "Where the PSA publishes the keys it signs tokens with (RS256, ES256).";
    AUTH_JWT_SECRET: AUTHORIZING,
        "The key the PSA signs tokens with (HS256), at least 32 bytes. May be an app secret instead.",
        secret();
    LOG_LEVEL: ALL, "What is logged: `trace`, `debug`, `info`, `warn` or `error`.", or("info");
    DISABLE_FEATURE_FLAGS: ALL, "`true` turns every feature on, whatever its flag says.", or("false");
    MASTER_BILLING_TENANT_ID: DECIDING_FLAGS,
        "The workspace that decides about feature flags. Without it nobody does.";
    PLATFORM_API_KEY: DECIDING_FLAGS,
        "The key with which the master workspace decides about feature flags (`x-api-key`), at least 32 \
         bytes; several, separated by commas, while one takes the place of another.", secret();
    AWS_LAMBDA_LOG_LEVEL: ALL,
        "The same as `LOG_LEVEL` and stronger. Set by the logging configuration of a Lambda function.",
        by_platform();
    AWS_LAMBDA_FUNCTION_NAME: ALL,
        "Set by the Lambda service. When it is there, the log is JSON on stdout; otherwise plain text on \
         stderr.", by_platform();
    AWS_REGION: ALL, "The AWS region. Set by the Lambda service.", by_platform();
    AWS_DEFAULT_REGION: ALL, "The AWS region when `AWS_REGION` is not set.", by_platform();
    AWS_ENDPOINT_URL: ALL,
        "Sends AWS requests elsewhere, to an emulator for example. Read by the AWS SDK, like the forms for \
         one service (`AWS_ENDPOINT_URL_DYNAMODB`) and the variables with credentials.", by_platform();
}

/// The reference page: one table, in Markdown.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Environment variables\n\n\
         A blank value counts as none. A value that cannot be used stops the process at its start.\n\n\
         | variable | meaning | default | secret | needed by |\n| --- | --- | --- | --- | --- |\n",
    );
    for variable in VARIABLES {
        let default = variable.default.map_or_else(String::new, |default| format!("`{default}`"));
        let secret = if variable.secret { "yes" } else { "" };
        let functions = if variable.needed_by.len() == Function::ALL.len() {
            "all".to_owned()
        } else {
            variable.needed_by.iter().map(|function| function.name()).collect::<Vec<_>>().join(", ")
        };
        writeln!(page, "| `{}` | {} | {default} | {secret} | {functions} |", variable.name, variable.doc)
            .expect("text takes any text");
    }
    page
}
