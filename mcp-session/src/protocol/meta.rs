//! Request metadata: the members of `params._meta` that the protocol gives a meaning.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};

use crate::protocol::error::RpcError;
use crate::protocol::id::ProgressToken;
use crate::protocol::misfit::misfit;
use crate::protocol::preamble::{ClientInfo, Preamble};
use crate::protocol::skim::{self, Part, Skim};
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::{ClientCapabilities, Implementation, LogLevel, Meta};

/// Asks for progress notifications.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// Names the revision of a request (since 2026-07-28).
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Says what the client is (since 2026-07-28).
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// Says what the client can do (since 2026-07-28).
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Asks for log messages of at least this level (since 2026-07-28).
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Says what the server is, in results (since 2026-07-28).
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Says which listen stream a notification belongs to (since 2026-07-28).
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Carries the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Carries the W3C trace state.
pub const TRACESTATE: &str = "tracestate";
/// Carries the W3C baggage.
pub const BAGGAGE: &str = "baggage";

/// What a request says about itself in `_meta`.
///
/// Nothing is required here: which members a request must have depends on its era, and that is
/// decided from what stands here.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestMeta {
    /// Asks for progress under this token.
    pub progress_token: Option<ProgressToken>,
    /// The revision that the request follows, as written.
    pub protocol_version: Option<String>,
    /// What the client says it is.
    pub client_info: Option<Implementation>,
    /// What the client can do.
    pub client_capabilities: Option<ClientCapabilities>,
    /// The least level of log messages that the client wants for this request.
    pub log_level: RequestedLogLevel,
    /// The W3C trace context, unchecked.
    pub traceparent: Option<String>,
    /// The W3C trace state, unchecked.
    pub tracestate: Option<String>,
    /// The W3C baggage, unchecked.
    pub baggage: Option<String>,
    /// Everything else.
    pub other: Meta,
}

/// The log level that a request asks for.
#[expect(clippy::exhaustive_enums, reason = "there is no fourth case")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestedLogLevel {
    /// None: no log messages are wanted.
    #[default]
    Unset,
    /// This one.
    Level(LogLevel),
    /// Something that is no level.
    Invalid,
}

impl RequestedLogLevel {
    /// Returns the level if it is one.
    pub fn level(self) -> Option<LogLevel> {
        match self {
            Self::Level(level) => Some(level),
            Self::Unset | Self::Invalid => None,
        }
    }
}

impl RequestMeta {
    /// Reads the metadata of a request in one pass that skips its other parameters.
    ///
    /// ```
    /// use mcp_session::protocol::{Raw, RequestMeta};
    ///
    /// let params = Raw::from_value(&serde_json::json!({"_meta": {"progressToken": 7}}))?;
    /// let meta = RequestMeta::of(Some(&params)).expect("well-formed");
    /// assert_eq!(meta.progress_token, Some(7.into()));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// -32602 when `_meta` is no object, or a member that the protocol defines has the wrong
    /// type. A log level that does not exist is not an error here; see [`RequestedLogLevel`].
    pub fn of(params: Option<&Raw>) -> Result<Self, RpcError> {
        Preamble::of(params).map(|preamble| preamble.to_meta())
    }
}

/// A member name, borrowed if it has no escapes.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

/// The members of `_meta` as they stand in the text.
#[derive(Default)]
pub(super) struct Members<'a> {
    progress_token: Option<Part<'a>>,
    protocol_version: Option<Part<'a>>,
    client_info: Option<Part<'a>>,
    client_capabilities: Option<Part<'a>>,
    log_level: Option<Part<'a>>,
    traceparent: Option<Part<'a>>,
    tracestate: Option<Part<'a>>,
    baggage: Option<Part<'a>>,
    other: Vec<(Cow<'a, str>, Part<'a>)>,
}

impl<'a> Members<'a> {
    pub(super) fn of_plain(skim: &mut Skim<'a>) -> Option<Self> {
        let mut members = Self::default();
        skim.object(|skim, name| {
            let value = skim.value()?;
            match members.slot(name) {
                Some(slot) => return skim::once(slot, value),
                None => members.other.push((name.into(), value)),
            }
            Some(())
        })?;
        Some(members)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Part<'a>>> {
        Some(match name {
            PROGRESS_TOKEN => &mut self.progress_token,
            PROTOCOL_VERSION => &mut self.protocol_version,
            CLIENT_INFO => &mut self.client_info,
            CLIENT_CAPABILITIES => &mut self.client_capabilities,
            LOG_LEVEL => &mut self.log_level,
            TRACEPARENT => &mut self.traceparent,
            TRACESTATE => &mut self.tracestate,
            BAGGAGE => &mut self.baggage,
            _ => return None,
        })
    }

