//! Headers that mirror the body (2026-07-28, "Streamable HTTP", "Request Metadata").

use std::{borrow::Cow, collections::HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, value::RawValue};

#[cfg(feature = "http")]
use crate::protocol::{Found, method};
use crate::protocol::{Raw, RpcError};
use crate::schema::{HeaderKind, HeaderParam};

#[cfg(feature = "http")]
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
#[cfg(feature = "http")]
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Checks `Mcp-Method`, and `Mcp-Name` where the method has a name to mirror.
#[cfg(feature = "http")]
pub(crate) fn check_standard(
    headers: &HeaderMap,
    called: &str,
    found: &Found,
) -> Result<(), RpcError> {
    let named = text(headers, &METHOD)?;
    let method =
        named.ok_or_else(|| RpcError::header_mismatch("the `Mcp-Method` header is missing"))?;
    if method != called {
        return Err(differs("Mcp-Method", &method, called));
    }
    let member = match called {
        method::TOOLS_CALL | method::PROMPTS_GET => &found.name,
        method::RESOURCES_READ => &found.uri,
        method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL => &found.task_id,
        _ => return Ok(()),
    };
    // A body without the member, or with another type, is refused by its method.
    let expected = member.as_ref().and_then(|text| {
        let plain = text.plain_text();
        plain.or_else(|| text.decode().ok())
    });
    let Some(expected) = expected else {
        return Ok(());
    };
    let named = text(headers, &NAME)?;
    let named =
        named.ok_or_else(|| RpcError::header_mismatch("the `Mcp-Name` header is missing"))?;
    let decoded = decoded("Mcp-Name", &named)?;
    if *decoded != *expected {
        Err(differs("Mcp-Name", &decoded, &expected))
    } else {
        Ok(())
    }
}

/// Checks the `Mcp-Param-*` headers of a tool against the arguments.
pub(crate) fn check_params(
    headers: &HeaderMap,
    params: &[HeaderParam],
    arguments: Option<&Raw>,
) -> Result<(), RpcError> {
    if params.is_empty() {
        return Ok(());
    }
    for param in params {
        let shown = format!("Mcp-Param-{}", param.name);
        let Ok(header) = HeaderName::try_from(shown.as_str()) else {
            continue;
        };
        let sent = text(headers, &header)?;
        let value = arguments.and_then(|arguments| member(arguments.as_str(), &param.path));
        match (sent, value.filter(|value| *value != "null")) {
            (None, None) => {}
            (None, Some(_)) => {
                return Err(RpcError::header_mismatch(format!(
                    "the `{shown}` header is missing"
                )));
            }
            (Some(_), None) => {
                return Err(RpcError::header_mismatch(format!(
                    "the `{shown}` header mirrors an argument that is not there"
                )));
            }
            (Some(sent), Some(value)) => {
                let decoded = decoded(&shown, &sent)?;
                if !mirrors(&decoded, value, param.kind) {
                    return Err(differs(&shown, &decoded, value));
                }
            }
        }
    }
    Ok(())
}

/// The JSON text of what a path leads to.
fn member<'a>(json: &'a str, path: &[String]) -> Option<&'a str> {
    path.iter().try_fold(json, |json, key| {
        let members: HashMap<Cow<'_, str>, &'a RawValue> = serde_json::from_str(json).ok()?;
        members.get(key.as_str()).map(|value| value.get())
    })
}

/// True when a header's text stands for the value, which is JSON text. Integers are compared as
/// numbers; a value of another type than the schema's is left to the tool, which tells the model.
fn mirrors(text: &str, value: &str, kind: HeaderKind) -> bool {
    if value.starts_with('"') {
        return serde_json::from_str::<String>(value).is_ok_and(|value| value == text);
    }
    match (kind, Decimal::parse(text), Decimal::parse(value)) {
        (HeaderKind::Integer, sent, Some(value)) => sent.as_ref() == Some(&value),
        _ => match serde_json::from_str::<Value>(value) {
            Ok(value) => value.to_string().as_str() == text,
            Err(_) => false,
        },
    }
}

