//! A call of `add`, from its bytes to those of its answer; and requests that end at admission.

use divan::Bencher;
use mcp_session::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};

use crate::support::{Client, runtime, server};

fn add() -> Value {
    json!({"name": "add", "arguments": {"a": 2, "b": 40}})
}

/// Decoding, admission, and an empty answer.
#[divan::bench]
fn admit_a_ping(bencher: Bencher<'_, '_>) {
    let mut client = Client::handshake(&server(0));
    let request = client.asks("ping", json!({}));
    bencher.bench_local(|| client.answer(request()));
}

#[divan::bench]
fn http_stateless(bencher: Bencher<'_, '_>) {
    let mut client = Client::stateless(&server(0));
    let request = client.asks("tools/call", add());
    assert_eq!(client.result(request())["content"][0]["text"], "42");
    bencher.bench_local(|| client.answer(request()));
}

#[divan::bench]
fn http_handshake(bencher: Bencher<'_, '_>) {
    let mut client = Client::handshake(&server(0));
    let request = client.asks("tools/call", add());
    assert_eq!(client.result(request())["content"][0]["text"], "42");
    bencher.bench_local(|| client.answer(request()));
}

#[divan::bench]
fn stream_stateless(bencher: Bencher<'_, '_>) {
    let mut params = add();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    over_a_stream(bencher, &server(0), None, &params);
}

#[divan::bench]
fn stream_handshake(bencher: Bencher<'_, '_>) {
    let initialize = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    });
    over_a_stream(bencher, &server(0), Some(&initialize), &add());
}

/// One call after the other over a pipe in memory, whose other end is a task.
fn over_a_stream(
    bencher: Bencher<'_, '_>,
    server: &Server,
    initialize: Option<&Value>,
    call: &Value,
) {
    let line = |method: &str, params: &Value| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        format!("{message}\n")
    };
    let runtime = runtime();
    let _inside = runtime.enter();
    let (near, far) = duplex(64 * 1024);
    let (reader, writer) = split(far);
    runtime.spawn(server.duplex(reader, writer).serve());
    let (reader, mut writer) = split(near);
    let (mut reader, mut answer) = (BufReader::new(reader), Vec::new());
    let mut exchange = |line: &str| {
        answer.clear();
        runtime.block_on(async {
            writer.write_all(line.as_bytes()).await.expect("it reads");
            let read = reader.read_until(b'\n', &mut answer).await;
            assert!(read.is_ok_and(|read| read > 0), "it answers");
        });
        answer.clone()
    };
    if let Some(initialize) = initialize {
        exchange(&line("initialize", initialize));
    }
    let call = line("tools/call", call);
    let answered = exchange(&call);
    assert!(String::from_utf8_lossy(&answered).contains("\"42\""));
    bencher.bench_local(|| exchange(&call));
}
