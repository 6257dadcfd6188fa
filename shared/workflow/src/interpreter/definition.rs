//! Definitions as types: what was read is what can be run.

use std::collections::BTreeMap;

use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map as Object, Value};

use super::{
    choice::Rule,
    graph::DefinitionError,
    path::{Path, ResultPath, Selection},
    retry::{Catcher, Retrier},
    template::Template,
};

/// States and where to start: a whole machine, or what a `Map` does with each item.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) start: String,
    pub(super) states: BTreeMap<String, State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) kind: Kind,
    pub(super) input: Selection,
    pub(super) output: Selection,
}

#[derive(Debug)]
pub(super) enum Kind {
    Choice(Choice),
    Fail(Fail),
    Pass(Pass, Exit),
    Succeed,
    Wait(Wait, Exit),
    Work(Box<Work>, Exit),
}

/// Where a state leads when it did not fail.
#[derive(Debug)]
pub(super) enum Exit {
    End,
    Next(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Choice {
    #[serde(rename = "Choices")]
    pub(super) rules: Vec<Rule>,
    pub(super) default: Option<String>,
}

#[derive(Debug)]
pub(super) struct Fail {
    pub(super) error: Text,
    pub(super) cause: Text,
}

/// A text that is given, or selected from the state's input.
#[derive(Debug)]
pub(super) enum Text {
    Literal(String),
    Selected(Path),
}

/// What may fail: a job, what becomes of its result, and what of its errors.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) job: Job,
    pub(super) result_selector: Option<Template>,
    pub(super) result_path: ResultPath,
    pub(super) retry: Vec<Retrier>,
    pub(super) catch: Vec<Catcher>,
}

#[derive(Debug)]
pub(super) enum Job {
    Map { settings: MapSettings, mode: Mode, processor: Graph },
    Task(Task),
}

/// What a `Map` says of its items.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MapSettings {
    #[serde(default)]
    pub(super) items_path: Selection,
    pub(super) item_selector: Option<Template>,
    /// 0 for no bound.
    #[serde(default)]
    pub(super) max_concurrency: usize,
}

/// Whether items are part of the execution, or executions of their own.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mode {
    Distributed,
    #[default]
    Inline,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Pass {
    pub(super) result: Option<Value>,
    pub(super) parameters: Option<Template>,
    #[serde(default)]
    pub(super) result_path: ResultPath,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Task {
    #[serde(rename = "Resource")]
    _resource: Resource,
    #[serde(rename = "Parameters")]
    pub(super) call: Call,
    pub(super) timeout_seconds: Option<u32>,
}

#[derive(Debug, Deserialize)]
enum Resource {
    #[serde(rename = "arn:aws:states:::lambda:invoke")]
    LambdaInvoke,
}

/// The `Parameters` of a Lambda invocation.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawCall")]
pub(super) struct Call {
    pub(super) function: String,
    pub(super) payload: Template,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "RawWait")]
pub(super) enum Wait {
    Seconds(u32),
    SecondsPath(Path),
}

impl Graph {
    pub(super) fn read(definition: Value) -> Result<Self, DefinitionError> {
        let raw: RawGraph = serde_json::from_value(definition).map_err(DefinitionError::Outline)?;
        let states = raw.states.into_iter().map(|(name, state)| {
            let state = State::read(&name, state)?;
            Ok((name, state))
        });
        Ok(Self { start: raw.start_at, states: states.collect::<Result<_, DefinitionError>>()? })
    }
}

impl State {
    fn read(name: &str, state: Object<String, Value>) -> Result<Self, DefinitionError> {
        let in_state = |source| DefinitionError::State { state: name.to_owned(), source };
        let mut fields = Fields(state);
        // Taken out before the rest is read, because its errors are those of its own states.
        let processor = fields.0.remove("ItemProcessor").map(Processor::read).transpose()?;
        fields.state(processor).map_err(in_state)
    }
}

/// What a `Map` does with each item.
struct Processor {
    mode: Result<Mode, serde_json::Error>,
    graph: Graph,
}

