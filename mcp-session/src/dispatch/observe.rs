//! What a request leaves in traces and metrics.
//!
//! Names follow OpenTelemetry's conventions for MCP. A span that nobody records costs a look at
//! a flag; what is in it is put together only when somebody does.

use std::{fmt, pin::Pin};

#[cfg(feature = "http")]
use http::HeaderMap;
use tracing::field::{Empty, display};
use tracing::span::Entered;
use tracing::{Instrument as _, Span};

use crate::dispatch::mirror::member_text;
use crate::dispatch::reaction::Answer;
use crate::protocol::{Era, Preamble, ProtocolVersion, Raw, RequestId, method};
use crate::server::{Live, metrics::Measured};

/// What stands for a method that is not known here: clients could name any.
const OTHER: &str = "_OTHER";

/// How much of what a client chose is shown.
const SHOWN: usize = 128;

/// A request that runs, as its driver polls it.
type Future = Pin<Box<dyn std::future::Future<Output = Option<Answer>> + Send>>;

/// What is known of a request before it is answered.
pub(crate) struct Facts<'a> {
    /// The method's name, if it is one that this server has.
    pub(crate) method: Option<&'a str>,
    pub(crate) id: &'a RequestId,
    pub(crate) params: Option<&'a Raw>,
    pub(crate) meta: &'a Preamble,
    pub(crate) live: &'a Live,
    pub(crate) version: ProtocolVersion,
}

/// One request while it is observed. Dropped before it is answered, it was cancelled.
pub(crate) struct Observed {
    span: Span,
    measured: Measured,
    answered: bool,
}

impl Observed {
    pub(crate) fn begin(facts: &Facts<'_>) -> Self {
        let method = facts.method.unwrap_or(OTHER);
        let span = tracing::info_span!(
            "mcp.request",
            otel.kind = "server",
            otel.name = Empty,
            otel.status_code = Empty,
            mcp.method.name = method,
            mcp.protocol.version = facts.version.as_str(),
            mcp.session.id = Empty,
            mcp.resource.uri = Empty,
            jsonrpc.request.id = %Shown(&facts.id.to_string()),
            jsonrpc.protocol.version = "2.0",
            rpc.response.status_code = Empty,
            error.r#type = Empty,
            gen_ai.operation.name = Empty,
            gen_ai.tool.name = Empty,
            gen_ai.prompt.name = Empty,
            network.transport = if facts.live.is_over_http() { "tcp" } else { "pipe" },
            traceparent = Empty,
            tracestate = Empty,
        );
        if !span.is_disabled() {
            describe(&span, method, facts);
        }
        Self {
            span,
            measured: Measured::begin(method),
            answered: false,
        }
    }

    /// What is done while this lives is done as a part of the request.
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.span.enter()
    }

    /// The request runs on: it is observed until it is answered.
    pub(crate) fn around(mut self, future: Future) -> Future {
        if self.span.is_disabled() && !Measured::IS_ON {
            self.answered = true;
            return future;
        }
        let span = self.span.clone();
        Box::pin(
            async move {
                let answer = future.await;
                if let Some(answer) = &answer {
                    self.answered(answer);
                }
                answer
            }
            .instrument(span),
        )
    }

    /// The request is answered.
    pub(crate) fn answered(&mut self, answer: &Answer) {
        self.answered = true;
        let code = answer.cause.map(|cause| cause.code.to_string());
        if let Some(code) = &code {
            self.span.record("rpc.response.status_code", &**code);
            self.failed(code);
        }
        self.measured.end(code.as_deref());
    }

    fn failed(&self, kind: &str) {
        self.span.record("error.type", kind);
        self.span.record("otel.status_code", "ERROR");
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if !self.answered {
            self.failed("cancelled");
            self.measured.end(Some("cancelled"));
        }
    }
}

/// A tool told the model that it failed: "when the tool call result is an error" (OpenTelemetry,
/// "Semantic conventions for MCP").
pub(crate) fn tool_failed() {
    Span::current().record("error.type", "tool_error");
}

