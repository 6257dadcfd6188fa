//! `connect`: to the invented Microsoft by itself, to the real one with a browser or a token, or
//! through a CIPP deployment.

use std::{fs, io::Read, path::Path};

use ::connect::{CALLBACK_PATH, CippInput, Connected, Purpose};
use axum::{Router, extract::State, http::Uri, response::Html, routing::get};
use connect::Connect;
use fake_microsoft::{CIPP_CLIENT_ID, CIPP_CLIENT_SECRET};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::{net::TcpListener, sync::mpsc};

use super::{Context, mention_fake};
use crate::{
    Ending, House,
    arguments::{CippArguments, ConnectArguments, ConnectThrough},
    output::{self, Failure, Talk},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    status: &'static str,
    connection_type: &'static str,
    partner_tenant_id: Option<String>,
    managed_tenant_count: usize,
}

pub(crate) async fn run(context: &Context, options: &ConnectArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    mention_fake(house);
    if let Some(ConnectThrough::Cipp(options)) = &options.through {
        return through_cipp(context, options).await;
    }
    let connected = match &options.refresh_token {
        Some(file) => with_token(house, file, options.change_partner).await?,
        None if house.fake.is_some() => in_the_fake(house).await?,
        None => with_browser(house, options).await?,
    };
    let view = View {
        status: "connected",
        connection_type: "direct",
        partner_tenant_id: connected.connection.partner_tenant.map(|tenant| tenant.to_string()),
        managed_tenant_count: connected.managed_tenants,
    };
    output::result(context.output, &view, || {
        format!("Connected. The connection sees {} customer tenants.", view.managed_tenant_count)
    })?;
    Ok(Ending::Done)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CippView {
    status: &'static str,
    connection_type: &'static str,
    base_url: String,
    token_expires_at: Option<Timestamp>,
    managed_tenant_count: usize,
}

async fn through_cipp(context: &Context, options: &CippArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    let input = match (&options.url, house.invented_cipp()) {
        (None, Some(base_url)) => CippInput {
            base_url: Some(base_url),
            tenant_id: house.fake.as_ref().map(|fake| fake.world().partner().id.to_string()),
            client_id: Some(CIPP_CLIENT_ID.to_owned()),
            client_secret: Some(CIPP_CLIENT_SECRET.into()),
            ..CippInput::default()
        },
        (url, _) => CippInput {
            base_url: url.clone(),
            api_token: options.token.as_deref().map(read_secret).transpose()?,
            tenant_id: options.tenant_id.clone(),
            client_id: options.client_id.clone(),
            client_secret: options.client_secret.as_deref().map(read_secret).transpose()?,
            client_secret_expires_at: options.client_secret_expires.clone(),
            change_partner: options.change_partner,
        },
    };
    let connected = house.connect.connect_cipp(house.workspace, None, input).await;
    let connected =
        connected.map_err(|error| Failure::new(error.code(), error.what_happened(), error.remedy()))?;
    let view = CippView {
        status: "connected",
        connection_type: "cipp",
        base_url: connected.base_url,
        token_expires_at: connected.token_expires_at,
        managed_tenant_count: connected.managed_tenants,
    };
    output::result(context.output, &view, || {
        let ends = view.token_expires_at.map(|at| format!(" The token ends at {at}.")).unwrap_or_default();
        format!("Connected. CIPP shows {} customer tenants.{ends}", view.managed_tenant_count)
    })?;
    Ok(Ending::Done)
}

/// Signs in at the invented Microsoft the way a browser would: it consents to everything.
pub(crate) async fn in_the_fake(house: &House) -> Result<Connected, Failure> {
    let (url, session) = begin(house, &house.connect, false).await?;
    let answer = house.http.get(url.expose_secret()).send().await.map_err(|error| unreachable(&error))?;
    let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
    let query = location.and_then(|location| location.split_once('?')).map(|(_, query)| query.to_owned());
    let query = query.ok_or_else(|| {
        Failure::new(
            "sign_in_failed",
            "The invented Microsoft did not send the browser back.",
            "Start with a new data folder.",
        )
    })?;
    finish(&house.connect, &query, &session).await
}

async fn with_token(house: &House, file: &Path, change_partner: bool) -> Result<Connected, Failure> {
    let text = read_secret(file)?;
    let connected =
        house.connect.connect_with_refresh_token(house.workspace, None, text, change_partner).await;
    connected.map_err(|error| Failure::new(error.code(), error.what_happened(), error.remedy()))
}

/// Waits on the loopback interface for the browser to come back from Microsoft.
async fn with_browser(house: &House, options: &ConnectArguments) -> Result<Connected, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await.map_err(|error| {
        Failure::of("port_in_use", &error, "Stop what uses the port, or choose another with --port.")
    })?;
    let redirect = format!("http://localhost:{}", options.port);
    let redirect_base =
        redirect.parse().map_err(|error| Failure::of("sign_in_not_begun", &error, "Try another --port."))?;
    let connect = Connect { redirect_base, ..copy(&house.connect) };
    let (url, session) = begin(house, &connect, options.change_partner).await?;
    Talk::say("Open this address in a browser and sign in with the account that manages your customers:");
    Talk::say(format!("\n  {}\n", url.expose_secret()));
    Talk::say(format!("Waiting on {redirect}{CALLBACK_PATH} for ten minutes …"));
    let (sender, mut queries) = mpsc::channel::<String>(4);
    let router = Router::new().route(CALLBACK_PATH, get(landed)).with_state(sender);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let wait = house.clock.sleep(::connect::LOGIN_LIFETIME);
    let query = tokio::select! {
        query = queries.recv() => query,
        () = wait => None,
    };
    server.abort();
    let query = query.ok_or_else(|| {
        Failure::new(
            "expired_state",
            "Nobody came back from Microsoft in ten minutes; nothing was stored.",
            "Connect again.",
        )
    })?;
    finish(&connect, &query, &session).await
}

