//! What is refused and how, what is accepted, and that encoding undoes decoding.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::protocol::encode::Frame;
use crate::protocol::message::{Notification, Request, Response};
use crate::protocol::preamble::Preamble;
use crate::protocol::text::Raw;

fn read(text: impl AsRef<[u8]>) -> Result<Incoming, DecodeError> {
    decode(
        &Bytes::copy_from_slice(text.as_ref()),
        &DecodeLimits::default(),
    )
}

fn one(text: &str) -> Message {
    match read(text) {
        Ok(Incoming::One(message)) => message,
        other => panic!("{text}: {other:?}"),
    }
}

/// Text, code, and whether the answer names the id 1.
const REFUSED: &[(&str, i64, bool)] = &[
    // Not JSON.
    ("", -32700, false),
    (" \n", -32700, false),
    ("{", -32700, false),
    ("{]", -32700, false),
    ("nul", -32700, false),
    ("hello", -32700, false),
    ("{'jsonrpc':'2.0'}", -32700, false),
    (r#"{"jsonrpc":"2.0","id":1,"method":"m",}"#, -32700, false),
    (r#"{"jsonrpc":"2.0","id":01,"method":"m"}"#, -32700, false),
    (r#"{"jsonrpc":"2.0","id":+1,"method":"m"}"#, -32700, false),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":NaN}}"#,
        -32700,
        false,
    ),
    (r#"{"jsonrpc":"2.0","id":1,"method":"m"} x"#, -32700, false),
    (r#"{"jsonrpc":"2.0","id":1,"method":"m"}{}"#, -32700, false),
    (
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\nb\"}",
        -32700,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\x"}}"#,
        -32700,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\ud800"}}"#,
        -32700,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"\udc00":1}}"#,
        -32700,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","x":"\udc00"}"#,
        -32700,
        false,
    ),
    (
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}",
        -32700,
        false,
    ),
    (r#"[{"jsonrpc":"2.0","id":1,"method":"m"}"#, -32700, false),
    (
        r#"[{"jsonrpc":"2.0","id":1,"method":"m"}] ]"#,
        -32700,
        false,
    ),
    // JSON, but no message.
    ("1", -32600, false),
    ("null", -32600, false),
    ("true", -32600, false),
    (r#""text""#, -32600, false),
    ("{}", -32600, false),
    ("[]", -32600, false),
    // The version.
    (r#"{"id":1,"method":"m"}"#, -32600, true),
    (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, -32600, true),
    (r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, -32600, true),
    (r#"{"jsonrpc":null,"id":1,"method":"m"}"#, -32600, true),
    (r#"{"jsonrpc":"2.0 ","id":1,"method":"m"}"#, -32600, true),
    (r#"{"JSONRPC":"2.0","id":1,"method":"m"}"#, -32600, true),
    // The id.
    (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":1.0,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":1e0,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":0.5,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":-0,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#, -32600, false),
    (
        r#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"m"}"#,
        -32600,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
        -32600,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","method":"m","id":1,"method":"n","id":2}"#,
        -32600,
        false,
    ),
    // The method.
    (r#"{"jsonrpc":"2.0","id":1}"#, -32600, true),
    (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, true),
    (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, -32600, true),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","error":{"code":1,"message":""}}"#,
        -32600,
        true,
    ),
    // The parameters.
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":3}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","method":"m","params":[]}"#,
        -32600,
        false,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}"#,
        -32600,
        true,
    ),
    // Responses.
    (
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
        -32600,
        true,
    ),
    (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, -32600, true),
    (r#"{"jsonrpc":"2.0","id":1,"result":[]}"#, -32600, true),
    (r#"{"jsonrpc":"2.0","result":{}}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, -32600, false),
    (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, -32600, true),
    (r#"{"jsonrpc":"2.0","id":1,"error":[-1,"x"]}"#, -32600, true),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.0,"message":"x"}}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"x"}}"#,
        -32600,
        true,
    ),
    (
        r#"{"jsonrpc":"2.0","id":1.5,"error":{"code":1,"message":"x"}}"#,
        -32600,
        false,
    ),
];

#[test]
fn a_plain_request_is_looked_into_once() {
    let text = r#"{"jsonrpc":"2.0","id":1,"params":{"name":"n","_meta":{"progressToken":7}},"method":"m"}"#;
    let received = receive(&Bytes::from(text), &DecodeLimits::default()).unwrap();
    let (meta, found) = received.foreword.unwrap().unwrap();
    assert_eq!(meta.progress_token, Some(7.into()));
    assert_eq!(found.name.unwrap().as_str(), r#""n""#);
}

#[test]
fn every_bad_input_has_its_answer() {
    for (text, code, names_id) in REFUSED {
        let error = read(text).expect_err(text);
        assert_eq!(error.error.code, *code, "{text}: {error}");
        assert_eq!(error.id.is_some(), *names_id, "{text}: {error}");
        assert!(
            error.id.is_none_or(|id| id == RequestId::Number(1)),
            "{text}"
        );
        let syntax = error.kind == DecodeErrorKind::Syntax;
        assert_eq!(syntax, *code == -32700, "{text}");
        assert!(!error.error.message.is_empty());
    }
}

#[test]
fn text_that_is_not_utf8_is_a_parse_error() {
    for text in [
        &b"\xff"[..],
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"x\":\"\xc3\x28\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"a\":\"\xed\xa0\x80\"}}",
        b"\xff\xfe{\x00}\x00",
    ] {
        assert_eq!(read(text).unwrap_err().error.code, -32700);
    }
}

#[test]
fn the_three_kinds_are_told_apart() {
    assert!(matches!(
        one(r#"{"jsonrpc":"2.0","id":"a","method":"m"}"#),
        Message::Request(_)
    ));
    assert!(matches!(
        one(r#"{"jsonrpc":"2.0","method":"m"}"#),
        Message::Notification(_)
    ));
    let Message::Response(response) = one(r#"{"jsonrpc":"2.0","id":-4,"result":{"a":[]}}"#) else {
        panic!("a response");
    };
    assert_eq!(response.id, Some(RequestId::Number(-4)));
    assert_eq!(response.outcome.unwrap().as_str(), r#"{"a":[]}"#);
}

#[test]
fn an_error_may_lack_the_id_that_could_not_be_read() {
    for text in [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x","data":[1]}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x","more":true}}"#,
    ] {
        let Message::Response(response) = one(text) else {
            panic!("{text}");
        };
        assert_eq!(response.id, None);
        assert_eq!(response.outcome.unwrap_err().code, -32700);
    }
}

#[test]
fn unknown_members_are_ignored_and_escapes_understood() {
    let text = r#" { "x":[{}], "m\u0065thod":"tools\/list", "jsonrpc":"\u0032.0", "id":"\"é" } "#;
    let Message::Request(request) = one(text) else {
        panic!("a request");
    };
    assert_eq!(request.method, "tools/list");
    assert_eq!(request.id, RequestId::Text("\"é".into()));
}

#[test]
fn params_share_the_memory_of_the_body() {
    let body = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}"#);
    let Ok(Incoming::One(Message::Request(request))) = decode(&body, &DecodeLimits::default())
    else {
        panic!("a request");
    };
    let params = request.params.unwrap();
    let range = body.as_ptr_range();
    assert!(range.contains(&params.as_bytes().as_ptr()));
    assert!(range.contains(&request.method.as_str().as_ptr()));
}

#[test]
fn too_long_and_too_deep_are_refused_before_parsing() {
    let limits = DecodeLimits {
        max_bytes: 100,
        max_depth: 3,
        max_batch: 2,
    };
    let try_with = |text: &str| decode(&Bytes::copy_from_slice(text.as_bytes()), &limits);
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#,
        "m".repeat(100)
    );
    assert_eq!(try_with(&long).unwrap_err().kind, DecodeErrorKind::TooLarge);
    let deep = try_with(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[[1]]}}"#);
    let deep = deep.unwrap_err();
    assert_eq!(
        (deep.kind, deep.error.code),
        (DecodeErrorKind::TooDeep, -32600)
    );
    assert_eq!(deep.id, Some(RequestId::Number(1)));
    assert!(try_with(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[1]}}"#).is_ok());
    assert_eq!(
        try_with("[1,2,3]").unwrap_err().kind,
        DecodeErrorKind::TooLarge
    );
}

#[test]
fn extreme_depth_neither_panics_nor_overflows_the_stack() {
    let brackets = "[".repeat(1_000_000);
    assert_eq!(read(&brackets).unwrap_err().kind, DecodeErrorKind::TooDeep);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{}{}}}}}"#,
        "[".repeat(500_000),
        "]".repeat(500_000)
    );
    assert_eq!(read(body).unwrap_err().id, Some(RequestId::Number(1)));
}

#[test]
fn a_batch_reports_each_entry_by_itself() {
    let text = r#"[{"jsonrpc":"2.0","id":1,"method":"m"}, 7, [], {"jsonrpc":"2.0","id":2}]"#;
    let Ok(Incoming::Batch(entries)) = read(text) else {
        panic!("a batch");
    };
    assert_eq!(entries.len(), 4);
    assert!(matches!(entries[0], Ok(Message::Request(_))));
    assert_eq!(entries[1].as_ref().unwrap_err().error.code, -32600);
    assert_eq!(entries[2].as_ref().unwrap_err().error.code, -32600);
    assert_eq!(
        entries[3].as_ref().unwrap_err().id,
        Some(RequestId::Number(2))
    );
}

#[test]
fn a_line_break_between_tokens_does_not_reach_the_frame() {
    let message = one("{\"jsonrpc\":\"2.0\",\"id\":1,\n\"method\":\"m\",\"params\":{\r\n\"a\":1}}");
    let frame = Frame::message(&message).into_bytes();
    assert!(!frame.contains(&b'\n') && !frame.contains(&b'\r'));
    assert!(read(frame).is_ok());
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/]{0,12}", any::<String>()]
}

