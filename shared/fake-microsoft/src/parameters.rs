//! Parameters of the login host: known names only, each at most once.

use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::aadsts::Refusal;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    problem: Option<Refusal>,
}

impl Parameters {
    /// Reads form-encoded text. What is wrong with it is kept, to be reported once the redirect URI
    /// is known to be good.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
            let problem = if !known.contains(&name.as_str()) {
                Some(format!("The parameter '{name}' is not supported."))
            } else if parameters.values.contains_key(&name) {
                Some(format!("The parameter '{name}' appears more than once."))
            } else {
                None
            };
            let problem = problem.map(|message| Refusal::about(90_014, message));
            parameters.problem = parameters.problem.or(problem);
            parameters.values.entry(name).or_insert(value);
        }
        parameters
    }

    /// Fails when the text held an unknown or a repeated parameter.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// The value of a parameter that may be missing; an empty one counts as missing.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of a parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| {
            let message = format!("The request must contain the following parameter: '{name}'.");
            Refusal::about(900_144, message)
        })
    }
}
