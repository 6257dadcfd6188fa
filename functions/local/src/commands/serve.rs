//! `serve`: the HTTP API on the loopback interface.

use std::{fs, io, path::Path, sync::Arc};

use ::flags::Access;
use ::people::People;
use ambient::Entropy;
use authorizer::{Configuration, Parties, Verifier, sign_hs256};
use axum::{Extension, Router};
use edge::{Caller, CallerKind, Edition, Permission, Surface};
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::{net::TcpListener, sync::oneshot};

use super::{Context, flags, mention_fake, upkeep::upkeep};
use crate::{
    Ending, House,
    arguments::ServeArguments,
    output::{Failure, Talk},
};

/// Issuer and audience of tokens this command signs for the person at this machine.
const LOCAL_PARTY: &str = "entra-sync-local";

/// The file with the key that signs them.
const SIGNING_KEY: &str = "api-key";

/// The file with the key of whoever decides about flags.
const FLAGS_KEY: &str = "flags-key";

/// How long requests may take to end when the server stops.
const GRACE: SignedDuration = SignedDuration::from_secs(3);

/// How long such a token lives.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(12);

pub(crate) async fn run(context: Context, options: ServeArguments) -> Result<Ending, Failure> {
    let house = context.house;
    mention_fake(&house);
    let verifier = verifier(&house)?;
    let access = access(&house)?;
    flags::introduce(&house).await?;
    let router = api(&house, verifier, access);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(|error| {
        Failure::of("port_in_use", &error, "Stop what uses the port, or choose another with --port.")
    })?;
    let resumed = house.resume(|_| true).await?;
    if !resumed.is_empty() {
        Talk::say(format!("Going on with {} interrupted runs.", resumed.len()));
    }
    let address = listener.local_addr().map_err(|error| Failure::of("port_in_use", &error, "Try again."))?;
    Talk::say(format!("Serving http://{address}/api/integrations/entra (stop with Ctrl-C)."));
    let (stopping, stopped) = oneshot::channel();
    let stop = async {
        let _: io::Result<()> = tokio::signal::ctrl_c().await;
        let _: Result<(), ()> = stopping.send(());
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(stop);
    // A request that never ends must not keep the process from stopping.
    let overdue = async {
        let _: Result<(), oneshot::error::RecvError> = stopped.await;
        house.clock.sleep(GRACE).await;
    };
    tokio::select! {
        // It ends when it is told to: a connection that cannot be taken is tried again (axum::serve).
        _ = server => {}
        () = overdue => {}
        () = upkeep(&house, house.heed_flags()) => {}
    }
    Talk::say("Stopping; runs go on where they are when it is started again.");
    Ok(Ending::Done)
}

/// Every function's routes, as one service. From now on the flags count, for tasks too.
pub fn api(house: &House, verifier: Arc<Verifier>, access: Access) -> Router {
    let people = Arc::new(People { store: house.store.clone() });
    let surface = Surface(Arc::new(house.heed_flags()));
    let routes = Router::new()
        .merge(::connect::router(Arc::clone(&house.connect)))
        .merge(::discovery::routes::router(Arc::clone(&house.discovery)))
        .merge(::flags::routes::router(Arc::new(flags::desk(house, access))))
        .merge(::mapping::routes::router(Arc::clone(&house.mapping)))
        .merge(::people::routes::router(people))
        .merge(::review::routes::router(Arc::clone(&house.review)))
        .merge(::settings::routes::router(Arc::new(::settings::Settings {
            store: house.store.clone(),
            clock: Arc::clone(&house.clock),
        })))
        .merge(::sync::routes::router(Arc::clone(&house.sync)))
        .merge(::sync::routes::explaining(Arc::clone(&house.explain)))
        .layer(Extension(assembly::service_edition(&house.settings)))
        .layer(Extension(surface));
    edge::finish(authorizer::authenticated(routes, verifier))
}

/// The PSA's keys when they are configured; otherwise a key of this folder, with a token for the
/// person at this machine.
fn verifier(house: &House) -> Result<Arc<Verifier>, Failure> {
    let auth = &house.settings.auth;
    let configuration: Configuration = if auth.jwks_url.is_some() || auth.secret.is_some() {
        auth.clone().into()
    } else {
        let secret = folder_secret(&house.folder, SIGNING_KEY, &*house.entropy)
            .map_err(|error| Failure::of("data_unusable", &error, "Check the data folder."))?;
        show_token(house, &secret)?;
        Configuration {
            issuer: LOCAL_PARTY.to_owned(),
            audience: LOCAL_PARTY.to_owned(),
            published_keys_url: None,
            shared_secret: Some(secret),
        }
    };
    let verifier = Verifier::configured(configuration, house.http.clone(), Arc::clone(&house.clock));
    verifier.map(Arc::new).map_err(|error| {
        Failure::of("invalid_settings", &error, "Correct the AUTH_ variables, or unset all of them.")
    })
}

fn show_token(house: &House, secret: &SecretString) -> Result<(), Failure> {
    let caller = Caller {
        workspace: house.workspace,
        user: Some(domain::ids::UserId::new(house.workspace.uuid())),
        kind: CallerKind::Internal,
        permissions: Permission::ALL.iter().map(|permission| permission.name().to_owned()).collect(),
        edition: Edition::Enterprise,
    };
    let parties = Parties { issuer: LOCAL_PARTY.to_owned(), audience: LOCAL_PARTY.to_owned() };
    let token = sign_hs256(&caller, &parties, secret, house.clock.now(), TOKEN_LIFETIME);
    let token = token.map_err(|error| Failure::of("data_unusable", &error, "Remove the file api-key."))?;
    let file = house.folder.join("api-token");
    write_private(&file, &token)
        .map_err(|error| Failure::of("data_unusable", &error, "Check the data folder."))?;
    Talk::say(format!("A token for this API, good for 12 hours, is in {}:", file.display()));
    Talk::say(format!("  curl -H \"Authorization: Bearer $(cat {})\" …", file.display()));
    Ok(())
}

/// Who decides about flags: whom the environment names; otherwise the workspace of this folder, with a key
/// of the folder.
fn access(house: &House) -> Result<Access, Failure> {
    let Access { master, mut keys } = Access::of(&house.settings);
    if keys.is_empty() {
        let key = folder_secret(&house.folder, FLAGS_KEY, &*house.entropy)
            .map_err(|error| Failure::of("data_unusable", &error, "Check the data folder."))?;
        keys.push(key);
        let file = house.folder.join(FLAGS_KEY);
        Talk::say(format!("A key for /api/v1/platform-feature-flags is in {}:", file.display()));
        Talk::say(format!("  curl -H \"x-api-key: $(cat {})\" …", file.display()));
    }
    Ok(Access { master: Some(master.unwrap_or(house.workspace)), keys })
}

fn folder_secret(folder: &Path, name: &str, entropy: &dyn Entropy) -> io::Result<SecretString> {
    let file = folder.join(name);
    match fs::read_to_string(&file) {
        Ok(secret) => Ok(secret.trim().to_owned().into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            let secret = hexadecimal(&bytes);
            write_private(&file, &secret)?;
            Ok(secret.into())
        }
        Err(error) => Err(error),
    }
}

/// 256 bits as text.
fn hexadecimal(bytes: &[u8; 32]) -> String {
    let halves = bytes.split_at(16);
    let half = |bytes: &[u8]| u128::from_be_bytes(std::array::from_fn(|index| bytes[index]));
    format!("{:032x}{:032x}", half(halves.0), half(halves.1))
}

#[cfg(unix)]
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())
}

#[cfg(not(unix))]
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)
}
