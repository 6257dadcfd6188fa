//! What a request may hold: a body, query parameters, an id in the path.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{error::Category, json};

use crate::{ApiError, text};

/// Largest request body, in bytes.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Longest piece of a request that an error repeats, in characters.
const LONGEST_ECHO: usize = 200;

/// A JSON body; an empty one counts as `{}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        let is_empty = bytes.iter().all(u8::is_ascii_whitespace);
        let json = if is_empty { b"{}".as_slice() } else { &bytes };
        parse(json).map(Self).map_err(|error| match error.code {
            // Not JSON, and not said to be JSON: the sender meant something else.
            "malformed_json" if !says_json(&parts.headers) => unsupported_media_type(),
            _ => error,
        })
    }
}

/// Query parameters; one that is given twice is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        if let Some(name) = repeated(&parts.uri) {
            let name = text::safe(&name, LONGEST_ECHO);
            return Err(invalid_query(format!("the parameter `{name}` is given more than once")));
        }
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                let reason = rejection.body_text();
                let reason = reason.rsplit_once("query string: ").map_or(reason.as_str(), |(_, after)| after);
                Err(invalid_query(text::safe(reason, LONGEST_ECHO)))
            }
        }
    }
}

/// The one id in a route's path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathId<T>(pub T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(segment) = Path::<String>::from_request_parts(parts, state).await.map_err(|rejection| {
            if rejection.status().is_server_error() {
                // The route has no parameter, or several: a defect of ours.
                ApiError::internal_fault().caused_by(rejection)
            } else {
                invalid_id("it is not UTF-8")
            }
        })?;
        segment.parse().map(Self).map_err(|error: T::Err| invalid_id(&error.to_string()))
    }
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    match Limited::new(body, BODY_LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The request body is larger than {BODY_LIMIT_BYTES} bytes; nothing was changed."),
            "Send fewer entries at once.",
        )),
        Err(_) => Err(ApiError::bad_request(
            "body_unreadable",
            "The request body ended before it was complete; nothing was changed.",
            "Send the request again.",
        )),
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.classify() == Category::Data { invalid_body(&path, &error) } else { malformed_json(&error) }
    })?;
    deserializer.end().map_err(|error| malformed_json(&error))?;
    Ok(parsed)
}

fn malformed_json(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    ApiError::bad_request(
        "malformed_json",
        format!("The request body is not JSON (line {line}, column {column}); nothing was changed."),
        "Correct the body at that place; the request that failed can be sent again.",
    )
    .with_details(json!({ "line": line, "column": column }))
}

fn invalid_body(path: &str, error: &serde_json::Error) -> ApiError {
    let reason = text::safe(&without_values(&error.to_string()), LONGEST_ECHO);
    let path = text::safe(path, LONGEST_ECHO);
    let place = if path == "." { "the body".to_owned() } else { format!("`{path}`") };
    ApiError::bad_request(
        "invalid_body",
        format!("The request body is not what this route takes, at {place}: {reason}. Nothing was changed."),
        "Correct that field; the OpenAPI document lists what the route takes.",
    )
    .with_details(json!({ "path": path, "reason": reason }))
}

/// The expectation in a message of serde. What it got instead is left out: a body may hold a secret.
fn without_values(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    let repeats_a_value = ["invalid type: ", "invalid value: ", "unknown variant ", "invalid length "]
        .iter()
        .any(|start| message.starts_with(start));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if repeats_a_value => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

fn unsupported_media_type() -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The request body is not JSON and is not declared as JSON; nothing was changed.",
        "Send a JSON body with the header `content-type: application/json`.",
    )
}

/// The name of a parameter that occurs more than once.
fn repeated(uri: &Uri) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, IgnoredAny)>>::try_from_uri(uri).ok()?;
    let mut names: Vec<String> = pairs.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone())
}

fn invalid_query(reason: String) -> ApiError {
    ApiError::bad_request(
        "invalid_query",
        format!("The query parameters are not what this route takes: {reason}. Nothing was changed."),
        "Correct the parameter; the OpenAPI document lists what the route takes.",
    )
    .with_details(json!({ "reason": reason }))
}

fn invalid_id(reason: &str) -> ApiError {
    ApiError::bad_request(
        "invalid_id",
        format!(
            "The id in the address cannot be read: {}. Nothing was changed.",
            text::safe(reason, LONGEST_ECHO)
        ),
        "Use the id as a list of this service gives it.",
    )
}
