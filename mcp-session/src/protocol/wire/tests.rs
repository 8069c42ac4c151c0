//! Proves that every shaped reply is valid in its revision, by schemas made strict, and that
//! nothing is lost on the way that an older revision could carry.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::*;
use crate::protocol::encode::{Frame, Payload};
use crate::protocol::tests::{Schemas, Spec};
use crate::protocol::types::*;

fn parse(payload: Payload) -> Value {
    let text = payload.into_bytes();
    assert!(!text.contains(&b'\n'), "one line");
    serde_json::from_slice(&text).unwrap()
}

fn server() -> Implementation {
    Implementation::new("server", "1.0.0")
        .title("Server")
        .description("Serves.")
        .website_url("https://example.com")
        .icons(vec![icon()])
}

fn shape(version: ProtocolVersion) -> Shape {
    Shape::with_server(version, &server())
}

fn icon() -> Icon {
    Icon::new("https://example.com/i.png")
        .mime_type("image/png")
        .sizes(vec!["48x48".to_owned()])
        .theme(IconTheme::Dark)
}

fn meta() -> Meta {
    Meta::new().with("com.example/note", json!({ "a": 1 }))
}

fn hints() -> Annotations {
    Annotations::new()
        .audience(vec![Role::User, Role::Assistant])
        .priority(0.5)
        .last_modified("2025-01-01T00:00:00Z")
}

fn contents() -> Vec<ResourceContents> {
    vec![
        ResourceContents::text("test://text", "text\nin lines").with_mime_type("text/plain"),
        ResourceContents::text("test://text", "").with_meta(meta()),
        ResourceContents::blob("test://blob", "AAAA").with_mime_type("image/png"),
        ResourceContents::blob("test://blob", "AAAA").with_meta(meta()),
    ]
}

/// Every kind of block, bare and with everything it can carry.
fn blocks() -> Vec<ContentBlock> {
    let mut blocks = vec![
        ContentBlock::text("plain"),
        ContentBlock::Text(
            TextContent::new("\u{0}\"\\")
                .annotations(hints())
                .meta(meta()),
        ),
        ContentBlock::image("AAAA", "image/png"),
        ContentBlock::Image(
            ImageContent::new("AAAA", "image/png")
                .annotations(hints())
                .meta(meta()),
        ),
        ContentBlock::audio("AAAA", "audio/wav"),
        ContentBlock::Audio(
            AudioContent::new("AAAA", "audio/wav")
                .annotations(hints())
                .meta(meta()),
        ),
        ContentBlock::resource_link("test://link", "link"),
        ContentBlock::ResourceLink(
            ResourceLink::new("test://link", "link")
                .title("Link")
                .description("A link.")
                .mime_type("text/plain")
                .size(5_u64)
                .annotations(hints())
                .icons(vec![icon()])
                .meta(meta()),
        ),
    ];
    for contents in contents() {
        blocks.push(ContentBlock::resource(contents.clone()));
        let embedded = EmbeddedResource::new(contents)
            .annotations(hints())
            .meta(meta());
        blocks.push(ContentBlock::Resource(embedded));
    }
    blocks
}

fn structures() -> Vec<Option<Value>> {
    vec![
        None,
        Some(json!({ "a": [1] })),
        Some(json!([1])),
        Some(json!("x")),
        Some(Value::Null),
    ]
}

fn tool_results() -> Vec<CallToolResult> {
    let mut results = Vec::new();
    for structured_content in structures() {
        for content in [Vec::new(), blocks()] {
            for is_error in [false, true] {
                let mut result = CallToolResult::new(content.clone()).meta(meta());
                result.structured_content.clone_from(&structured_content);
                result.is_error = is_error;
                results.push(result);
            }
        }
    }
    results
}

fn capabilities() -> ServerCapabilities {
    let named: Map<String, Value> = [("com.example/x".to_owned(), json!({}))]
        .into_iter()
        .collect();
    ServerCapabilities {
        tools: Some(ListChanged::new(true)),
        prompts: Some(ListChanged::new(false)),
        resources: Some(ResourcesCapability::new(true).subscribe(true)),
        completions: true,
        logging: true,
        extensions: Some(named.clone()),
        experimental: Some(named),
    }
}