fn any_id() -> impl Strategy<Value = RequestId> {
    prop_oneof![
        any::<i64>().prop_map(RequestId::from),
        any_text().prop_map(RequestId::from)
    ]
}

fn any_object() -> impl Strategy<Value = Raw> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any_text().prop_map(serde_json::Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any_text(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Value>()),
        ]
    });
    prop::collection::btree_map(any_text(), value, 0..4)
        .prop_map(|object| Raw::from_value(&object).expect("keys are strings"))
}

fn any_message() -> impl Strategy<Value = Message> {
    let params = || prop::option::of(any_object());
    prop_oneof![
        (any_id(), any_text(), params()).prop_map(|(id, method, params)| {
            let method = method.into();
            Message::Request(Request { id, method, params })
        }),
        (any_text(), params()).prop_map(|(method, params)| {
            let method = method.into();
            Message::Notification(Notification { method, params })
        }),
        (any_id(), any_object()).prop_map(|(id, result)| {
            Message::Response(Response {
                id: Some(id),
                outcome: Ok(result),
            })
        }),
        (prop::option::of(any_id()), any::<i64>(), any_text()).prop_map(|(id, code, text)| {
            Message::Response(Response {
                id,
                outcome: Err(RpcError::new(code, text)),
            })
        }),
    ]
}

