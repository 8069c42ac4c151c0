//! What is wrong with JSON that does not fit a type, for readers who cannot see the type.

use std::borrow::Cow;

/// The message of a JSON error in the terms of JSON: without the names of Rust types, and without
/// `at line 1 column 7`, which counts from somewhere inside the message.
#[cold]
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    in_json_terms(text).into_owned()
}

/// Puts what serde says, such as `invalid type: map, expected i64`, in the terms of JSON.
///
/// Only what serde itself words is changed, never a text that a type's own code made or a value
/// that is quoted.
pub(crate) fn in_json_terms(message: &str) -> Cow<'_, str> {
    if message.starts_with("data did not match any variant of untagged enum ") {
        return Cow::Borrowed("it has none of the forms that are allowed here");
    }
    // Whatever is quoted stands before the last of these: what is expected is never a value.
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return Cow::Borrowed(message);
    };
    let Some((fault, found)) = found.split_once(": ") else {
        return match json_name(expected, Fault::Other) {
            Some(name) => Cow::Owned(format!("{found}, expected {name}")),
            None => Cow::Borrowed(message),
        };
    };
    let kind = match fault {
        "invalid type" => Fault::Type,
        "invalid value" => Fault::Value,
        _ => return Cow::Borrowed(message),
    };
    let found = match found {
        "sequence" => "array",
        "map" => "object",
        "unit value" | "Option value" => "null",
        other => other,
    };
    let expected = json_name(expected, kind).unwrap_or(expected);
    Cow::Owned(format!("{fault}: {found}, expected {expected}"))
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Type,
    /// The type is right, and the value out of range.
    Value,
    Other,
}

/// The name of what serde expects, if that was the name of a Rust type.
fn json_name(expected: &str, fault: Fault) -> Option<&'static str> {
    Some(match expected {
        "i64" | "isize" | "i128" if fault == Fault::Value => {
            "an integer of at most 9223372036854775807"
        }
        "i64" | "isize" | "i128" => "an integer",
        "u64" | "usize" | "u128" => "a non-negative integer",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "a nonzero u8" => "an integer from 1 to 255",
        "a nonzero u16" => "an integer from 1 to 65535",
        "a nonzero u32" => "an integer from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" | "a nonzero u128" => "a positive integer",
        "f32" | "f64" => "a number",
        "unit" => "null",
        "a sequence" => "an array",
        "a map" => "an object",
        _ => return structured(expected),
    })
}

/// The name of a structure: its name in Rust means nothing to a client.
fn structured(expected: &str) -> Option<&'static str> {
    const STRUCTURES: &[(&str, &str)] = &[
        ("struct ", "an object"),
        ("internally tagged enum ", "an object"),
        ("adjacently tagged enum ", "an object"),
        ("struct variant ", "an object"),
        ("tuple struct ", "an array"),
        ("tuple variant ", "an array"),
        ("unit struct ", "null"),
    ];
    let known = STRUCTURES
        .iter()
        .find(|(start, _)| expected.starts_with(start));
    known.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, num::NonZeroU8};

    use serde::{Deserialize, de::DeserializeOwned};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Point {
        x: i64,
        y: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only read")]
    enum Either {
        Number(i64),
        Point(Point),
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        One,
    }

    fn check<T: DeserializeOwned + std::fmt::Debug>(json: &str, expected: &str) {
        let error = serde_json::from_str::<T>(json).unwrap_err();
        assert_eq!(misfit(&error), expected, "{json}");
    }

    #[test]
    fn rust_types_are_called_what_they_are_in_json() {
        check::<i64>(r#""x""#, "invalid type: string \"x\", expected an integer");
        check::<i64>(
            "9223372036854775808",
            "invalid value: integer `9223372036854775808`, expected an integer of at most \
             9223372036854775807",
        );
        check::<usize>(
            "-1",
            "invalid value: integer `-1`, expected a non-negative integer",
        );
        check::<u8>(
            "256",
            "invalid value: integer `256`, expected an integer from 0 to 255",
        );
        check::<NonZeroU8>(
            "0",
            "invalid value: integer `0`, expected an integer from 1 to 255",
        );
        check::<f64>("[]", "invalid type: array, expected a number");
        check::<bool>("{}", "invalid type: object, expected a boolean");
        check::<String>("null", "invalid type: null, expected a string");
        check::<Vec<u8>>("7", "invalid type: integer `7`, expected an array");
        check::<BTreeMap<String, u8>>("7", "invalid type: integer `7`, expected an object");
        check::<Point>("7", "invalid type: integer `7`, expected an object");
        check::<Tagged>("7", "invalid type: integer `7`, expected an object");
        check::<Point>("[1]", "invalid length 1, expected an object");
        check::<(u8, u8)>("[1]", "invalid length 1, expected a tuple of size 2");
        check::<Either>("true", "it has none of the forms that are allowed here");
    }

    #[test]
    fn what_was_sent_is_quoted_as_it_was_sent() {
        check::<i64>(
            r#""map, expected i64""#,
            "invalid type: string \"map, expected i64\", expected an integer",
        );
        check::<Tagged>(
            r#"{"kind": "a, expected u8"}"#,
            "unknown variant `a, expected u8`, expected `One`",
        );
        check::<Point>("{}", "missing field `x`");
    }

    #[test]
    fn what_a_type_says_itself_stays() {
        let own = "invalid city: Atlantis, expected f64";
        assert_eq!(in_json_terms(own), own);
        assert_eq!(in_json_terms("not today"), "not today");
    }
}