/// Calls the check for every revision, or for none if the specification is not here.
fn for_every_revision(check: impl Fn(ProtocolVersion, &Schemas)) {
    let Some(spec) = Spec::open() else { return };
    for version in ProtocolVersion::ALL {
        check(version, &spec.schemas(version));
    }
}

#[test]
fn the_check_itself_refuses_what_a_revision_does_not_know() {
    for_every_revision(|version, schemas| {
        let with = |member: &str, value: Value| {
            let mut tool = json!({ "name": "a", "inputSchema": { "type": "object" } });
            tool[member] = value;
            schemas.accepts("Tool", &tool)
        };
        assert!(with("description", json!("d")));
        assert!(!with("surprise", json!(1)));
        assert_eq!(with("icons", json!([])), version.has_icons());
        assert_eq!(with("title", json!("T")), version.has_titles());
        assert_eq!(
            with("annotations", json!({})),
            version.has_tool_annotations()
        );
        assert_eq!(
            with("outputSchema", json!({ "type": "object" })),
            version.has_structured_content()
        );
        assert_eq!(
            with("outputSchema", json!({ "type": "array" })),
            version.has_any_structured_content()
        );
    });
}

#[test]
fn results_of_handlers_are_valid_in_every_revision() {
    for_every_revision(|version, schemas| {
        let shape = shape(version);
        for result in tool_results() {
            schemas.assert_valid("CallToolResult", &parse(result.shape(&shape)));
        }
        let messages: Vec<_> = blocks().into_iter().map(PromptMessage::user).collect();
        let prompt = GetPromptResult::new(messages).description("d").meta(meta());
        schemas.assert_valid("GetPromptResult", &parse(prompt.shape(&shape)));
        for cache in [None, Some(CacheHint::new(5, CacheScope::Public))] {
            let mut read = ReadResourceResult::new(contents()).meta(meta());
            read.cache = cache;
            schemas.assert_valid("ReadResourceResult", &parse(read.shape(&shape)));
        }
        let mut completion = Completion::new(vec!["a".to_owned(); 300]);
        schemas.assert_valid("CompleteResult", &parse(completion.shape(&shape)));
        completion.values = vec!["a".to_owned(); 101];
        let sent = parse(completion.shape(&shape));
        assert_eq!(
            sent["completion"]["values"].as_array().map(Vec::len),
            Some(100)
        );
        schemas.assert_valid("CompleteResult", &sent);
        schemas.assert_valid(
            "EmptyResult",
            &parse(EmptyResult::new().meta(meta()).shape(&shape)),
        );
    });
}

#[test]
fn greetings_are_valid_in_every_revision() {
    for_every_revision(|version, schemas| {
        let shape = shape(version);
        if version.era() == Era::Handshake {
            let result = InitializeResult::new(version, capabilities(), server())
                .instructions("Use it.")
                .meta(meta());
            schemas.assert_valid("InitializeResult", &parse(result.shape(&shape)));
        } else {
            let cache = CacheHint::new(1000, CacheScope::Public);
            let result = DiscoverResult::new(capabilities(), cache).instructions("Use it.");
            let sent = parse(result.shape(&shape));
            assert_eq!(sent["supportedVersions"].as_array().map(Vec::len), Some(5));
            schemas.assert_valid("DiscoverResult", &sent);
        }
    });
}

fn tools() -> Vec<ToolDefinition> {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": { "a": true, "b": false, "c": { "type": "string", "x-mcp-header": "C" } },
        "required": ["a"],
    });
    let full = |output: Value| {
        ToolDefinition::new("tool", schema.clone())
            .title("Tool")
            .description("A tool.")
            .output_schema(output)
            .annotations(
                ToolAnnotations::new()
                    .title("Tool")
                    .read_only_hint(true)
                    .destructive_hint(false)
                    .idempotent_hint(true)
                    .open_world_hint(false),
            )
            .icons(vec![icon()])
            .meta(meta())
    };
    vec![
        ToolDefinition::new("bare", json!({ "type": "object" })),
        full(schema.clone()),
        full(json!({ "type": "array", "items": { "type": "string" } })),
        full(json!({ "type": ["object", "null"] })),
        full(json!({ "anyOf": [] })),
    ]
}