/// Parameters as text, such as clients send and such as they should not.
fn any_params() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "_meta",
        "name",
        "arguments",
        "uri",
        "requestState",
        "x",
        r"n\u0061me",
        r"_m\u0065ta",
    ]);
    let value = prop::sample::select(vec![
        "null",
        "{}",
        "[]",
        "1",
        r#""text""#,
        r#""\u0061\n""#,
        r#"{"a":[1,{"b":"]"}]}"#,
        r#"{"progressToken":7}"#,
        r#"{"progressToken":[]}"#,
        r#"{"progressToken":7,"progressToken":7}"#,
        r#"{"progress\u0054oken":"t","other/x":[1]}"#,
        r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"n","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"sampling":{}}}"#,
        r#"{"io.modelcontextprotocol/clientInfo":{"name":"n"}}"#,
    ]);
    let member = (name, value).prop_map(|(name, value)| format!("\"{name}\" : {value}"));
    prop_oneof![
        prop::collection::vec(member, 0..5)
            .prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        prop::sample::select(vec!["null", "[]", "1", r#""text""#]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn what_was_seen_of_parameters_is_what_they_say(params in any_params(), id in 0_usize..3) {
        let id = ["", r#""id":1,"#, r#""id":[],"#][id];
        let text = format!(r#"{{"jsonrpc":"2.0",{id}"method":"m","params":{params}}}"#);
        let received = receive(&Bytes::from(text), &DecodeLimits::default());
        if let Ok(Received { incoming, foreword: Some(seen) }) = received {
            let Incoming::One(Message::Request(request)) = incoming else {
                panic!("only requests say something of themselves");
            };
            let said = Preamble::with_others(request.params.as_ref());
            prop_assert_eq!(format!("{seen:?}"), format!("{said:?}"));
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_message(message in any_message()) {
        let frame = Frame::message(&message);
        let bytes = frame.clone().into_bytes();
        prop_assert_eq!(frame.len(), bytes.len());
        prop_assert!(!bytes.contains(&b'\n'));
        prop_assert_eq!(read(&bytes), Ok(Incoming::One(message)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(bytes);
    }

    #[test]
    fn mutilated_messages_never_panic(
        message in any_message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = Frame::message(&message).into_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(&bytes);
        bytes.truncate(at);
        let _ = read(&bytes);
    }
}