async fn landed(State(sender): State<mpsc::Sender<String>>, uri: Uri) -> Html<&'static str> {
    let query = uri.query().unwrap_or_default().to_owned();
    let _: Result<(), mpsc::error::TrySendError<String>> = sender.try_send(query);
    Html(
        "<!doctype html><title>entra-sync</title><p>You can close this window; entra-sync goes on in the terminal.",
    )
}

async fn begin(
    house: &House,
    connect: &Connect,
    change_partner: bool,
) -> Result<(SecretString, SecretString), Failure> {
    let purpose = Purpose { change_partner, ..Purpose::default() };
    let begun = connect.begin_login(house.workspace, None, purpose).await.map_err(|error| match error {
        ::connect::BeginError::MissingCredentials => Failure::new(
            "missing_credentials",
            "No app registration is configured, so nobody can sign in.",
            "Set MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET to those of your multi-tenant app.",
        ),
        other => Failure::of("sign_in_not_begun", &other, "Try again."),
    })?;
    Ok((SecretString::from(begun.auth_url.to_string()), begun.session))
}

async fn finish(connect: &Connect, query: &str, session: &SecretString) -> Result<Connected, Failure> {
    let completion = connect.complete_login(query, Some(session.expose_secret())).await;
    completion.outcome.map_err(|error| Failure::new(error.code(), error.what_happened(), error.remedy()))
}

fn copy(connect: &Connect) -> Connect {
    Connect {
        store: connect.store.clone(),
        secrets: connect.secrets.clone(),
        http: connect.http.clone(),
        graph: connect.graph.clone(),
        cipp: connect.cipp.clone(),
        redirect_base: connect.redirect_base.clone(),
        settings_page: connect.settings_page.clone(),
        clock: connect.clock.clone(),
        entropy: connect.entropy.clone(),
    }
}

fn read_secret(file: &Path) -> Result<SecretString, Failure> {
    let read = || -> std::io::Result<String> {
        if file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Ok(text)
        } else {
            fs::read_to_string(file)
        }
    };
    let text =
        read().map_err(|error| Failure::of("file_unreadable", &error, "Check the file with the secret."))?;
    Ok(text.trim().to_owned().into())
}

fn unreachable(error: &reqwest::Error) -> Failure {
    Failure::of("sign_in_unreachable", error, "Start with a new data folder.")
}

#[cfg(test)]
mod tests {
    use ambient::{Clock, SystemClock};
    use embedded::Durability;
    use fake_microsoft::{Effect, Match, Route};

    use super::*;
    use crate::FakeProfile;

    async fn house(folder: &Path) -> House {
        let as_of = SystemClock.now();
        let fake = FakeProfile { seed: 7, sizes: vec![3], as_of, port: 0, messy: false };
        House::open(folder, Durability::ProcessKill, Some(fake)).await.unwrap()
    }

    #[tokio::test]
    async fn an_invented_microsoft_that_does_not_answer_as_it_should_connects_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut house = house(folder.path()).await;
        let faults = house.fake.as_ref().unwrap().faults();
        faults.on(Match::route(Route::Authorize), Effect::status(500), None);
        assert_eq!(in_the_fake(&house).await.unwrap_err().code, "sign_in_failed");
        house.fake.as_ref().unwrap().faults().clear();
        house.stop_the_fake();
        assert_eq!(in_the_fake(&house).await.unwrap_err().code, "sign_in_unreachable");
        assert_eq!(house.store.connection(house.workspace).await.unwrap(), None);
    }
}