fn definitions() -> Vec<(DefinitionKind, &'static str, Vec<Raw>)> {
    fn raw(items: &[impl serde::Serialize]) -> Vec<Raw> {
        items
            .iter()
            .map(|item| Raw::from_value(item).unwrap())
            .collect()
    }
    let prompt = PromptDefinition::new("prompt")
        .title("Prompt")
        .description("A prompt.")
        .arguments(vec![
            PromptArgument::new("a")
                .title("A")
                .description("An argument."),
            PromptArgument::required("b"),
        ])
        .icons(vec![icon()])
        .meta(meta());
    let resource = ResourceDefinition::new("test://r", "resource")
        .title("Resource")
        .description("A resource.")
        .mime_type("text/plain")
        .size(5_u64)
        .annotations(hints())
        .icons(vec![icon()])
        .meta(meta());
    let template = ResourceTemplateDefinition::new("test://{id}", "template")
        .title("Template")
        .description("A template.")
        .mime_type("text/plain")
        .annotations(hints())
        .icons(vec![icon()])
        .meta(meta());
    let bare_resource = ResourceDefinition::new("test://b", "bare");
    let bare_template = ResourceTemplateDefinition::new("test://{b}", "bare");
    vec![
        (DefinitionKind::Tool, "tools", raw(&tools())),
        (
            DefinitionKind::Prompt,
            "prompts",
            raw(&[PromptDefinition::new("bare"), prompt]),
        ),
        (
            DefinitionKind::Resource,
            "resources",
            raw(&[bare_resource, resource]),
        ),
        (
            DefinitionKind::ResourceTemplate,
            "resourceTemplates",
            raw(&[bare_template, template]),
        ),
    ]
}

#[test]
fn list_pages_are_valid_in_every_revision() {
    for_every_revision(|version, schemas| {
        for (kind, member, canonical) in definitions() {
            let pieces: Vec<Bytes> = canonical
                .iter()
                .map(|raw| definition(kind, &raw.clone().into_bytes(), version))
                .collect();
            let count = pieces.len();
            let cache = CacheHint::new(60_000, CacheScope::Public);
            let name = match kind {
                DefinitionKind::Tool => "ListToolsResult",
                DefinitionKind::Prompt => "ListPromptsResult",
                DefinitionKind::Resource => "ListResourcesResult",
                DefinitionKind::ResourceTemplate => "ListResourceTemplatesResult",
            };
            let page = parse(list(
                member,
                pieces,
                Some("cursor\""),
                cache,
                &shape(version),
            ));
            assert_eq!(page[member].as_array().map(Vec::len), Some(count));
            schemas.assert_valid(name, &page);
            let empty = parse(list(member, Vec::new(), None, cache, &shape(version)));
            schemas.assert_valid(name, &empty);
        }
    });
}

fn fields() -> Value {
    json!({
        "text": { "type": "string", "title": "T", "minLength": 1, "format": "email", "default": "x" },
        "count": { "type": "integer", "minimum": 0, "default": 3 },
        "flag": { "type": "boolean", "default": true },
        "one": { "type": "string", "enum": ["a", "b"], "default": "a" },
        "titled": {
            "type": "string",
            "oneOf": [{ "const": "a", "title": "A" }, { "const": "b", "title": "B" }],
            "default": "b",
        },
        "legacy": { "type": "string", "enum": ["a"], "enumNames": ["A"] },
        "derived": {
            "type": "string",
            "oneOf": [
                { "type": "string", "enum": ["a", "b"] },
                { "type": "string", "const": "c", "description": "C" },
            ],
        },
    })
}

#[track_caller]
fn assert_request(schemas: &Schemas, name: &str, method: &str, params: &Raw) {
    let mut request = json!({ "method": method, "params": params });
    if schemas.has_member(name, "jsonrpc") {
        request["jsonrpc"] = json!("2.0");
        request["id"] = json!(1);
    }
    schemas.assert_valid(name, &request);
}

