//! Headers that mirror the body (2026-07-28, "Streamable HTTP", "Request Metadata").

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::protocol::{Mirrored, Raw, RpcError, method};
use crate::schema::{HeaderKind, HeaderParam};

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Checks `Mcp-Method`, and `Mcp-Name` where the method has a name to mirror.
pub(crate) fn check_standard(
    headers: &HeaderMap,
    called: &str,
    mirrored: &Mirrored,
) -> Result<(), RpcError> {
    let named = text(headers, &METHOD)?;
    let method =
        named.ok_or_else(|| RpcError::header_mismatch("the `Mcp-Method` header is missing"))?;
    if method != called {
        return Err(differs("Mcp-Method", &method, called));
    }
    let member = match called {
        method::TOOLS_CALL | method::PROMPTS_GET => &mirrored.name,
        method::RESOURCES_READ => &mirrored.uri,
        method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL => &mirrored.task_id,
        _ => return Ok(()),
    };
    // A body without the member, or with another type, is refused by its method.
    let expected = member.as_ref().and_then(|text| text.decode().ok());
    let Some(expected): Option<String> = expected else {
        return Ok(());
    };
    let named = text(headers, &NAME)?;
    let named =
        named.ok_or_else(|| RpcError::header_mismatch("the `Mcp-Name` header is missing"))?;
    let decoded = decoded("Mcp-Name", &named)?;
    if decoded != expected {
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
    let arguments: Value = arguments
        .and_then(|raw| raw.decode().ok())
        .unwrap_or_default();
    for param in params {
        let shown = format!("Mcp-Param-{}", param.name);
        let Ok(header) = HeaderName::try_from(shown.as_str()) else {
            continue;
        };
        let sent = text(headers, &header)?;
        let value = param
            .path
            .iter()
            .try_fold(&arguments, |value, key| value.get(key));
        match (sent, value.filter(|value| !value.is_null())) {
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
                    return Err(differs(&shown, &decoded, &value.to_string()));
                }
            }
        }
    }
    Ok(())
}

/// True when a header's text stands for the value. Integers are compared as numbers; a value of
/// another type than the schema's is left to the tool, which tells the model.
fn mirrors(text: &str, value: &Value, kind: HeaderKind) -> bool {
    match (kind, value) {
        (HeaderKind::Integer, Value::Number(value)) => {
            let sent = text.parse::<f64>().ok().filter(|sent| sent.is_finite());
            sent.is_some() && sent == value.as_f64()
        }
        (_, Value::String(value)) => text == value,
        (_, other) => other.to_string().as_str() == text,
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

fn differs(header: &str, sent: &str, expected: &str) -> RpcError {
    RpcError::header_mismatch(format!(
        "the `{header}` header is not what the body says: {sent:?} and {expected:?}"
    ))
}
