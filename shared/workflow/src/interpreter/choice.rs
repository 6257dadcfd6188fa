//! The rules of a `Choice`.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    failure::ExecutionFailure,
    path::{InvalidPath, Path, View},
};

/// A rule and the state it leads to.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(super) struct Rule {
    pub(super) test: Test,
    pub(super) next: String,
}

#[derive(Debug)]
pub(super) enum Test {
    And(Vec<Self>),
    Compare { variable: Path, comparison: Comparison },
    Not(Box<Self>),
    Or(Vec<Self>),
    Present { variable: Path, expected: bool },
}

/// A value of another type than the comparison's never matches.
#[derive(Debug)]
pub(super) enum Comparison {
    Boolean(bool),
    Number(Relation, f64),
    Text(Relation, String),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Relation {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Test {
    pub(super) fn holds(&self, view: View<'_>) -> Result<bool, ExecutionFailure> {
        match self {
            Self::And(tests) => every(tests, view),
            Self::Compare { variable, comparison } => Ok(comparison.holds(variable.require(view)?)),
            Self::Not(test) => Ok(!test.holds(view)?),
            Self::Or(tests) => any(tests, view),
            Self::Present { variable, expected } => Ok(variable.find(view).is_some() == *expected),
        }
    }
}

/// Stops at the first test that does not hold, so that `IsPresent` guards what follows it.
fn every(tests: &[Test], view: View<'_>) -> Result<bool, ExecutionFailure> {
    for test in tests {
        if !test.holds(view)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(tests: &[Test], view: View<'_>) -> Result<bool, ExecutionFailure> {
    for test in tests {
        if test.holds(view)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Comparison {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Boolean(expected) => value.as_bool() == Some(*expected),
            Self::Number(relation, bound) => value
                .as_f64()
                .and_then(|number| number.partial_cmp(bound))
                .is_some_and(|order| relation.allows(order)),
            Self::Text(relation, bound) => {
                value.as_str().is_some_and(|text| relation.allows(text.cmp(bound.as_str())))
            }
        }
    }
}

impl Relation {
    const fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }

    /// The relation at the end of an operator's name, after `Numeric` or `String`.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Equals" => Self::Equal,
            "GreaterThan" => Self::Greater,
            "GreaterThanEquals" => Self::GreaterOrEqual,
            "LessThan" => Self::Less,
            "LessThanEquals" => Self::LessOrEqual,
            _ => return None,
        })
    }
}

impl TryFrom<Map<String, Value>> for Rule {
    type Error = InvalidRule;

    fn try_from(mut rule: Map<String, Value>) -> Result<Self, InvalidRule> {
        let Some(Value::String(next)) = rule.remove("Next") else { return Err(InvalidRule::NoNext) };
        Ok(Self { test: test(rule)?, next })
    }
}

/// What makes a rule of a `Choice` unreadable.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRule {
    #[error("a rule needs exactly one operator, and a variable when it compares")]
    Operator,
    #[error("`{operator}` is not an operator this interpreter knows, or its operand is of the wrong type")]
    Operand { operator: String },
    #[error("a rule names the next state in `Next`")]
    NoNext,
    #[error(transparent)]
    Path(#[from] InvalidPath),
}

fn test(mut rule: Map<String, Value>) -> Result<Test, InvalidRule> {
    rule.remove("Comment");
    let variable = match rule.remove("Variable") {
        Some(Value::String(path)) => Some(path.parse()?),
        Some(_) => return Err(InvalidRule::Operator),
        None => None,
    };
    let mut operators = rule.into_iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        return Err(InvalidRule::Operator);
    };
    match variable {
        Some(variable) => compare(variable, operator, operand),
        None => combine(operator, operand),
    }
}

fn combine(operator: String, operand: Value) -> Result<Test, InvalidRule> {
    match (operator.as_str(), operand) {
        ("And", Value::Array(operands)) => {
            operands.into_iter().map(nested).collect::<Result<_, _>>().map(Test::And)
        }
        ("Or", Value::Array(operands)) => {
            operands.into_iter().map(nested).collect::<Result<_, _>>().map(Test::Or)
        }
        ("Not", operand) => Ok(Test::Not(Box::new(nested(operand)?))),
        _ => Err(InvalidRule::Operand { operator }),
    }
}

fn nested(rule: Value) -> Result<Test, InvalidRule> {
    let Value::Object(rule) = rule else { return Err(InvalidRule::Operator) };
    test(rule)
}

fn compare(variable: Path, operator: String, operand: Value) -> Result<Test, InvalidRule> {
    let comparison = match (operator.as_str(), &operand) {
        ("IsPresent", Value::Bool(expected)) => return Ok(Test::Present { variable, expected: *expected }),
        ("BooleanEquals", Value::Bool(expected)) => Some(Comparison::Boolean(*expected)),
        (name, Value::Number(bound)) => name
            .strip_prefix("Numeric")
            .and_then(Relation::named)
            .zip(bound.as_f64())
            .map(|(relation, bound)| Comparison::Number(relation, bound)),
        (name, Value::String(bound)) => name
            .strip_prefix("String")
            .and_then(Relation::named)
            .map(|relation| Comparison::Text(relation, bound.clone())),
        _ => None,
    };
    let comparison = comparison.ok_or(InvalidRule::Operand { operator })?;
    Ok(Test::Compare { variable, comparison })
}
