//! Everything that came out, and the search through it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderMap;
use runtime::telemetry::{ErrorChain, Form, subscriber};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use url::Url;

use crate::needles::Needles;

/// Bytes, and where they came out.
type Found = (String, Vec<u8>);

/// Texts by where they came out.
#[derive(Clone, Default)]
pub(crate) struct Outlet(Arc<Mutex<Vec<Found>>>);

/// One stream of bytes among them.
#[derive(Clone)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of this process from now on, as CloudWatch gets it and at the most verbose level.
pub(crate) fn log() -> Log {
    let log = Arc::new(Mutex::new(Vec::new()));
    let stream = Stream(Arc::clone(&log));
    let subscriber = subscriber(Form::Json, LevelFilter::TRACE, move || stream.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    Log(log)
}

/// A log that can be read back.
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What may be in an answer, and was taken out of it.
pub(crate) struct Excepted {
    pub(crate) auth_url: Url,
    pub(crate) cookie: String,
}

impl Outlet {
    pub(crate) fn add(&self, place: &str, text: impl Into<Vec<u8>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((place.to_owned(), text.into()));
    }

    /// An error with everything that caused it, in every form somebody could print.
    pub(crate) fn error<E: std::error::Error>(&self, place: &str, error: &E) {
        self.add(place, format!("{error} {error:?} {error:#?} {}", ErrorChain(error)));
    }

    /// An answer. The one that begins a sign-in hands two things to the browser, and they are all that
    /// may be in any answer: the address at Microsoft with the state, and the cookie.
    pub(crate) fn answer(
        &self,
        request: &str,
        status: u16,
        headers: &HeaderMap,
        body: &str,
    ) -> Option<Excepted> {
        let (mut body, mut excepted) = (body.to_owned(), None);
        let mut shown = headers.clone();
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if let (true, Some(address)) =
            (request == "POST /api/integrations/entra/connect", json["data"]["authUrl"].as_str())
        {
            let cookie = shown.remove("set-cookie").unwrap();
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            excepted = Some(Excepted { auth_url: address.parse().unwrap(), cookie });
            let escaped = Value::from(address).to_string();
            assert_eq!(body.matches(&escaped).count(), 1);
            body = body.replace(&escaped, "\"\"");
        }
        self.add(request, format!("{status} {body}"));
        for (name, value) in &shown {
            self.add(&format!("the header {name} of {request}"), value.as_bytes());
        }
        excepted
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether anything from `place` came out.
    pub(crate) fn has(&self, place: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(name, _)| name.starts_with(place))
    }

    /// What the service has answered at a route, with the status in front.
    pub(crate) fn answers(&self, method: &str, route: &str) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_one = |place: &str| {
            place.split_once(' ').is_some_and(|(asked, path)| asked == method && is_at(path, route))
        };
        let answers = all.iter().filter(|(place, _)| is_one(place));
        answers.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// Whether the service has answered so at a route, at least once.
    pub(crate) fn has_answered(&self, method: &str, route: &str, status: u16) -> bool {
        let beginning = format!("{status} ");
        self.answers(method, route).iter().any(|answer| answer.starts_with(&beginning))
    }

    /// Every place at which a secret came out.
    pub(crate) fn leaks(&self, needles: &Needles) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaks: Vec<String> = all
            .iter()
            .filter_map(|(place, text)| Some(format!("{place}: {}", needles.find(text)?)))
            .collect();
        leaks.sort_unstable();
        leaks.dedup();
        leaks
    }
}

/// Whether `path` is one of `route`'s, whose parameters stand in braces.
fn is_at(path: &str, route: &str) -> bool {
    let (parts, expected): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), route.split('/').collect());
    let fits = |(part, expected): (&&str, &&str)| expected.starts_with('{') || part == expected;
    parts.len() == expected.len() && parts.iter().zip(&expected).all(fits)
}