impl Processor {
    fn read(mut definition: Value) -> Result<Self, DefinitionError> {
        let config = definition.as_object_mut().and_then(|processor| processor.remove("ProcessorConfig"));
        let config = config.map_or_else(|| Ok(ProcessorConfig::default()), serde_json::from_value);
        let mode = config.and_then(ProcessorConfig::mode);
        Ok(Self { mode, graph: Graph::read(definition)? })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawGraph {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    start_at: String,
    states: BTreeMap<String, Object<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ProcessorConfig {
    #[serde(default)]
    mode: Mode,
    execution_type: Option<ExecutionType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ExecutionType {
    Express,
    Standard,
}

impl ProcessorConfig {
    /// AWS wants the execution type of a distributed map, and only of one. Here both types run alike.
    fn mode(self) -> Result<Mode, serde_json::Error> {
        match (self.mode, self.execution_type) {
            (Mode::Distributed, Some(ExecutionType::Express | ExecutionType::Standard)) => {
                Ok(Mode::Distributed)
            }
            (Mode::Inline, None) => Ok(Mode::Inline),
            _ => {
                Err(serde_json::Error::custom("`ExecutionType` belongs to mode DISTRIBUTED, and only there"))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawCall {
    function_name: String,
    payload: Option<Template>,
    #[serde(rename = "Payload.$")]
    payload_path: Option<Path>,
}

impl TryFrom<RawCall> for Call {
    type Error = &'static str;

    fn try_from(raw: RawCall) -> Result<Self, Self::Error> {
        let payload = match (raw.payload, raw.payload_path) {
            (Some(payload), None) => payload,
            (None, Some(path)) => path.into(),
            _ => return Err("a call has either `Payload` or `Payload.$`"),
        };
        Ok(Self { function: raw.function_name, payload })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawWait {
    seconds: Option<u32>,
    seconds_path: Option<Path>,
}

impl TryFrom<RawWait> for Wait {
    type Error = &'static str;

    fn try_from(raw: RawWait) -> Result<Self, Self::Error> {
        match (raw.seconds, raw.seconds_path) {
            (Some(seconds), None) => Ok(Self::Seconds(seconds)),
            (None, Some(path)) => Ok(Self::SecondsPath(path)),
            _ => Err("a wait has either `Seconds` or `SecondsPath`"),
        }
    }
}

/// A state's fields that were not understood yet. Whoever takes the rest refuses what it does not
/// know.
struct Fields(Object<String, Value>);

impl Fields {
    fn state(mut self, processor: Option<Processor>) -> Result<State, serde_json::Error> {
        self.0.remove("Comment");
        let kind: String = self.take("Type")?;
        if processor.is_some() != (kind == "Map") {
            return Err(serde_json::Error::custom("a map, and only a map, has an `ItemProcessor`"));
        }
        // A failure has no paths but its own.
        let has_paths = kind != "Fail";
        let input = if has_paths { self.or_default("InputPath")? } else { Selection::default() };
        let output = if has_paths { self.or_default("OutputPath")? } else { Selection::default() };
        let kind = match (kind.as_str(), processor) {
            ("Choice", _) => Kind::Choice(self.rest()?),
            ("Fail", _) => Kind::Fail(self.fail()?),
            ("Map", Some(processor)) => self.map(processor)?,
            ("Pass", _) => {
                let exit = self.exit()?;
                Kind::Pass(self.rest()?, exit)
            }
            ("Succeed", _) => self.finished(Kind::Succeed)?,
            ("Task", _) => self.work(|fields| fields.rest().map(Job::Task))?,
            ("Wait", _) => {
                let exit = self.exit()?;
                Kind::Wait(self.rest()?, exit)
            }
            (unknown, _) => {
                return Err(serde_json::Error::custom(format!(
                    "states of type `{unknown}` are not supported"
                )));
            }
        };
        Ok(State { kind, input, output })
    }

    fn map(self, processor: Processor) -> Result<Kind, serde_json::Error> {
        let mode = processor.mode?;
        self.work(|fields| Ok(Job::Map { settings: fields.rest()?, mode, processor: processor.graph }))
    }

    fn work(
        mut self,
        job: impl FnOnce(Self) -> Result<Job, serde_json::Error>,
    ) -> Result<Kind, serde_json::Error> {
        let exit = self.exit()?;
        let work = Work {
            result_selector: self.or_default("ResultSelector")?,
            result_path: self.or_default("ResultPath")?,
            retry: self.or_default("Retry")?,
            catch: self.or_default("Catch")?,
            job: job(self)?,
        };
        Ok(Kind::Work(Box::new(work), exit))
    }

    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, serde_json::Error> {
        let value = self.0.remove(name).ok_or_else(|| serde_json::Error::missing_field(name))?;
        serde_json::from_value(value)
    }

    fn or_default<T: DeserializeOwned + Default>(&mut self, name: &str) -> Result<T, serde_json::Error> {
        self.0.remove(name).map_or_else(|| Ok(T::default()), serde_json::from_value)
    }

    fn exit(&mut self) -> Result<Exit, serde_json::Error> {
        match (self.0.remove("Next"), self.0.remove("End")) {
            (Some(Value::String(next)), None) => Ok(Exit::Next(next)),
            (None, Some(Value::Bool(true))) => Ok(Exit::End),
            _ => Err(serde_json::Error::custom("a state has either `Next` or `\"End\": true`")),
        }
    }

    fn fail(mut self) -> Result<Fail, serde_json::Error> {
        let fail = Fail { error: self.text("Error", "ErrorPath")?, cause: self.text("Cause", "CausePath")? };
        self.finished(fail)
    }

    fn text(&mut self, literal: &'static str, path: &'static str) -> Result<Text, serde_json::Error> {
        match (self.0.contains_key(literal), self.0.contains_key(path)) {
            (true, false) => self.take(literal).map(Text::Literal),
            (false, true) => self.take(path).map(Text::Selected),
            _ => Err(serde_json::Error::custom(format!("a failure has either `{literal}` or `{path}`"))),
        }
    }

    fn rest<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        serde_json::from_value(Value::Object(self.0))
    }

    fn finished<T>(self, read: T) -> Result<T, serde_json::Error> {
        match self.0.keys().next() {
            Some(unknown) => Err(serde_json::Error::custom(format!("unknown field `{unknown}`"))),
            None => Ok(read),
        }
    }
}
