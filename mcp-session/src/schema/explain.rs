//! What a validator found, in words a model can act on.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::schema::Problem;
use crate::schema::portable::type_name;

/// The most problems reported for one value.
const MAX_PROBLEMS: usize = 8;
/// The most problems reported for one schema: its author can use more.
const MAX_SCHEMA_PROBLEMS: usize = 32;
/// The most alternatives named in one message.
const MAX_ALTERNATIVES: usize = 12;
/// The longest text quoted from a value.
const MAX_QUOTE: usize = 60;

/// Explains why a value does not fit.
pub(super) fn explain<'a>(errors: impl IntoIterator<Item = ValidationError<'a>>) -> Vec<Problem> {
    collect(errors, MAX_PROBLEMS)
}

/// Explains why a schema is none.
pub(super) fn explain_schema<'a>(
    errors: impl IntoIterator<Item = ValidationError<'a>>,
) -> Vec<Problem> {
    collect(errors, MAX_SCHEMA_PROBLEMS)
}

fn collect<'a>(errors: impl IntoIterator<Item = ValidationError<'a>>, most: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    for error in errors {
        describe(&error, &mut problems);
        problems.dedup();
        if problems.len() >= most {
            problems.truncate(most);
            break;
        }
    }
    problems
}

fn describe(error: &ValidationError<'_>, problems: &mut Vec<Problem>) {
    let got = || got(error.instance());
    let message = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            return alternatives(error, context, problems);
        }
        Kind::OneOfMultipleValid { .. } => {
            format!(
                "matches several of the alternatives, expected exactly one; got {}",
                got()
            )
        }
        Kind::Type { kind } => format!("expected {}, got {}", type_names(kind), got()),
        Kind::Required { property } => format!("missing property {property}"),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!(
                "unexpected {}",
                quoted("property", "properties", unexpected)
            )
        }
        Kind::Enum { options } => format!("expected {}, got {}", one_of(options), got()),
        Kind::Constant { expected_value } => {
            format!("expected {}, got {}", quote(expected_value), got())
        }
        Kind::Minimum { limit } => format!("expected at least {limit}, got {}", got()),
        Kind::Maximum { limit } => format!("expected at most {limit}, got {}", got()),
        Kind::ExclusiveMinimum { limit } => format!("expected more than {limit}, got {}", got()),
        Kind::ExclusiveMaximum { limit } => format!("expected less than {limit}, got {}", got()),
        Kind::MultipleOf { multiple_of } => {
            format!("expected a multiple of {multiple_of}, got {}", got())
        }
        Kind::MinLength { limit } => format!("expected at least {limit} characters, got {}", got()),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters, got {}", got()),
        Kind::MinItems { limit } => format!("expected at least {limit} items, got {}", got()),
        Kind::MaxItems { limit } => format!("expected at most {limit} items, got {}", got()),
        Kind::AdditionalItems { limit } => format!("expected at most {limit} items, got {}", got()),
        Kind::MinProperties { limit } => format!("expected at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("expected at most {limit} properties"),
        Kind::UniqueItems => "expected items that all differ".to_owned(),
        Kind::Contains => "lacks an item that fits `contains`".to_owned(),
        Kind::FalseSchema => "no value is allowed here".to_owned(),
        Kind::Pattern { pattern } => format!("expected text matching {pattern}, got {}", got()),
        Kind::Format { format } => format!("expected format {format}, got {}", got()),
        Kind::PropertyNames { error } => {
            let name = quote(error.instance());
            format!(
                "property name {name} is not allowed: {}",
                shortened(&error.to_string())
            )
        }
        Kind::Not { .. } => "matches what is excluded by `not`".to_owned(),
        _ => shortened(&error.to_string()),
    };
    problems.push(Problem::new(error.instance_path().to_string(), message));
}

/// Explains why none of several alternatives fits.
///
/// Where a value tells which alternative it means (only one is not ruled out by a `const`, an
/// `enum` or its type), that one's problems say most.
fn alternatives(
    error: &ValidationError<'_>,
    branches: &[Vec<ValidationError<'static>>],
    problems: &mut Vec<Problem>,
) {
    let ruling = |branch: &'_ Vec<ValidationError<'static>>| {
        branch.iter().position(|inner| rules_out(error, inner))
    };
    let meant: Vec<_> = branches
        .iter()
        .filter(|branch| ruling(branch).is_none())
        .collect();
    if let [branch] = meant.as_slice() {
        branch.iter().for_each(|error| describe(error, problems));
        return;
    }
    let path = error.instance_path().to_string();
    let mut expected = Vec::new();
    for branch in branches {
        let mut inner = Vec::new();
        if let Some(error) = branch.get(ruling(branch).unwrap_or_default()) {
            describe(error, &mut inner);
        }
        for problem in inner.into_iter().take(1) {
            let place = problem.path.strip_prefix(&path).unwrap_or(&problem.path);
            let message = problem.message.split(", got ").next().unwrap_or_default();
            let message = message.strip_prefix("expected ").unwrap_or(message);
            let text = if place.is_empty() {
                message.to_owned()
            } else {
                format!("{message} at {place}")
            };
            if !expected.contains(&text) {
                expected.push(text);
            }
        }
    }
    let more = expected.len().saturating_sub(MAX_ALTERNATIVES);
    expected.truncate(MAX_ALTERNATIVES);
    if more > 0 {
        expected.push(format!("{more} more"));
    }
    let message = format!(
        "expected one of: {}; got {}",
        expected.join(" | "),
        got(error.instance())
    );
    problems.push(Problem::new(path, message));
}

/// Whether an error shows that a value cannot have been meant for an alternative.
fn rules_out(outer: &ValidationError<'_>, error: &ValidationError<'_>) -> bool {
    let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
    let below = depth(error).saturating_sub(depth(outer));
    match error.kind() {
        Kind::Type { .. } => below == 0,
        Kind::Constant { .. } | Kind::Enum { .. } => below <= 1,
        _ => false,
    }
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(name) => name.to_string(),
        TypeKind::Multiple(names) => {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            names.join(" or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    let Value::Array(options) = options else {
        return quote(options);
    };
    let mut names: Vec<String> = options.iter().take(MAX_ALTERNATIVES).map(quote).collect();
    if options.len() > MAX_ALTERNATIVES {
        names.push(format!("{} more", options.len() - MAX_ALTERNATIVES));
    }
    format!("one of {}", names.join(", "))
}

fn quoted(one: &str, many: &str, names: &[String]) -> String {
    let mut list: Vec<String> = names
        .iter()
        .take(MAX_ALTERNATIVES)
        .map(|name| quote(&Value::from(name.as_str())))
        .collect();
    if names.len() > MAX_ALTERNATIVES {
        list.push(format!("{} more", names.len() - MAX_ALTERNATIVES));
    }
    let noun = if names.len() == 1 { one } else { many };
    format!("{noun} {}", list.join(", "))
}

/// A value as it is named in a message: its type, and its text where that is short.
fn got(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => type_name(value).to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            format!("{} {}", type_name(value), quote(value))
        }
    }
}

fn quote(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
