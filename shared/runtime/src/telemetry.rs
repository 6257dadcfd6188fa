//! The log: JSON lines on stdout where CloudWatch collects them, plain lines on stderr for people.
//!
//! A failure is logged once, where it is handled, with its whole chain ([`ErrorChain`]). No log
//! line holds a secret or a person's data; of the libraries below us only warnings are shown,
//! because at finer levels some of them write down requests.

use std::{error::Error, fmt, io};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, layer},
    layer::SubscriberExt,
};

use crate::settings::Settings;

/// How log lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// One JSON object a line, on stdout.
    Json,
    /// For people, on stderr: stdout is for data.
    Plain,
}

/// Libraries that say too much, by the beginning of their targets.
const QUIET: [&str; 8] =
    ["aws", "dynoxide", "h2", "hyper", "lambda_runtime_api", "reqwest", "rustls", "tower"];

/// Turns the log on, in the form that fits the place. Later calls change nothing.
pub fn start(settings: &Settings) {
    let form = if settings.on_lambda { Form::Json } else { Form::Plain };
    install(form, settings.log_level);
}

/// Turns a plain log on if there is none yet: for a process that fails before it has settings.
pub(crate) fn start_plain() {
    install(Form::Plain, LevelFilter::INFO);
}

fn install(form: Form, level: LevelFilter) {
    // An error means that the log is on already: the first caller's choice stands.
    let _ = match form {
        Form::Json => tracing::subscriber::set_global_default(subscriber(form, level, io::stdout)),
        Form::Plain => tracing::subscriber::set_global_default(subscriber(form, level, io::stderr)),
    };
}

/// A log of `form` and `level` to `writer`; for [`start`], and for tests that read it back.
pub fn subscriber<W>(form: Form, level: LevelFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let targets = QUIET.into_iter().fold(Targets::new().with_default(level), |targets, target| {
        targets.with_target(target, level.min(LevelFilter::WARN))
    });
    let registry = tracing_subscriber::registry().with(targets);
    match form {
        Form::Json => Box::new(
            registry.with(layer().json().flatten_event(true).with_span_list(false).with_writer(writer)),
        ),
        Form::Plain => Box::new(registry.with(layer().compact().with_ansi(false).with_writer(writer))),
    }
}

/// An error and everything that caused it, on one line: `a: b: c`.
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(form: Form, level: LevelFilter, work: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        tracing::subscriber::with_default(subscriber(form, level, move || writer.clone()), work);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_has_its_fields_beside_the_message_and_the_request_in_its_span() {
        let text = logged(Form::Json, LevelFilter::INFO, || {
            let _span = tracing::info_span!("Lambda runtime invoke", requestId = "r-1").entered();
            tracing::info!(code = "started", "it begins");
            tracing::debug!("nobody asked");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "it begins");
        assert_eq!(line["code"], "started");
        assert_eq!(line["span"]["requestId"], "r-1");
        assert!(line["timestamp"].is_string());
    }

    #[test]
    fn libraries_are_quiet_even_when_we_are_not() {
        let text = logged(Form::Plain, LevelFilter::TRACE, || {
            tracing::trace!("ours");
            tracing::debug!(target: "aws_smithy_runtime::client", "the body of a request");
            tracing::trace!(target: "hyper_util::client", "a header");
            tracing::warn!(target: "aws_config", "something is wrong");
        });
        assert!(text.contains("ours") && text.contains("something is wrong"), "{text}");
        assert!(!text.contains("body") && !text.contains("header"), "{text}");
        let text = logged(Form::Plain, LevelFilter::ERROR, || {
            tracing::warn!(target: "aws_config", "not asked for");
        });
        assert_eq!(text, "");
    }

    #[test]
    fn a_chain_is_one_line() {
        #[derive(Debug, thiserror::Error)]
        #[error("the outer")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("the inner"));
        assert_eq!(ErrorChain(&error).to_string(), "the outer: the inner");
    }
}
