//! Bad input, and the exact answer to each, over a byte stream and over HTTP.
//!
//! All inputs of one test come from one client: each proves as well that the one before did no
//! harm.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod over_http;
mod table;

use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::testing::Client;
use mcp_session::{Limits, Prompt, Resource, Server, Template, Tool};
use over_http::Poster;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

const HANDSHAKE: ProtocolVersion = ProtocolVersion::V2025_11_25;
const STATELESS: ProtocolVersion = ProtocolVersion::V2026_07_28;

/// What every stateless request says in `_meta`.
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

#[derive(Deserialize, JsonSchema)]
struct Addends {
    a: i64,
    b: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Who {
    name: String,
}

fn template() -> Template {
    let add = Tool::new("add")
        .description("Adds.")
        .handler(async |sum: Addends| sum.a + sum.b);
    let greet = Prompt::new("greet")
        .complete("name", ["Ann"])
        .handler(async |who: Who| format!("Hello, {}!", who.name));
    let template = Template::builder("bad-input", "1").tool(add).prompt(greet);
    template
        .resource(Resource::new("x:motd", "motd").text("Hello."))
        .build()
        .unwrap()
}

/// A client of one revision at the end of a byte stream, and another that posts.
struct Both {
    client: Client,
    poster: Poster,
}

impl Both {
    async fn new(version: ProtocolVersion) -> Self {
        Self::of(&Server::new(template()), version).await
    }

    async fn of(server: &Server, version: ProtocolVersion) -> Self {
        let client = Client::builder(server).version(version).connect().await;
        Self {
            client,
            poster: Poster::new(server, version).await,
        }
    }

    /// Sends `input` both ways, and expects `answer` both times.
    async fn check(&mut self, input: impl AsRef<[u8]>, status: u16, answer: &str) {
        self.check_stream(input.as_ref(), answer).await;
        self.check_http(input.as_ref(), status, answer).await;
    }

    async fn check_stream(&self, input: &[u8], answer: &str) {
        let expected: &[&str] = if answer.is_empty() { &[] } else { &[answer] };
        assert_eq!(
            self.client.raw_bytes(input).await,
            expected,
            "to {}",
            shown(input)
        );
    }

    async fn check_http(&mut self, input: &[u8], status: u16, answer: &str) {
        let answered = self.poster.post(input).await;
        assert_eq!(answered, (status, answer.to_owned()), "to {}", shown(input));
    }

    /// Sees that a good request is still answered.
    async fn check_alive(&mut self) {
        let members = r#""name":"add","arguments":{"a":1,"b":2}"#;
        let request = self.request("tools/call", members);
        let lines = self.client.raw_request(&request).await;
        assert!(
            lines.len() == 1 && lines[0].contains(r#""text":"3""#),
            "{lines:?}"
        );
        self.check_http(request.as_bytes(), 200, &lines[0]).await;
    }

    /// A request with these members in its parameters, and what the era wants besides.
    fn request(&self, method: &str, members: &str) -> String {
        let meta = match (self.client.era(), members) {
            (Era::Handshake, _) => String::new(),
            (Era::Stateless, "") => META.to_owned(),
            (Era::Stateless, _) => format!(",{META}"),
        };
        let method = serde_json::to_string(method).unwrap();
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method},"params":{{{members}{meta}}}}}"#)
    }
}

/// An error as it goes out.
fn error(with_id: bool, code: i64, message: &str) -> String {
    let id = if with_id { r#""id":1,"# } else { "" };
    let message = serde_json::to_string(message).unwrap();
    format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{code},"message":{message}}}}}"#)
}

fn shown(input: &[u8]) -> String {
    String::from_utf8_lossy(input).chars().take(200).collect()
}