/// A request was refused over HTTP: most are before they are routed, so there is no span for them.
///
/// The reason must hold nothing that a client sent but the name of a host.
#[cfg(feature = "http")]
pub(crate) fn refused(
    method: &http::Method,
    status: http::StatusCode,
    code: Option<i64>,
    reason: &str,
) {
    use http::Method;
    let known = [Method::POST, Method::GET, Method::DELETE, Method::OPTIONS];
    let method = known.iter().find(|known| *known == method);
    tracing::debug!(
        http.request.method = method.map_or(OTHER, Method::as_str),
        http.response.status_code = status.as_u16(),
        rpc.response.status_code = code,
        reason = %Shown(reason),
        "request refused",
    );
}

/// Fills in what takes some work.
fn describe(span: &Span, method: &str, facts: &Facts<'_>) {
    let member = |name| member_text(facts.params, name);
    let target = match method {
        method::TOOLS_CALL => {
            span.record("gen_ai.operation.name", "execute_tool");
            member("name").map(|name| ("gen_ai.tool.name", name))
        }
        method::PROMPTS_GET => member("name").map(|name| ("gen_ai.prompt.name", name)),
        method::RESOURCES_READ | method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE => {
            member("uri").map(|uri| ("mcp.resource.uri", uri))
        }
        _ => None,
    };
    match target {
        Some((field, target)) => {
            span.record(field, display(Shown(&target)));
            // A URI would make a name of its own for every resource.
            let name = match field {
                "mcp.resource.uri" => method.to_owned(),
                _ => format!("{method} {}", Shown(&target)),
            };
            span.record("otel.name", name);
        }
        None => {
            span.record("otel.name", method);
        }
    }
    let core = facts.live.core();
    if core.era() == Era::Handshake {
        // The id would let whoever reads the trace speak in the session; a digest stands for it.
        span.record("mcp.session.id", display(core.id().tag()));
    }
    if let Some(parent) = facts
        .meta
        .traceparent
        .as_deref()
        .filter(|text| is_parent(text))
    {
        span.record("traceparent", parent);
        if let Some(state) = facts
            .meta
            .tracestate
            .as_deref()
            .filter(|text| is_state(text))
        {
            span.record("tracestate", state);
        }
    }
}

/// Takes the trace context from the headers where `_meta` has none.
#[cfg(feature = "http")]
pub(crate) fn adopt_trace(meta: &mut Preamble, headers: &HeaderMap) {
    if meta.traceparent.is_some() {
        return;
    }
    let text = |name| {
        headers
            .get(name)?
            .to_str()
            .ok()
            .map(|text| text.to_owned().into())
    };
    meta.traceparent = text("traceparent");
    if meta.traceparent.is_some() {
        meta.tracestate = text("tracestate");
    }
}

/// True for a parent in the form of W3C Trace Context, version 00.
fn is_parent(text: &str) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('-');
    let mut next = |length| parts.next().filter(|part| hex(part, length));
    let known = (next(2), next(32), next(16), next(2));
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let sound = matches!(
        known,
        (Some("00"), Some(trace), Some(span), Some(_)) if !zero(trace) && !zero(span)
    );
    sound && parts.next().is_none()
}

/// True for what can be a trace state: it is passed on, so it must not hold anything else.
fn is_state(text: &str) -> bool {
    text.len() <= 512 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Something a client chose: without control characters, and not all of it where it is long.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.chars().take(SHOWN);
        for char in shown.map(|char| if char.is_control() { '\u{fffd}' } else { char }) {
            fmt::Write::write_char(f, char)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sound_parent_is_taken() {
        let sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_parent(sound));
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n",
        ] {
            assert!(!is_parent(bad), "{bad}");
        }
    }

    #[test]
    fn what_a_client_chose_is_cut_and_cannot_break_a_line() {
        assert_eq!(Shown("a\nb").to_string(), "a\u{fffd}b");
        assert_eq!(Shown(&"x".repeat(4_000)).to_string().len(), SHOWN);
    }
}
