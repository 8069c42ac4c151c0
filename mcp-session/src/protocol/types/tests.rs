//! Every published example of 2026-07-28 decodes into its type, and comes out as it went in.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::protocol::decode::{DecodeLimits, Incoming, decode};
use crate::protocol::encode::Frame;
use crate::protocol::message::Message;
use crate::protocol::meta::RequestMeta;
use crate::protocol::tests::Spec;
use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::{Shape, Shaped};

/// Decodes and encodes again.
fn again<T: DeserializeOwned + Serialize>(text: &str) -> Value {
    let value: T = serde_json::from_str(text).expect(text);
    serde_json::to_value(value).unwrap()
}

/// Decodes, then shapes for the newest revision.
fn shaped<T: DeserializeOwned + Shaped>(text: &str) -> Value {
    let value: T = serde_json::from_str(text).expect(text);
    let payload = value.shape(&Shape::new(ProtocolVersion::LATEST, None));
    serde_json::from_slice(&payload.into_bytes()).unwrap()
}

fn raw(text: &str) -> Raw {
    Raw::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

/// Decodes parameters by the function that a dispatcher would use; they are not written again.
fn params(kind: &str, text: &str) {
    let raw = raw(text);
    let params = Some(&raw);
    let error = match kind {
        "CallToolRequestParams" => CallToolParams::from_params(params).err(),
        "CancelledNotificationParams" => CancelledParams::from_params(params).err(),
        "CompleteRequestParams" => CompleteParams::from_params(params).err(),
        "GetPromptRequestParams" => GetPromptParams::from_params(params).err(),
        "LoggingMessageNotificationParams" => LogParams::from_params(params).err(),
        "PaginatedRequestParams" => ListParams::from_params(params).err(),
        "ProgressNotificationParams" => ProgressParams::from_params(params).err(),
        "ReadResourceRequestParams" => ReadResourceParams::from_params(params).err(),
        "ResourceUpdatedNotificationParams" => ResourceUpdatedParams::from_params(params).err(),
        "SubscriptionsListenRequestParams" => ListenParams::from_params(params).err(),
        "SubscriptionsAcknowledgedNotificationParams" => {
            AcknowledgedParams::from_params(params).err()
        }
        _ => panic!("no type for {kind}"),
    };
    assert_eq!(error, None, "{text}");
    RequestMeta::of(params).expect(text);
}

/// Decodes a whole message and returns it encoded.
fn message(text: &str) -> Value {
    let body = Bytes::copy_from_slice(text.as_bytes());
    let Ok(Incoming::One(message)) = decode(&body, &DecodeLimits::default()) else {
        panic!("{text}");
    };
    if let Message::Request(request) = &message {
        RequestMeta::of(request.params.as_ref()).expect(text);
    }
    serde_json::from_slice(&Frame::message(&message).into_bytes()).unwrap()
}

/// Takes an example through its type; `None` if nothing is written back.
fn through(kind: &str, text: &str) -> Option<Value> {
    Some(match kind {
        "AudioContent" | "EmbeddedResource" | "ImageContent" | "ResourceLink" | "TextContent" => {
            again::<ContentBlock>(text)
        }
        "BlobResourceContents" | "TextResourceContents" => again::<ResourceContents>(text),
        "CallToolResult" => shaped::<CallToolResult>(text),
        "ClientCapabilities" => again::<ClientCapabilities>(text),
        "CompleteResult" => {
            let mut value: Value = serde_json::from_str(text).unwrap();
            shaped::<Completion>(&value["completion"].take().to_string())
        }
        "CreateMessageRequest" | "ElicitRequest" | "ListRootsRequest" => {
            again::<InputRequest>(text)
        }
        "CreateMessageRequestParams" => again::<CreateMessageParams>(text),
        "CreateMessageResult" => again::<CreateMessageResult>(text),
        "DiscoverResult" => shaped::<DiscoverResult>(text),
        "ElicitRequestFormParams" => again::<ElicitFormParams>(text),
        "ElicitRequestURLParams" => again::<ElicitUrlParams>(text),
        "ElicitResult" => again::<ElicitResult>(text),
        "GetPromptResult" => shaped::<GetPromptResult>(text),
        "InputRequests" => again::<std::collections::BTreeMap<String, InputRequest>>(text),
        "InputRequiredResult" => shaped::<InputRequiredResult>(text),
        "ListRootsResult" => again::<ListRootsResult>(text),
        "ModelPreferences" => again::<ModelPreferences>(text),
        "ReadResourceResult" => shaped::<ReadResourceResult>(text),
        "Resource" => again::<ResourceDefinition>(text),
        "Root" => again::<Root>(text),
        "SamplingMessage" => again::<SamplingMessage>(text),
        "ServerCapabilities" => again::<ServerCapabilities>(text),
        "SubscriptionsListenResult" => shaped::<EmptyResult>(text),
        "Tool" => again::<ToolDefinition>(text),
        "ToolResultContent" | "ToolUseContent" => again::<SamplingBlock>(text),
        "InternalError" | "InvalidParamsError" | "MethodNotFoundError" | "ParseError" => {
            again::<RpcError>(text)
        }
        kind if kind.ends_with("Params") => {
            params(kind, text);
            return None;
        }
        kind if ["Request", "Notification", "ResultResponse", "Error"]
            .iter()
            .any(|end| kind.ends_with(end)) =>
        {
            message(text)
        }
        // Lists are made of entries that are serialised elsewhere, and the fields of forms and
        // the answers to questions are JSON to us.
        kind if kind.starts_with("List") || kind.ends_with("Schema") => return None,
        "InputResponses" => return None,
        other => panic!("no type for {other}"),
    })
}

/// What may be written otherwise than it was read: a flag that is false may be left out, and
/// which members of a form's URL are said is up to its writer.
fn canonical(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        for flag in ["isError", "required", "listChanged", "subscribe"] {
            if members.get(flag) == Some(&json!(false)) {
                members.shift_remove(flag);
            }
        }
        if matches!(members.get("mode"), Some(Value::String(mode)) if mode == "form" || mode == "url")
        {
            members.shift_remove("mode");
        }
    }
    value
}