/// A number in JSON's notation, exactly: `42`, `42.0` and `4.2e1` are one, and no digit is lost on
/// the way as it would be in floating point.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// The power of ten of the last digit.
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text).ok()?;
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept = all.trim_end_matches('0');
        let digits = kept.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let places = i64::try_from(fraction.len()).ok()?;
        let zeros = i64::try_from(all.len() - kept.len()).ok()?;
        let exponent = exponent.checked_sub(places)?.checked_add(zeros)?;
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }
}

/// The one value of a header; an error when it is there twice or is not visible text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<Cow<'a, str>>, RpcError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(RpcError::header_mismatch(format!(
            "the `{name}` header is there twice"
        )));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(Cow::Borrowed(text.trim_matches([' ', '\t'])))),
        Err(_) => Err(RpcError::header_mismatch(format!(
            "the `{name}` header has invalid characters"
        ))),
    }
}

/// What a header's text stands for: itself, or what its Base64 form holds ("Value Encoding").
fn decoded<'a>(name: &str, text: &'a str) -> Result<Cow<'a, str>, RpcError> {
    let encoded = text
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else {
        return Ok(Cow::Borrowed(text));
    };
    let bytes = STANDARD.decode(encoded).ok();
    let value = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    value.map(Cow::Owned).ok_or_else(|| {
        RpcError::header_mismatch(format!("the `{name}` header is not valid Base64 of UTF-8"))
    })
}

/// A text member of the parameters, read in one pass that skips the others.
pub(crate) fn member_text(params: Option<&Raw>, member: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
        #[serde(borrow)]
        uri: Option<&'a RawValue>,
        #[serde(borrow, rename = "taskId")]
        task_id: Option<&'a RawValue>,
    }
    let named: Named<'_> = params?.decode_borrowed().ok()?;
    let raw = match member {
        "name" => named.name,
        "uri" => named.uri,
        _ => named.task_id,
    };
    serde_json::from_str(raw?.get()).ok()
}

fn differs(header: &str, sent: &str, expected: &str) -> RpcError {
    RpcError::header_mismatch(format!(
        "the `{header}` header is not what the body says: {sent:?} and {expected:?}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_compared_as_numbers_and_to_the_last_digit() {
        for (text, value, expected) in [
            ("42", "42", true),
            ("42.0", "42", true),
            ("42", "42.0", true),
            ("4.2e1", "42", true),
            ("-0", "0", true),
            ("0.0", "0", true),
            ("100", "1E2", true),
            ("9007199254740993", "9007199254740992", false),
            ("18446744073709551617", "18446744073709551617", true),
            ("18446744073709551617", "18446744073709551616", false),
            ("-42", "42", false),
            ("420", "42", false),
            ("+42", "42", false),
            ("042", "42", false),
            ("", "42", false),
            ("NaN", "42", false),
            ("forty-two", "\"forty-two\"", true),
        ] {
            let label = format!("{text} {value}");
            assert_eq!(
                mirrors(text, value, HeaderKind::Integer),
                expected,
                "{label}"
            );
        }
    }

    #[test]
    fn other_values_are_compared_as_text() {
        assert!(mirrors("true", "true", HeaderKind::Boolean));
        assert!(!mirrors("True", "true", HeaderKind::Boolean));
        assert!(mirrors("a\u{e9}", r#""a\u00e9""#, HeaderKind::Text));
        assert!(!mirrors("42.0", "42", HeaderKind::Text));
    }

    #[test]
    fn a_member_is_found_by_its_path_and_the_last_of_two_counts() {
        let path = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        let json = r#"{"a":{"b":1,"b":2},"c":[1]}"#;
        assert_eq!(member(json, &path(&["a", "b"])), Some("2"));
        assert_eq!(member(json, &path(&["c", "0"])), None);
        assert_eq!(member(json, &path(&["x"])), None);
    }
}