#[test]
fn the_table_is_as_long_as_it_should_be() {
    use table::{
        BATCHES, NO_MESSAGE, NOT_IN_HANDSHAKES, NOT_JSON, NOT_STATELESS, WRONG_META, WRONG_PARAMS,
    };
    let methods = NOT_IN_HANDSHAKES.len() + NOT_STATELESS.len();
    let params = WRONG_PARAMS.len() + WRONG_META.len();
    assert!(NOT_JSON.len() + NO_MESSAGE.len() + BATCHES.len() + methods + params >= 60);
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_json_is_a_parse_error() {
    let mut both = Both::new(HANDSHAKE).await;
    for (input, problem) in table::NOT_JSON {
        let answer = error(false, -32700, &format!("parse error: {problem}"));
        both.check(input, 400, &answer).await;
    }
    let answer = error(false, -32700, "parse error: the message is not UTF-8");
    both.check(
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
        400,
        &answer,
    )
    .await;
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn json_that_is_no_message_is_an_invalid_request() {
    let mut both = Both::new(HANDSHAKE).await;
    for (input, with_id, problem) in table::NO_MESSAGE {
        let answer = error(*with_id, -32600, &format!("invalid request: {problem}"));
        both.check(input, 400, &answer).await;
    }
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_without_id_says_null_to_revisions_that_want_one() {
    for version in ProtocolVersion::ALL {
        let mut both = Both::new(version).await;
        let id = if version < HANDSHAKE {
            r#""id":null,"#
        } else {
            ""
        };
        let problem = r#""message":"parse error: trailing comma at line 1 column 4""#;
        let answer = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32700,{problem}}}}}"#);
        both.check_http(b"[7,]", 400, &answer).await;
        // A byte stream has no revision before its handshake.
        both.check_stream(b"[7,]", &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_that_the_era_does_not_have_is_unknown() {
    let mut handshake = Both::new(HANDSHAKE).await;
    for method in table::NOT_IN_HANDSHAKES {
        let answer = error(true, -32601, &format!("method not found: {method}"));
        handshake
            .check(handshake.request(method, ""), 200, &answer)
            .await;
    }
    handshake.check_alive().await;
    let mut stateless = Both::new(STATELESS).await;
    for method in table::NOT_STATELESS {
        let answer = error(true, -32601, &format!("method not found: {method}"));
        stateless
            .check(stateless.request(method, ""), 404, &answer)
            .await;
    }
    stateless.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn parameters_that_do_not_fit_are_invalid_params_in_both_eras() {
    for version in [HANDSHAKE, STATELESS] {
        let mut both = Both::new(version).await;
        for (method, members, problem) in table::WRONG_PARAMS {
            let answer = error(true, -32602, problem);
            both.check(both.request(method, members), 200, &answer)
                .await;
        }
        both.check_alive().await;
    }
}

#[tokio::test(start_paused = true)]
async fn absent_parameters_are_named() {
    let required = [
        ("tools/call", "name"),
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("resources/subscribe", "uri"),
        ("resources/unsubscribe", "uri"),
        ("completion/complete", "ref"),
        ("logging/setLevel", "level"),
    ];
    let mut both = Both::new(HANDSHAKE).await;
    for (method, member) in required {
        let problem = format!("invalid params: missing field `{member}`");
        let answer = error(true, -32602, &problem);
        both.check(both.request(method, ""), 200, &answer).await;
        let bare = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        both.check(bare, 200, &answer).await;
    }
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn wrong_metadata_is_invalid_params_before_anything_else() {
    let mut both = Both::new(HANDSHAKE).await;
    for method in ["tools/list", "no/such"] {
        for (members, problem) in table::WRONG_META {
            let answer = error(true, -32602, &format!("invalid params: {problem}"));
            both.check(both.request(method, members), 400, &answer)
                .await;
        }
    }
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_request_must_say_all_that_it_must() {
    const VERSION: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
    const CAPABILITIES: &str = r#""io.modelcontextprotocol/clientCapabilities":{}"#;
    let mut both = Both::new(STATELESS).await;
    let list = |meta: &str| {
        let params = format!(r#"{{"_meta":{{{meta}}}}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#)
    };
    let lacks = |key: &str| {
        let key = format!("io.modelcontextprotocol/{key}");
        error(
            true,
            -32602,
            &format!("`_meta` lacks `{key}`, which every request must carry"),
        )
    };
    both.check(list(VERSION), 400, &lacks("clientCapabilities"))
        .await;
    // Without a version in it a request is stateless by its header only.
    both.check_http(
        list(CAPABILITIES).as_bytes(),
        400,
        &lacks("protocolVersion"),
    )
    .await;
    let asked = error(
        true,
        -32600,
        "nothing was initialized: send `initialize` first, or name protocol version 2026-07-28 in `_meta`",
    );
    both.check_stream(list(CAPABILITIES).as_bytes(), &asked)
        .await;
    let level = r#""io.modelcontextprotocol/logLevel":"loud""#;
    let answer = error(
        true,
        -32602,
        "`io.modelcontextprotocol/logLevel` is no log level",
    );
    both.check(
        list(&format!("{VERSION},{CAPABILITIES},{level}")),
        400,
        &answer,
    )
    .await;
    for version in ["2099-01-01", "", "2026-07-28 ", "draft"] {
        let named = format!(r#""io.modelcontextprotocol/protocolVersion":"{version}""#);
        let answer = error(
            true,
            -32022,
            &format!("unsupported protocol version: {version}"),
        );
        let data = json!({"supported": ProtocolVersion::ALL, "requested": version});
        let answer = format!(
            r#"{},"data":{data}}}}}"#,
            answer.strip_suffix("}}").unwrap()
        );
        both.check_stream(list(&format!("{named},{CAPABILITIES}")).as_bytes(), &answer)
            .await;
    }
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_resource_is_named_in_data() {
    for (version, code) in [(HANDSHAKE, -32002), (STATELESS, -32602)] {
        let mut both = Both::new(version).await;
        let answer = error(true, code, "resource not found");
        let data = r#""data":{"uri":"x:none"}"#;
        let answer = format!("{},{data}}}}}", answer.strip_suffix("}}").unwrap());
        both.check(
            both.request("resources/read", r#""uri":"x:none""#),
            200,
            &answer,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_a_result_that_the_model_reads() {
    let mut both = Both::new(HANDSHAKE).await;
    for (arguments, said) in [
        (
            r#"{"a":"x","b":1}"#,
            "`a`: invalid type: string \\\"x\\\", expected an integer",
        ),
        (r#"{"a":1}"#, "missing field `b`"),
        (r#"{"a":1,"a":2,"b":3}"#, "duplicate field `a`"),
        (r#"{"a":1,"b":1e400}"#, "`b`: number out of range"),
    ] {
        let request = both.request(
            "tools/call",
            &format!(r#""name":"add","arguments":{arguments}"#),
        );
        let content = format!(r#"[{{"type":"text","text":"{said}"}}]"#);
        let result = format!(r#"{{"content":{content},"isError":true}}"#);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        both.check(request, 200, &answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn batches_are_refused_but_for_one_revision_and_bounded_there() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let refused = error(
        false,
        -32600,
        "one message at a time: only protocol version 2025-03-26 has batches",
    );
    for version in [HANDSHAKE, STATELESS] {
        let mut both = Both::new(version).await;
        both.check(format!("[{ping}]"), 400, &refused).await;
        both.check("[1]", 400, &refused).await;
    }
    let mut both = Both::new(ProtocolVersion::V2025_03_26).await;
    for (input, status, answer) in table::BATCHES {
        both.check(input, *status, answer).await;
    }
    let many = format!("[{}]", [ping; 51].join(","));
    let problem = "invalid request: a batch holds at most 50 messages";
    let answer = error(false, -32600, problem).replace("\"error\"", "\"id\":null,\"error\"");
    both.check(many, 400, &answer).await;
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_nested_too_deeply_is_refused_with_its_id() {
    let mut both = Both::new(HANDSHAKE).await;
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        both_request(&format!(r#""x":{open}{close}"#))
    };
    let answer = error(
        true,
        -32600,
        "invalid request: nested deeper than 64 levels",
    );
    both.check(nested(62), 200, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
        .await;
    both.check(nested(63), 400, &answer).await;
    both.check(nested(100_000), 400, &answer).await;
    both.check_alive().await;
}

fn both_request(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{members}}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_skipped_and_the_next_message_answered() {
    let limits = Limits::default().message_bytes(2_000);
    let server = Server::builder(template()).limits(limits).build().unwrap();
    let mut both = Both::of(&server, HANDSHAKE).await;
    let long = both_request(&format!(r#""x":"{}""#, "x".repeat(2_000)));
    let answer = error(false, -32600, "too large: a message has at most 2000 bytes");
    both.check_stream(long.as_bytes(), &answer).await;
    let (status, _) = both.poster.post(long.as_bytes()).await;
    assert_eq!(status, 413);
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_at_all_is_ignored_on_a_stream_and_no_json_in_a_body() {
    let mut both = Both::new(HANDSHAKE).await;
    for input in ["", " ", "\t", "\r"] {
        both.check_stream(input.as_bytes(), "").await;
        let (status, body) = both.poster.post(input.as_bytes()).await;
        assert_eq!(status, 400);
        assert!(body.contains("-32700"), "{body}");
    }
    both.check_alive().await;
}

#[tokio::test(start_paused = true)]
async fn what_wants_no_answer_gets_none_however_wrong_it_is() {
    let mut both = Both::new(HANDSHAKE).await;
    for input in [
        r#"{"jsonrpc":"2.0","method":"no/such"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":7}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":404}}"#,
        r#"{"jsonrpc":"2.0","method":"initialize","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":404,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}"#,
    ] {
        both.check(input, 202, "").await;
    }
    both.check_alive().await;
}