#[test]
fn choices_have_titles_where_they_have_descriptions() {
    let choices = json!([
        { "type": "string", "enum": ["a"] },
        { "type": "string", "const": "b", "description": "B" },
    ]);
    let form = json!({"type": "object", "properties": {
        "one": { "type": "string", "oneOf": choices },
        "many": { "type": "array", "items": { "type": "string", "oneOf": choices } },
    }});
    let params = ElicitFormParams::new("Which?", form);
    let sent: Value = elicit_form(&params, ProtocolVersion::V2025_11_25)
        .map(|sent| sent.decode().unwrap())
        .unwrap();
    let named = json!([{ "const": "a", "title": "a" }, { "const": "b", "title": "B" }]);
    let properties = &sent["requestedSchema"]["properties"];
    assert_eq!(properties["one"], json!({"type": "string", "oneOf": named}));
    assert_eq!(
        properties["many"],
        json!({"type": "array", "items": {"anyOf": named}})
    );
}

#[test]
fn forms_are_valid_where_there_are_forms() {
    for_every_revision(|version, schemas| {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": fields(),
            "required": ["text"],
        });
        let mut params = ElicitFormParams::new("Who?", schema);
        let sent = elicit_form(&params, version);
        assert_eq!(sent.is_ok(), version.has_elicitation());
        if let Ok(sent) = sent {
            assert_request(schemas, "ElicitRequest", "elicitation/create", &sent);
        }
        params.requested_schema["properties"]["many"] =
            json!({ "type": "array", "items": { "type": "string", "enum": ["a"] } });
        params.requested_schema["properties"]["derived_many"] = json!({ "type": "array", "items": {
            "type": "string",
            "oneOf": [{ "type": "string", "const": "c", "description": "C" }],
        } });
        let sent = elicit_form(&params, version);
        assert_eq!(sent.is_ok(), version.has_rich_forms());
        if let Ok(sent) = sent {
            assert_request(schemas, "ElicitRequest", "elicitation/create", &sent);
        }
        let url = ElicitUrlParams::new("Go", "https://example.com").elicitation_id("e");
        let sent = elicit_url(&url, version);
        assert_eq!(sent.is_ok(), version.has_url_elicitation());
        if let Ok(sent) = sent {
            assert_request(schemas, "ElicitRequest", "elicitation/create", &sent);
        }
    });
}

#[test]
fn questions_to_the_model_are_valid_in_every_revision() {
    for_every_revision(|version, schemas| {
        let message = |block: SamplingBlock| {
            let mut message = SamplingMessage::user(block);
            message.meta = Some(meta());
            message
        };
        let image = ImageContent::new("AAAA", "image/png")
            .annotations(hints())
            .meta(meta());
        let audio = AudioContent::new("AAAA", "audio/wav")
            .annotations(hints())
            .meta(meta());
        let params = CreateMessageParams::new(
            vec![
                SamplingMessage::assistant("text"),
                message(SamplingBlock::Image(image)),
                message(SamplingBlock::Audio(audio)),
            ],
            100,
        )
        .model_preferences(
            ModelPreferences::new()
                .hints(vec![ModelHint::new("m"), ModelHint::default()])
                .cost_priority(0.1)
                .speed_priority(0.2)
                .intelligence_priority(1.0),
        )
        .system_prompt("s")
        .include_context(IncludeContext::ThisServer)
        .temperature(0.5)
        .stop_sequences(vec!["x".to_owned()])
        .metadata(Map::new());
        let sent = create_message(&params, version).unwrap();
        assert_request(
            schemas,
            "CreateMessageRequest",
            "sampling/createMessage",
            &sent,
        );

        let wish = ToolUse::new("1", "tool", Map::new());
        let mut answer = ToolResult::new("1", blocks());
        answer.structured_content = Some(json!([1]));
        answer.is_error = true;
        let blocks = vec![
            SamplingBlock::ToolUse(wish),
            SamplingBlock::ToolResult(answer),
        ];
        let with_tools = CreateMessageParams::new(vec![SamplingMessage::user(blocks)], 1)
            .tools(tools())
            .tool_choice(ToolChoice::new(ToolChoiceMode::Required));
        let sent = create_message(&with_tools, version);
        assert_eq!(sent.is_ok(), version.has_sampling_tools());
        if let Ok(sent) = sent {
            assert_request(
                schemas,
                "CreateMessageRequest",
                "sampling/createMessage",
                &sent,
            );
        }
    });
}