    pub(super) fn interpret(self, parent: &ByteStr) -> Result<Preamble, RpcError> {
        let client_capabilities = self
            .client_capabilities
            .map(|value| ClientCapabilities::from_raw(Raw::slice_of(parent, value)))
            .transpose()
            .map_err(|error| wrong(CLIENT_CAPABILITIES, &error))?;
        let other = self
            .other
            .into_iter()
            .map(|(name, value)| match serde_json::from_str(value.get()) {
                Ok(value) => Ok((name.into_owned(), value)),
                Err(error) => Err(wrong(&name, &error)),
            })
            .collect::<Result<Meta, RpcError>>()?;
        let text = |name, value| text(name, value, parent);
        let client_info = self.client_info.map(|value| {
            let info = ClientInfo::of(Raw::slice_of(parent, value));
            info.map_err(|error| wrong(CLIENT_INFO, &error))
        });
        Ok(Preamble {
            progress_token: member(PROGRESS_TOKEN, self.progress_token)?,
            protocol_version: text(PROTOCOL_VERSION, self.protocol_version)?,
            client_info: client_info.transpose()?,
            client_capabilities,
            log_level: match self
                .log_level
                .map(|value| serde_json::from_str(value.get()))
            {
                None => RequestedLogLevel::Unset,
                Some(Ok(level)) => RequestedLogLevel::Level(level),
                Some(Err(_)) => RequestedLogLevel::Invalid,
            },
            traceparent: text(TRACEPARENT, self.traceparent)?,
            tracestate: text(TRACESTATE, self.tracestate)?,
            baggage: text(BAGGAGE, self.baggage)?,
            other,
        })
    }
}

fn text(
    name: &str,
    value: Option<Part<'_>>,
    parent: &ByteStr,
) -> Result<Option<ByteStr>, RpcError> {
    match value.and_then(Part::plain_text) {
        Some(text) => Ok(Some(parent.part(text))),
        None => member(name, value),
    }
}

fn member<'a, T: Deserialize<'a>>(
    name: &str,
    value: Option<Part<'a>>,
) -> Result<Option<T>, RpcError> {
    value
        .map(|value| serde_json::from_str(value.get()))
        .transpose()
        .map_err(|error| wrong(name, &error))
}

fn wrong(name: &str, error: &serde_json::Error) -> RpcError {
    let problem = misfit(error);
    RpcError::invalid_params(format!("invalid params: `_meta[\"{name}\"]`: {problem}"))
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object as `_meta`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value()?;
            match members.slot(&name) {
                None => members.other.push((name, value)),
                Some(slot) if slot.is_none() => *slot = Some(value),
                Some(_) => {
                    return Err(de::Error::custom(format_args!("`{name}` appears twice")));
                }
            }
        }
        Ok(members)
    }
}

