//! Checks of a definition as a whole: every way leads somewhere, and somewhere ends.

use std::collections::BTreeSet;

use super::definition::{Exit, Graph, Job, Kind, State};

/// Why a definition cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Two states have one name; the language wants names that are unique in the whole machine.
    #[error("there are two states named `{state}`")]
    DuplicateState {
        /// The name.
        state: String,
    },
    /// A state from which no path leads to an end.
    #[error("no path leads from state `{state}` to an end")]
    Endless {
        /// The state.
        state: String,
    },
    /// `States.ALL` in an entry that is not the last of its `Retry` or `Catch`.
    #[error("state `{state}` has an entry after `States.ALL`, which no error would reach")]
    EntryAfterAll {
        /// The state.
        state: String,
    },
    /// The definition is not JSON.
    #[error("the definition is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The machine, or a `Map`'s processor, is not `StartAt` and `States`.
    #[error("the outline of the definition cannot be read")]
    Outline(#[source] serde_json::Error),
    /// A state that is of an unknown type, has an unknown field, or lacks one.
    #[error("state `{state}` cannot be read")]
    State {
        /// The state.
        state: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A transition to a state that does not exist.
    #[error("state `{state}` leads to `{target}`, which does not exist")]
    UnknownTarget {
        /// The state, or `StartAt`.
        state: String,
        /// Where it leads.
        target: String,
    },
    /// A `${name}` nobody gave a value for.
    #[error("`{text}` holds a placeholder without a value")]
    UnknownPlaceholder {
        /// The text with the placeholder.
        text: String,
    },
    /// A state no path leads to.
    #[error("no path leads to state `{state}`")]
    Unreachable {
        /// The state.
        state: String,
    },
}

/// Checks `graph` and the processors of its maps.
pub(super) fn check(graph: &Graph) -> Result<(), DefinitionError> {
    let mut names = BTreeSet::new();
    check_each(graph, &mut names)
}

fn check_each<'a>(graph: &'a Graph, names: &mut BTreeSet<&'a str>) -> Result<(), DefinitionError> {
    for (name, state) in &graph.states {
        if !names.insert(name) {
            return Err(DefinitionError::DuplicateState { state: name.clone() });
        }
        check_entries(name, state)?;
        if let Kind::Work(work, _) = &state.kind
            && let Job::Map { processor, .. } = &work.job
        {
            check_each(processor, names)?;
        }
    }
    check_targets(graph)?;
    check_reached(graph)?;
    check_ends(graph)
}

fn check_entries(name: &str, state: &State) -> Result<(), DefinitionError> {
    let Kind::Work(work, _) = &state.kind else { return Ok(()) };
    let retry_ends = work.retry.iter().rev().skip(1).any(|retrier| retrier.error_equals.is_all());
    let catch_ends = work.catch.iter().rev().skip(1).any(|catcher| catcher.error_equals.is_all());
    if retry_ends || catch_ends {
        return Err(DefinitionError::EntryAfterAll { state: name.to_owned() });
    }
    Ok(())
}

fn check_targets(graph: &Graph) -> Result<(), DefinitionError> {
    let start = std::iter::once(("StartAt", graph.start.as_str()));
    let targets = graph
        .states
        .iter()
        .flat_map(|(name, state)| state.targets().into_iter().map(move |target| (name.as_str(), target)));
    for (state, target) in start.chain(targets) {
        if !graph.states.contains_key(target) {
            return Err(DefinitionError::UnknownTarget {
                state: state.to_owned(),
                target: target.to_owned(),
            });
        }
    }
    Ok(())
}

fn check_reached(graph: &Graph) -> Result<(), DefinitionError> {
    let mut reached = BTreeSet::from([graph.start.as_str()]);
    let mut open = vec![graph.start.as_str()];
    while let Some(name) = open.pop() {
        let targets = graph.states.get(name).map(State::targets).unwrap_or_default();
        open.extend(targets.into_iter().filter(|target| reached.insert(target)));
    }
    match graph.states.keys().find(|name| !reached.contains(name.as_str())) {
        Some(name) => Err(DefinitionError::Unreachable { state: name.clone() }),
        None => Ok(()),
    }
}

fn check_ends(graph: &Graph) -> Result<(), DefinitionError> {
    let mut ending: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = ending.len();
        for (name, state) in &graph.states {
            if state.is_end() || state.targets().iter().any(|target| ending.contains(target)) {
                ending.insert(name);
            }
        }
        if ending.len() == before {
            break;
        }
    }
    match graph.states.keys().find(|name| !ending.contains(name.as_str())) {
        Some(name) => Err(DefinitionError::Endless { state: name.clone() }),
        None => Ok(()),
    }
}

impl State {
    fn exit(&self) -> Option<&Exit> {
        match &self.kind {
            Kind::Pass(_, exit) | Kind::Wait(_, exit) | Kind::Work(_, exit) => Some(exit),
            Kind::Choice(_) | Kind::Fail(_) | Kind::Succeed => None,
        }
    }

    fn is_end(&self) -> bool {
        matches!(self.exit(), Some(Exit::End)) || matches!(self.kind, Kind::Fail(_) | Kind::Succeed)
    }

    fn targets(&self) -> Vec<&str> {
        let mut targets: Vec<&str> = Vec::new();
        if let Some(Exit::Next(next)) = self.exit() {
            targets.push(next);
        }
        match &self.kind {
            Kind::Choice(choice) => {
                targets.extend(choice.rules.iter().map(|rule| rule.next.as_str()));
                targets.extend(choice.default.as_deref());
            }
            Kind::Work(work, _) => targets.extend(work.catch.iter().map(|catcher| catcher.next.as_str())),
            Kind::Fail(_) | Kind::Pass(..) | Kind::Succeed | Kind::Wait(..) => {}
        }
        targets
    }
}