#[test]
fn a_result_that_asks_is_valid() {
    for_every_revision(|version, schemas| {
        if version.era() == Era::Handshake {
            return;
        }
        let form =
            ElicitFormParams::new("Who?", json!({ "type": "object", "properties": fields() }));
        let form = elicit_form(&form, version).unwrap();
        let sample = CreateMessageParams::new(vec![SamplingMessage::user("x")], 5);
        let sample = create_message(&sample, version).unwrap();
        let result = InputRequiredResult::new()
            .ask("form", InputRequest::new("elicitation/create", Some(form)))
            .ask(
                "model",
                InputRequest::new("sampling/createMessage", Some(sample)),
            )
            .ask("roots", InputRequest::new("roots/list", None))
            .request_state("state");
        let sent = parse(result.shape(&shape(version)));
        assert_eq!(sent["resultType"], "input_required");
        schemas.assert_valid("InputRequiredResult", &sent);
    });
}

#[test]
fn notifications_are_valid_in_every_revision() {
    for_every_revision(|version, schemas| {
        let check = |name: &str, frame: Frame| {
            let mut sent: Value = serde_json::from_slice(&frame.into_bytes()).unwrap();
            if !schemas.has_member(name, "jsonrpc") {
                sent.as_object_mut().unwrap().shift_remove("jsonrpc");
            }
            schemas.assert_valid(name, &sent);
        };
        let report = ProgressParams::new("t".into(), 50.0)
            .total(100.0)
            .message("half");
        let report = progress(&report, version);
        check(
            "ProgressNotification",
            Frame::notification_raw("notifications/progress", &report),
        );
        let log = LogParams::new(LogLevel::Notice, "text").logger("l");
        check(
            "LoggingMessageNotification",
            Frame::notification("notifications/message", &log),
        );
        let cancelled = CancelledParams::new(7.into()).reason("late");
        check(
            "CancelledNotification",
            Frame::notification("notifications/cancelled", &cancelled),
        );
        let updated = ResourceUpdatedParams::new("test://x");
        let updated = Frame::notification("notifications/resources/updated", &updated);
        check("ResourceUpdatedNotification", updated);
        let changed = Frame::bare_notification("notifications/tools/list_changed");
        check("ToolListChangedNotification", changed);
    });
}

#[test]
fn errors_of_the_newest_revision_are_valid() {
    use crate::protocol::error::RpcError;
    let Some(spec) = Spec::open() else { return };
    let schemas = spec.schemas(ProtocolVersion::LATEST);
    let cases = [
        ("HeaderMismatchError", RpcError::header_mismatch("no")),
        (
            "MissingRequiredClientCapabilityError",
            RpcError::missing_capability(json!({ "sampling": {} })),
        ),
        (
            "UnsupportedProtocolVersionError",
            RpcError::unsupported_version("v999.0.0"),
        ),
    ];
    for (name, error) in cases {
        for id in [Some(1.into()), None] {
            let frame = Frame::error(id.as_ref(), &error, true).into_bytes();
            schemas.assert_valid(name, &serde_json::from_slice(&frame).unwrap());
        }
    }
}

fn sent(result: &impl Shaped, version: ProtocolVersion) -> String {
    let text = result.shape(&Shape::new(version, None)).into_bytes();
    String::from_utf8(text.to_vec()).unwrap()
}

#[test]
fn what_a_revision_lacks_becomes_text() {
    let result = CallToolResult::new(vec![
        ContentBlock::audio("AAAA", "audio/wav"),
        ContentBlock::resource_link("test://x", "x"),
    ]);
    assert_eq!(
        sent(&result, ProtocolVersion::V2024_11_05),
        concat!(
            r#"{"content":[{"type":"text","text":"[audio of type audio/wav, left out: protocol "#,
            r#"version 2024-11-05 cannot carry it]"},"#,
            r#"{"type":"text","text":"[resource: x <test://x>]"}]}"#
        )
    );
    assert_eq!(
        sent(&result, ProtocolVersion::V2025_06_18),
        concat!(
            r#"{"content":[{"type":"audio","data":"AAAA","mimeType":"audio/wav"},"#,
            r#"{"type":"resource_link","uri":"test://x","name":"x"}]}"#
        )
    );
}