#[test]
fn every_example_goes_through_its_type_unchanged() {
    let Some(spec) = Spec::open() else { return };
    for (kind, file, text) in spec.examples() {
        let Some(written) = through(&kind, &text) else {
            continue;
        };
        let mut read: Value = serde_json::from_str(&text).unwrap();
        if kind == "ListRootsRequest" {
            // A question within a result has no id, though the example has one.
            read.as_object_mut().unwrap().shift_remove("id");
        }
        assert_eq!(canonical(written), canonical(read), "{file}");
    }
}

#[test]
fn list_results_and_their_definitions_are_read() {
    let Some(spec) = Spec::open() else { return };
    for (kind, file, text) in spec.examples() {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let check = |entries: Value| match kind.as_str() {
            "ListToolsResult" => serde_json::from_value::<Vec<ToolDefinition>>(entries).err(),
            "ListPromptsResult" => serde_json::from_value::<Vec<PromptDefinition>>(entries).err(),
            "ListResourcesResult" => {
                serde_json::from_value::<Vec<ResourceDefinition>>(entries).err()
            }
            _ => serde_json::from_value::<Vec<ResourceTemplateDefinition>>(entries).err(),
        };
        for member in ["tools", "prompts", "resources", "resourceTemplates"] {
            if kind.starts_with("List") && kind.ends_with("Result") && value.get(member).is_some() {
                let error = check(value[member].take());
                assert!(error.is_none(), "{file}: {error:?}");
            }
        }
    }
}

#[test]
fn answers_from_a_client_are_read() {
    let answer: CreateMessageResult = serde_json::from_str(
        r#"{"role":"assistant","model":"m","content":[{"type":"text","text":"a"},
            {"type":"tool_use","id":"1","name":"t","input":{}},{"type":"text","text":"b"}]}"#,
    )
    .unwrap();
    assert_eq!(answer.content.blocks.len(), 3);
    assert_eq!(answer.content.text(), "a\nb");
    let one: SamplingContent = serde_json::from_str(r#"{"type":"text","text":"a"}"#).unwrap();
    assert_eq!(one, SamplingContent::from("a"));
}

#[test]
fn levels_are_ordered_by_severity() {
    assert!(LogLevel::ALL.is_sorted());
    for level in LogLevel::ALL {
        assert_eq!(LogLevel::parse(level.as_str()), Some(level));
        assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
    }
    assert_eq!(LogLevel::parse("Error"), None);
}

#[test]
fn sets_of_wrong_parameters_are_refused() {
    let refused = |text: &str, error: Option<RpcError>| {
        assert_eq!(error.expect(text).code, -32602, "{text}");
    };
    for text in [r#"{"cursor":7}"#, r#"{"cursor":{}}"#] {
        refused(text, ListParams::from_params(Some(&raw(text))).err());
    }
    for text in [
        r#"{"name":"a","arguments":{"x":1}}"#,
        r#"{"name":"a","arguments":null}"#,
        r#"{"arguments":{}}"#,
    ] {
        refused(text, GetPromptParams::from_params(Some(&raw(text))).err());
    }
    for text in [
        "{}",
        r#"{"ref":{"type":"ref/tool","name":"a"},"argument":{"name":"a","value":""}}"#,
        r#"{"ref":{"type":"ref/prompt"},"argument":{"name":"a","value":""}}"#,
        r#"{"ref":{"type":"ref/prompt","name":"a"},"argument":["a",""]}"#,
        r#"{"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"a"}}"#,
    ] {
        refused(text, CompleteParams::from_params(Some(&raw(text))).err());
    }
    for text in [
        "{}",
        r#"{"notifications":[]}"#,
        r#"{"notifications":{"toolsListChanged":1}}"#,
    ] {
        refused(text, ListenParams::from_params(Some(&raw(text))).err());
    }
    for text in ["{}", r#"{"level":"loud"}"#] {
        refused(text, SetLevelParams::from_params(Some(&raw(text))).err());
    }
    for text in [
        r#"{"protocolVersion":1,"capabilities":{},"clientInfo":{"name":"a","version":"1"}}"#,
        r#"{"protocolVersion":"x","clientInfo":{"name":"a","version":"1"}}"#,
        r#"{"protocolVersion":"x","capabilities":{},"clientInfo":["a","1"]}"#,
        r#"{"protocolVersion":"x","capabilities":[],"clientInfo":{"name":"a","version":"1"}}"#,
    ] {
        refused(text, InitializeParams::from_params(Some(&raw(text))).err());
    }
}