/// Checks the syntax of a `_meta` key: an optional prefix of dotted labels and a slash, then a
/// name (2026-07-28 basic/index "`_meta`").
///
/// ```
/// use mcp_session::protocol::meta::{check_key, is_reserved_key};
///
/// assert!(check_key("com.example/trace.id").is_ok());
/// assert!(check_key("com..example/x").is_err());
/// assert!(is_reserved_key("io.modelcontextprotocol/anything"));
/// assert!(!is_reserved_key("com.example.mcp/x"));
/// ```
///
/// # Errors
///
/// What is wrong with the key.
pub fn check_key(key: &str) -> Result<(), &'static str> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            if !prefix.split('.').all(is_label) {
                return Err(
                    "a label of the prefix begins with a letter, ends with a letter or digit, \
                     and holds letters, digits and hyphens",
                );
            }
            name
        }
        None => key,
    };
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let ends_well = |end: Option<&u8>| end.is_none_or(u8::is_ascii_alphanumeric);
    if !ends_well(bytes.first()) || !ends_well(bytes.last()) {
        return Err("the name begins and ends with a letter or digit");
    }
    if !bytes.iter().all(|byte| inner(*byte)) {
        return Err("the name holds letters, digits, hyphens, underscores and dots");
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Whether the protocol keeps a `_meta` key to itself: any whose prefix has `modelcontextprotocol`
/// or `mcp` as second label, and the few without a prefix that it defines.
pub fn is_reserved_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, _)) => {
            let second = prefix.split('.').nth(1);
            second.is_some_and(|label| matches!(label, "modelcontextprotocol" | "mcp"))
        }
        None => matches!(key, PROGRESS_TOKEN | TRACEPARENT | TRACESTATE | BAGGAGE),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn of(text: &str) -> Result<RequestMeta, RpcError> {
        RequestMeta::of(Some(
            &Raw::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap(),
        ))
    }

    #[test]
    fn absent_metadata_is_empty() {
        assert_eq!(RequestMeta::of(None), Ok(RequestMeta::default()));
        assert_eq!(of("{}"), Ok(RequestMeta::default()));
        assert_eq!(
            of(r#"{"name":"x","arguments":{"_meta":5},"_meta":{}}"#),
            Ok(RequestMeta::default())
        );
    }

    #[test]
    fn every_member_is_read() {
        let meta = of(r#"{"a":1,"_meta":{
                "progressToken":"t","traceparent":"tp","tracestate":"ts","baggage":"b",
                "io.modelcontextprotocol/protocolVersion":"2026-07-28",
                "io.modelcontextprotocol/clientInfo":{"name":"n","version":"v","x":1},
                "io.modelcontextprotocol/clientCapabilities":{"sampling":{}},
                "io.modelcontextprotocol/log\u004cevel":"error",
                "com.example/x":[1]}}"#)
        .unwrap();
        assert_eq!(meta.progress_token, Some("t".into()));
        assert_eq!(meta.protocol_version.as_deref(), Some("2026-07-28"));
        assert_eq!(meta.client_info.unwrap().name, "n");
        assert!(meta.client_capabilities.unwrap().sampling());
        assert_eq!(meta.log_level.level(), Some(LogLevel::Error));
        assert_eq!(meta.traceparent.as_deref(), Some("tp"));
        assert_eq!(meta.tracestate.as_deref(), Some("ts"));
        assert_eq!(meta.baggage.as_deref(), Some("b"));
        assert_eq!(meta.other.len(), 1);
        assert_eq!(meta.other["com.example/x"][0], 1);
    }

    #[test]
    fn a_level_that_does_not_exist_is_told_from_none() {
        for level in ["\"loud\"", "7", "null"] {
            let text = format!(r#"{{"_meta":{{"{LOG_LEVEL}":{level}}}}}"#);
            assert_eq!(of(&text).unwrap().log_level, RequestedLogLevel::Invalid);
        }
    }

    #[test]
    fn wrong_members_are_invalid_params() {
        for text in [
            r#"{"_meta":null}"#,
            r#"{"_meta":[]}"#,
            r#"{"_meta":"x"}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":{"progressToken":1.5}}"#,
            r#"{"_meta":{"progressToken":null}}"#,
            r#"{"_meta":{"progressToken":1,"progressToken":1}}"#,
            r#"{"_meta":{"traceparent":1}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"n"}}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientInfo":["n","v"]}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":[]}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"roots":1}}}"#,
            r#"{"_meta":{"x":1e999}}"#,
        ] {
            assert_eq!(of(text).unwrap_err().code, -32602, "{text}");
        }
    }

    #[test]
    fn keys_follow_the_syntax() {
        for good in [
            "",
            "a",
            "a.b_c-d",
            "com.example/",
            "com.example/x",
            "a-1.b2/X9",
            "x/1",
        ] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in [
            "-a", "a-", "a b", "é", "/x", "1a/x", "a-/x", "a..b/x", ".a/x", "a/b/c", "a/_x",
            "a_b/x",
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_keys_are_known_by_their_second_label() {
        for reserved in [
            "io.modelcontextprotocol/x",
            "dev.mcp/",
            "org.modelcontextprotocol.api/y",
            "com.mcp.tools/z",
            "progressToken",
            "traceparent",
        ] {
            assert!(is_reserved_key(reserved), "{reserved}");
        }
        for free in [
            "com.example.mcp/x",
            "mcp/x",
            "modelcontextprotocol/x",
            "x",
            "mcp",
        ] {
            assert!(!is_reserved_key(free), "{free}");
        }
    }
}