#[test]
fn structure_that_cannot_be_sent_stays_readable() {
    let list = CallToolResult::default().structured_content(json!([1, 2]));
    let as_text = r#"{"content":[{"type":"text","text":"[1,2]"}]}"#;
    assert_eq!(sent(&list, ProtocolVersion::V2025_11_25), as_text);
    assert_eq!(sent(&list, ProtocolVersion::V2024_11_05), as_text);
    assert_eq!(
        sent(&list, ProtocolVersion::V2026_07_28),
        r#"{"resultType":"complete","content":[],"structuredContent":[1,2]}"#
    );
    let object = CallToolResult::text("one").structured_content(json!({ "n": 1 }));
    assert_eq!(
        sent(&object, ProtocolVersion::V2025_06_18),
        r#"{"content":[{"type":"text","text":"one"}],"structuredContent":{"n":1}}"#
    );
    assert_eq!(
        sent(&object, ProtocolVersion::V2025_03_26),
        r#"{"content":[{"type":"text","text":"one"}]}"#
    );
}

#[test]
fn the_servers_identity_joins_a_results_own_metadata() {
    let identity = Raw::from_value(&Implementation::new("s", "1")).unwrap();
    let stateless = Shape::new(ProtocolVersion::V2026_07_28, Some(identity.clone()));
    let result = EmptyResult::new().meta(Meta::new().with("a", 1));
    assert_eq!(
        result.shape(&stateless).into_bytes(),
        concat!(
            r#"{"resultType":"complete","_meta":{"a":1,"#,
            r#""io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
        )
    );
    let handshake = Shape::new(ProtocolVersion::V2025_11_25, Some(identity));
    assert_eq!(
        result.shape(&handshake).into_bytes(),
        r#"{"_meta":{"a":1}}"#
    );
}

#[test]
fn a_custom_result_gets_what_its_era_adds() {
    let result = json!({ "x": 1, "_meta": { "a": 1 }, "resultType": "task" });
    let result = result.as_object().unwrap();
    assert_eq!(
        sent(result, ProtocolVersion::V2025_11_25),
        r#"{"x":1,"_meta":{"a":1}}"#
    );
    assert_eq!(
        sent(result, ProtocolVersion::V2026_07_28),
        r#"{"resultType":"task","x":1,"_meta":{"a":1}}"#
    );
}

#[test]
fn a_definition_that_loses_nothing_is_the_same_bytes() {
    let text = Bytes::from_static(br#"{"name":"a", "inputSchema":{"type":"object"},"x-more":1}"#);
    for version in ProtocolVersion::ALL {
        let shaped = definition(DefinitionKind::Tool, &text, version);
        assert_eq!(shaped.as_ptr(), text.as_ptr());
        assert_eq!(shaped, text);
    }
}

#[test]
fn a_definition_keeps_its_order_when_it_loses_members() {
    let text = Bytes::from_static(
        br#"{"title":"T","name":"a","icons":[],"description":"d","inputSchema":{"type":"object"}}"#,
    );
    assert_eq!(
        definition(DefinitionKind::Tool, &text, ProtocolVersion::V2025_03_26),
        r#"{"name":"a","description":"d","inputSchema":{"type":"object"}}"#
    );
}

#[test]
fn a_page_does_not_copy_its_pieces() {
    let piece = Bytes::from_static(br#"{"name":"a"},{"name":"b"}"#);
    let shape = Shape::new(ProtocolVersion::V2026_07_28, None);
    let pieces = vec![piece.clone(), Bytes::new(), piece.clone()];
    let page = list("tools", pieces, None, CacheHint::default(), &shape);
    let frame = Frame::result(&1.into(), page);
    assert_eq!(
        frame
            .pieces()
            .filter(|it| it.as_ptr() == piece.as_ptr())
            .count(),
        2
    );
    let value: Value = serde_json::from_slice(&frame.into_bytes()).unwrap();
    assert_eq!(value["result"]["tools"].as_array().map(Vec::len), Some(4));
    assert_eq!(value["result"]["ttlMs"], 0);
    assert_eq!(value["result"]["cacheScope"], "private");
}

#[test]
fn progress_numbers_are_written_as_clients_expect() {
    let text = |value: f64| {
        let report = ProgressParams::new(1.into(), value);
        progress(&report, ProtocolVersion::LATEST)
            .as_str()
            .to_owned()
    };
    assert_eq!(text(50.0), r#"{"progressToken":1,"progress":50}"#);
    assert_eq!(text(0.5), r#"{"progressToken":1,"progress":0.5}"#);
    assert_eq!(text(f64::NAN), r#"{"progressToken":1,"progress":0}"#);
}
