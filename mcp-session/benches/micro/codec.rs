//! Bytes to messages, and results to bytes.

use bytes::Bytes;
use divan::Bencher;
use mcp_session::protocol::wire::{Shape, Shaped};
use mcp_session::protocol::{
    CallToolResult, ContentBlock, DecodeLimits, Frame, Implementation, Incoming, ProtocolVersion,
    RequestId, decode,
};

const HANDSHAKE: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":40}}}"#;
const STATELESS: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":40},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;

#[divan::bench(args = ["handshake", "stateless"])]
fn decode_call(bencher: Bencher<'_, '_>, era: &str) {
    let text = if era == "handshake" {
        HANDSHAKE
    } else {
        STATELESS
    };
    let (body, limits) = (Bytes::from_static(text), DecodeLimits::default());
    bencher.bench_local(|| decode(&body, &limits).expect("a message"));
}

/// How fast a long message is looked at.
#[divan::bench]
fn decode_a_megabyte(bencher: Bencher<'_, '_>) {
    let text = String::from_utf8_lossy(HANDSHAKE);
    let body = text.replace("40", &format!("\"{}\"", "x".repeat(1 << 20)));
    let (body, limits) = (Bytes::from(body), DecodeLimits::default());
    let bytes = divan::counter::BytesCount::new(body.len());
    let bencher = bencher.counter(bytes);
    bencher.bench_local(|| -> Incoming { decode(&body, &limits).expect("a message") });
}

#[divan::bench(args = ["2025-11-25", "2026-07-28"])]
fn shape_and_encode_result(bencher: Bencher<'_, '_>, version: &str) {
    let version = match version {
        "2026-07-28" => ProtocolVersion::LATEST,
        _ => ProtocolVersion::LATEST_HANDSHAKE,
    };
    let shape = Shape::with_server(version, &Implementation::new("bench", "1"));
    let result = CallToolResult::new(vec![ContentBlock::text("42")]);
    let id = RequestId::from(1);
    bencher.bench_local(|| Frame::result(&id, result.shape(&shape)));
}
