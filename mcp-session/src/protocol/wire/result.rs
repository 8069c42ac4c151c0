//! Results, revision by revision.

use serde_json::Value;

use crate::protocol::encode::{self, Payload};
use crate::protocol::meta;
use crate::protocol::types::{
    CacheHint, CallToolResult, Completion, ContentBlock, DiscoverResult, EmptyResult,
    GetPromptResult, InitializeResult, InputRequiredResult, Meta, ReadResourceResult,
};
use crate::protocol::version::Era;
use crate::protocol::wire::writer::Object;
use crate::protocol::wire::{Shape, capabilities, content};

/// A result that can be written for any revision.
///
/// ```
/// use mcp_session::protocol::wire::{Shape, Shaped};
/// use mcp_session::protocol::{EmptyResult, ProtocolVersion};
///
/// let text = |version| EmptyResult::new().shape(&Shape::new(version, None)).into_bytes();
/// assert_eq!(text(ProtocolVersion::V2025_11_25), "{}");
/// assert_eq!(text(ProtocolVersion::V2026_07_28), r#"{"resultType":"complete"}"#);
/// ```
pub trait Shaped {
    /// Writes the result on one line.
    fn shape(&self, shape: &Shape) -> Payload;
}

impl Shaped for CallToolResult {
    fn shape(&self, shape: &Shape) -> Payload {
        let version = shape.version;
        let structured = self.structured_content.as_ref();
        let sent = structured.filter(|value| {
            version.has_any_structured_content()
                || (version.has_structured_content() && value.is_object())
        });
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            match structured {
                // What cannot be sent as structure must at least be readable.
                Some(value) if sent.is_none() && self.content.is_empty() => {
                    let fallback = [ContentBlock::text(value.to_string())];
                    object.array("content", &fallback, version, content::block);
                }
                _ => object.array("content", &self.content, version, content::block),
            }
            object.optional("structuredContent", sent);
            if self.is_error {
                object.member("isError", &true);
            }
        })
    }
}

impl Shaped for GetPromptResult {
    fn shape(&self, shape: &Shape) -> Payload {
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            object.optional("description", self.description.as_ref());
            object.array(
                "messages",
                &self.messages,
                shape.version,
                content::prompt_message,
            );
        })
    }
}

impl Shaped for ReadResourceResult {
    fn shape(&self, shape: &Shape) -> Payload {
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            object.array("contents", &self.contents, shape.version, content::contents);
            cache(object, self.cache.unwrap_or_default(), shape);
        })
    }
}

impl Shaped for Completion {
    fn shape(&self, shape: &Shape) -> Payload {
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            let mut inner = Object::open(object.key("completion"));
            let kept = &self.values[..self.values.len().min(Self::MAX_VALUES)];
            let has_more = if kept.len() < self.values.len() {
                Some(true)
            } else {
                self.has_more
            };
            inner.member("values", kept);
            inner.optional("total", self.total.as_ref());
            inner.optional("hasMore", has_more.as_ref());
            inner.close();
        })
    }
}

impl Shaped for InitializeResult {
    fn shape(&self, shape: &Shape) -> Payload {
        let version = shape.version;
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            object.member("protocolVersion", &self.protocol_version);
            capabilities::server(object.key("capabilities"), &self.capabilities, version);
            capabilities::implementation(object.key("serverInfo"), &self.server_info, version);
            object.optional("instructions", self.instructions.as_ref());
        })
    }
}

impl Shaped for DiscoverResult {
    fn shape(&self, shape: &Shape) -> Payload {
        let version = shape.version;
        write(shape, COMPLETE, self.meta.as_ref(), |object| {
            object.member("supportedVersions", &self.supported_versions);
            capabilities::server(object.key("capabilities"), &self.capabilities, version);
            object.optional("instructions", self.instructions.as_ref());
            cache(object, self.cache, shape);
        })
    }
}

/// Only the stateless era has such results; what asks by itself must not send one before.
impl Shaped for InputRequiredResult {
    fn shape(&self, shape: &Shape) -> Payload {
        write(shape, INPUT_REQUIRED, self.meta.as_ref(), |object| {
            if !self.input_requests.is_empty() {
                let mut inner = Object::open(object.key("inputRequests"));
                for (key, request) in &self.input_requests {
                    let mut question = Object::open(inner.key(key));
                    question.member("method", &request.method);
                    if let Some(params) = &request.params {
                        let text = params.to_one_line();
                        question.key("params").extend_from_slice(text.as_bytes());
                    }
                    question.close();
                }
                inner.close();
            }
            object.optional("requestState", self.request_state.as_ref());
        })
    }
}

impl Shaped for EmptyResult {
    fn shape(&self, shape: &Shape) -> Payload {
        write(shape, COMPLETE, self.meta.as_ref(), |_| {})
    }
}

/// A result of a method of the user's own: its members, and what the era adds to every result.
/// A `resultType` of its own is kept in the stateless era.
impl Shaped for serde_json::Map<String, Value> {
    fn shape(&self, shape: &Shape) -> Payload {
        let own = self.get("_meta").and_then(Value::as_object);
        let own = own.map(|members| Meta::from(members.clone()));
        let kind = self.get(RESULT_TYPE).and_then(Value::as_str);
        write(shape, kind.unwrap_or(COMPLETE), own.as_ref(), |object| {
            for (name, value) in self {
                if name != "_meta" && name != RESULT_TYPE {
                    object.member(name, value);
                }
            }
        })
    }
}

const RESULT_TYPE: &str = "resultType";
const COMPLETE: &str = "complete";
const INPUT_REQUIRED: &str = "input_required";

/// Writes one result: its type, its members, and `_meta` with the server's identity.
fn write(
    shape: &Shape,
    kind: &str,
    meta: Option<&Meta>,
    members: impl FnOnce(&mut Object<'_>),
) -> Payload {
    Payload::One(encode::drafted(|buffer| {
        let mut object = Object::open(buffer);
        begin(&mut object, kind, shape);
        members(&mut object);
        finish(&mut object, meta, shape);
        object.close();
    }))
}

/// Writes the type of a result where the revision has it.
fn begin(object: &mut Object<'_>, kind: &str, shape: &Shape) {
    if shape.version.has_result_type() {
        object.member(RESULT_TYPE, kind);
    }
}

/// Writes the beginning of a complete result.
pub(super) fn begin_complete(object: &mut Object<'_>, shape: &Shape) {
    begin(object, COMPLETE, shape);
}

/// Writes how long a result may be kept where the revision has that.
pub(super) fn cache(object: &mut Object<'_>, hint: CacheHint, shape: &Shape) {
    if shape.version.has_result_type() {
        object.member("ttlMs", &hint.ttl_ms);
        object.member("cacheScope", hint.scope.as_str());
    }
}

/// Writes `_meta`: the result's own members, which win, and the server's identity.
pub(super) fn finish(object: &mut Object<'_>, own: Option<&Meta>, shape: &Shape) {
    let identity = shape.server_info.as_ref().filter(|_| {
        shape.version.era() == Era::Stateless
            && !own.is_some_and(|own| own.contains_key(meta::SERVER_INFO))
    });
    if own.is_none() && identity.is_none() {
        return;
    }
    let mut inner = Object::open(object.key("_meta"));
    for (name, value) in own.into_iter().flat_map(|own| own.iter()) {
        inner.member(name, value);
    }
    if let Some(identity) = identity {
        let text = identity.to_one_line();
        inner
            .key(meta::SERVER_INFO)
            .extend_from_slice(text.as_bytes());
    }
    inner.close();
}
