//! Plain JSONPath: a root, names and indices.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::failure::ExecutionFailure;

/// What paths select from: the state's data (`$`) and the context object (`$$`).
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) data: &'a Value,
    pub(super) context: &'a Value,
}

/// A path that selects at most one value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(super) struct Path {
    text: String,
    root: Root,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Root {
    Context,
    Data,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    pub(super) fn find<'a>(&self, view: View<'a>) -> Option<&'a Value> {
        let root = match self.root {
            Root::Context => view.context,
            Root::Data => view.data,
        };
        self.steps.iter().try_fold(root, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }

    /// Like [`Path::find`], but it is an error of the execution when there is nothing.
    pub(super) fn require<'a>(&self, view: View<'a>) -> Result<&'a Value, ExecutionFailure> {
        self.find(view).ok_or_else(|| ExecutionFailure::runtime(format!("`{self}` selects nothing")))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Path {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let invalid = || InvalidPath { path: text.to_owned() };
        let (root, rest) = match text.strip_prefix("$$") {
            Some(rest) => (Root::Context, rest),
            None => (Root::Data, text.strip_prefix('$').ok_or_else(invalid)?),
        };
        let steps = steps(rest).ok_or_else(invalid)?;
        if root == Root::Context && !is_in_context(&steps) {
            return Err(invalid());
        }
        Ok(Self { text: text.to_owned(), root, steps })
    }
}

/// A path outside the subset that every interpreter of the definitions reads alike.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{path}` is not a plain path: `$`, `$$.Execution` or `$$.Map.Item`, then `.name` or `[0]`; no filters, slices or functions"
)]
pub(super) struct InvalidPath {
    path: String,
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let end;
        if let Some(name) = rest.strip_prefix('.') {
            end = name.find(['.', '[']).unwrap_or(name.len());
            let name = name.get(..end).filter(|name| is_name(name))?;
            steps.push(Step::Field(name.to_owned()));
        } else {
            end = rest.find(']')?;
            let index = rest.strip_prefix('[')?.get(..end - 1)?;
            let is_plain = index.bytes().all(|byte| byte.is_ascii_digit());
            steps.push(Step::Index(index.parse().ok().filter(|_| is_plain)?));
        }
        rest = &rest[end + 1..];
    }
    Some(steps)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Whether the interpreter's context object can have something there.
fn is_in_context(steps: &[Step]) -> bool {
    let names: Vec<&str> = steps
        .iter()
        .map_while(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    matches!(
        names.as_slice(),
        ["Execution", "Id" | "Name"]
            | ["Execution", "Input", ..]
            | ["Map", "Item", "Index"]
            | ["Map", "Item", "Value", ..]
    )
}

/// `InputPath` and `OutputPath`: everything when absent, nothing when null.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(from = "Option<Path>")]
pub(super) struct Selection(Option<Path>);

impl Selection {
    pub(super) fn select(&self, view: View<'_>) -> Result<Value, ExecutionFailure> {
        match &self.0 {
            Some(path) => path.require(view).cloned(),
            None => Ok(Value::Object(Map::new())),
        }
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self(Some(Path { text: "$".to_owned(), root: Root::Data, steps: Vec::new() }))
    }
}

impl From<Option<Path>> for Selection {
    fn from(path: Option<Path>) -> Self {
        Self(path)
    }
}

/// `ResultPath`: the place of a result in the state's input; the whole of it when absent, nowhere
/// when null.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(try_from = "Option<Path>")]
pub(super) enum ResultPath {
    #[default]
    Whole,
    Discarded,
    Within(Vec<String>),
}

impl ResultPath {
    pub(super) fn place(&self, result: Value, input: Value) -> Result<Value, ExecutionFailure> {
        match self {
            Self::Whole => Ok(result),
            Self::Discarded => Ok(input),
            Self::Within(names) => placed(result, input, names)
                .ok_or_else(|| ExecutionFailure::result_path(format!("$.{}", names.join(".")))),
        }
    }
}

impl TryFrom<Option<Path>> for ResultPath {
    type Error = InvalidPath;

    fn try_from(path: Option<Path>) -> Result<Self, InvalidPath> {
        let Some(path) = path else { return Ok(Self::Discarded) };
        if path.steps.is_empty() {
            return Ok(Self::Whole);
        }
        let names = path.steps.iter().map(|step| match step {
            Step::Field(name) if path.root == Root::Data => Ok(name.clone()),
            _ => Err(InvalidPath { path: path.text.clone() }),
        });
        names.collect::<Result<_, _>>().map(Self::Within)
    }
}

/// `input` with `result` under `names`, whose missing objects are made; `None` when something else
/// than an object is in the way.
fn placed(result: Value, mut input: Value, names: &[String]) -> Option<Value> {
    let mut place = &mut input;
    for name in names {
        place = place.as_object_mut()?.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    *place = result;
    Some(input)
}
