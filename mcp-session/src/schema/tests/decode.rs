//! Proves that wrong arguments are named by place and expectation.

use std::collections::HashMap;

use serde::Deserialize;

use crate::schema::{ArgumentError, absent, decode_args};

#[derive(Debug, Deserialize, PartialEq)]
struct Args {
    a: Inner,
    #[serde(default)]
    map: HashMap<String, Vec<u8>>,
    mode: Option<Mode>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    b: i64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
}

fn message(json: &str) -> String {
    decode_args::<Args>(json).unwrap_err().to_string()
}

#[test]
fn correct_arguments_decode() {
    let args: Args = decode_args(r#"{"a":{"b":5},"mode":"fast"}"#).unwrap();
    assert_eq!(
        args,
        Args {
            a: Inner { b: 5 },
            map: HashMap::new(),
            mode: Some(Mode::Fast)
        }
    );
}

#[test]
fn wrong_arguments_are_located() {
    for (json, expected) in [
        (
            r#"{"a":{"b":"x"}}"#,
            "`a.b`: invalid type: string \"x\", expected an integer",
        ),
        (
            r#"{"a":{"b":30.5}}"#,
            "`a.b`: invalid type: floating point `30.5`, expected an integer",
        ),
        (r#"{"a":{}}"#, "`a`: missing field `b`"),
        ("{}", "missing field `a`"),
        (
            r#"{"a":{"b":1},"map":{"x/y":[1,300]}}"#,
            "`map.x/y[1]`: invalid value: integer `300`, expected an integer from 0 to 255",
        ),
        (
            r#"{"a":{"b":1},"mode":"slow"}"#,
            "`mode`: unknown variant `slow`, expected `fast`",
        ),
        (
            "[1]",
            "`[0]`: invalid type: integer `1`, expected an object",
        ),
        (r#"{"a":{"b":1}} 7"#, "trailing characters"),
    ] {
        assert_eq!(message(json), expected, "{json}");
    }
    let error = decode_args::<Args>(r#"{"a":{"b":1},"map":{"x/y":["z"]}}"#).unwrap_err();
    assert_eq!(error.path, "/map/x~1y/0");
}

#[test]
fn long_values_are_not_quoted_back_in_full() {
    let json = format!(r#"{{"a":{{"b":"{}"}}}}"#, "é".repeat(5_000));
    assert!(message(&json).len() < 500);
    assert_eq!(ArgumentError::new("", "short").message, "short");
}

#[test]
fn absence_is_what_serde_makes_of_it() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapper(Option<u8>);
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(transparent)]
    struct Transparent(Option<u8>);

    assert_eq!(absent::<Option<String>>(), Some(None));
    assert_eq!(absent::<Transparent>(), Some(Transparent(None)));
    assert_eq!(absent::<Wrapper>(), None);
    assert_eq!(absent::<Vec<u8>>(), None);
    assert_eq!(absent::<()>(), None);
    assert_eq!(absent::<serde_json::Value>(), None);
}
