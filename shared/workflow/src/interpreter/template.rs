//! Payload templates (`Parameters`, `ResultSelector`, `ItemSelector`) and placeholders.

use serde::Deserialize;
use serde_json::Value;

use super::{
    failure::ExecutionFailure,
    graph::DefinitionError,
    path::{InvalidPath, Path, View},
};

/// JSON with holes: a member `"name.$": "$.path"` becomes `"name": <what the path selects>`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum Template {
    Array(Vec<Self>),
    Literal(Value),
    Object(Vec<(String, Self)>),
    Selected(Path),
}

impl Template {
    pub(super) fn fill(&self, view: View<'_>) -> Result<Value, ExecutionFailure> {
        match self {
            Self::Array(elements) => elements.iter().map(|element| element.fill(view)).collect(),
            Self::Literal(value) => Ok(value.clone()),
            Self::Object(members) => {
                members.iter().map(|(name, member)| Ok((name.clone(), member.fill(view)?))).collect()
            }
            Self::Selected(path) => path.require(view).cloned(),
        }
    }
}

impl From<Path> for Template {
    fn from(path: Path) -> Self {
        Self::Selected(path)
    }
}

impl TryFrom<Value> for Template {
    type Error = InvalidTemplate;

    fn try_from(value: Value) -> Result<Self, InvalidTemplate> {
        match value {
            Value::Array(elements) => {
                elements.into_iter().map(Self::try_from).collect::<Result<_, _>>().map(Self::Array)
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| member(name, value));
                members.collect::<Result<_, _>>().map(Self::Object)
            }
            literal => Ok(Self::Literal(literal)),
        }
    }
}

fn member(name: String, value: Value) -> Result<(String, Template), InvalidTemplate> {
    match (name.strip_suffix(".$"), value) {
        (Some(stem), Value::String(path)) => Ok((stem.to_owned(), Template::Selected(path.parse()?))),
        (Some(_), _) => Err(InvalidTemplate::NotText { name }),
        (None, value) => Ok((name, value.try_into()?)),
    }
}

/// A payload template outside the covered subset.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidTemplate {
    #[error("the member `{name}` must be a path")]
    NotText { name: String },
    #[error(transparent)]
    Path(#[from] InvalidPath),
}

/// Replaces every `${name}` in the texts of `value`, as SAM's `DefinitionSubstitutions` does.
pub(super) fn substitute(value: &mut Value, substitutions: &[(&str, &str)]) -> Result<(), DefinitionError> {
    match value {
        Value::Array(elements) => elements.iter_mut().try_for_each(|value| substitute(value, substitutions)),
        Value::Object(members) => members.values_mut().try_for_each(|value| substitute(value, substitutions)),
        Value::String(text) => {
            *text = substituted(text, substitutions)?;
            Ok(())
        }
        Value::Bool(_) | Value::Null | Value::Number(_) => Ok(()),
    }
}

fn substituted(text: &str, substitutions: &[(&str, &str)]) -> Result<String, DefinitionError> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, placeholder)) = rest.split_once("${") {
        let unknown = || DefinitionError::UnknownPlaceholder { text: text.to_owned() };
        let (name, after) = placeholder.split_once('}').ok_or_else(unknown)?;
        let (_, replacement) = substitutions.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        result.push_str(before);
        result.push_str(replacement);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}
