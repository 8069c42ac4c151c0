//! Tools: arguments as JSON text, replies as JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::auth::Principal;
use crate::catalog::fake::{checked, context};
use crate::catalog::{Image, IntoToolReply, Json, Tool, ToolReply};
use crate::context::{Context, Dep};
use crate::error::ToolError;
use crate::protocol::{CallToolResult, ContentBlock, Raw};
use crate::schema::JsonSchema;

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    /// What to add.
    b: Option<u8>,
}

/// Runs a tool with arguments as JSON text.
async fn run(tool: &Tool, arguments: &'static str) -> Result<Value, String> {
    let arguments = match arguments {
        "" => None,
        text => Some(Raw::parse(Bytes::from_static(text.as_bytes())).unwrap()),
    };
    match checked(tool).run(arguments, context()).await {
        Ok(ToolReply::Complete(result)) => Ok(serde_json::to_value(result).unwrap()),
        Ok(ToolReply::InputRequired(_)) => Err("input required".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn text(text: &str) -> Result<Value, String> {
    Ok(json!({"content": [{"type": "text", "text": text}]}))
}

fn reply(answer: impl IntoToolReply) -> Value {
    match answer.into_tool_reply().unwrap() {
        ToolReply::Complete(result) => serde_json::to_value(result).unwrap(),
        ToolReply::InputRequired(result) => serde_json::to_value(result).unwrap(),
    }
}

#[tokio::test]
async fn a_closure_without_parameters_is_a_tool() {
    let tool = Tool::new("three")
        .description("Says 3.")
        .handler(async || "3");
    assert_eq!(tool.definition().input_schema, json!({"type": "object"}));
    assert_eq!(run(&tool, "").await, text("3"));
    assert_eq!(run(&tool, r#"{"unknown": [1, {}]}"#).await, text("3"));
}

#[tokio::test]
async fn arguments_come_first_and_then_what_is_given() {
    let tool =
        Tool::new("add").handler(
            |add: Add,
             ctx: Context,
             answer: Dep<u64>,
             who: Principal,
             none: Option<Dep<String>>| async move {
                assert!(none.is_none() && ctx.principal() == Some(&who));
                format!(
                    "{} for {} of {}",
                    add.a + i64::from(add.b.unwrap_or(1)),
                    who.subject(),
                    *answer
                )
            },
        );
    assert_eq!(
        tool.definition().input_schema,
        json!({
            "type": "object",
            "properties": {
                "a": {"type": "integer"},
                "b": {"type": "integer", "minimum": 0, "maximum": 255, "description": "What to add."},
            },
            "required": ["a"],
        })
    );
    assert_eq!(tool.needs().dependencies().len(), 1);
    assert_eq!(
        run(&tool, r#"{"a": 40, "b": 2}"#).await,
        text("42 for ann of 42")
    );
    assert_eq!(
        run(&tool, r#"{"a": 40, "b": null}"#).await,
        text("41 for ann of 42")
    );
}

#[tokio::test]
async fn wrong_arguments_are_the_tools_failure_and_say_where() {
    let tool = Tool::new("add").handler(|add: Add| async move { add.a });
    let error = run(&tool, r#"{"a": "x"}"#).await.unwrap_err();
    assert_eq!(
        error,
        "`a`: invalid type: string \"x\", expected an integer"
    );
    assert!(
        run(&tool, "")
            .await
            .unwrap_err()
            .contains("missing field `a`")
    );
    assert!(
        run(&tool, r#"{"a": 1, "b": 256}"#)
            .await
            .unwrap_err()
            .starts_with("`b`: ")
    );
}

#[tokio::test]
async fn a_handler_may_begin_with_what_is_given() {
    let tool = Tool::new("who").handler(|who: Principal| async move { who.subject().to_owned() });
    assert_eq!(run(&tool, r#"{"who": "mallory"}"#).await, text("ann"));
    let missing = Tool::new("missing").handler(|_nothing: Dep<String>| async {});
    let unchecked = missing.common().handler.run(None, context()).await;
    assert!(unchecked.unwrap_err().to_string().contains("provides no"));
}

#[tokio::test]
async fn limits_beyond_the_type_are_checked_by_the_schema() {
    #[derive(Deserialize, JsonSchema)]
    struct Roll {
        #[schemars(range(min = 1, max = 6))]
        sides: u8,
        label: Option<String>,
    }
    let tool = Tool::new("roll").handler(|roll: Roll| async move { (roll.sides, roll.label).0 });
    assert_eq!(
        run(&tool, r#"{"sides": 6, "label": null}"#).await,
        text("6")
    );
    assert!(
        run(&tool, r#"{"sides": 7}"#)
            .await
            .unwrap_err()
            .contains("sides")
    );
}

#[tokio::test]
async fn a_dynamic_tool_is_held_to_its_schema() {
    let schema = json!({
        "type": "object",
        "properties": {"text": {"type": "string", "maxLength": 3}},
        "required": ["text"],
    });
    let echo = Tool::new("echo")
        .input_schema(schema.clone())
        .handler(|arguments: Map<String, Value>| async move { arguments["text"].to_string() });
    assert_eq!(echo.definition().input_schema, schema);
    assert_eq!(run(&echo, r#"{"text": "abc"}"#).await, text("\"abc\""));
    assert!(
        run(&echo, r#"{"text": "abcd"}"#)
            .await
            .unwrap_err()
            .contains("text")
    );
    assert!(run(&echo, "").await.unwrap_err().contains("text"));

    let raw = Tool::new("raw")
        .input_schema(schema)
        .raw_handler(|arguments: Raw, _ctx| async move { arguments.as_str().to_owned() });
    assert_eq!(
        run(&raw, r#"{"text":  "a"}"#).await,
        text(r#"{"text":  "a"}"#)
    );
    assert!(run(&raw, r#"{"text": 1}"#).await.is_err());
}

#[tokio::test]
async fn structured_answers_bring_their_schema_and_a_text() {
    #[derive(Serialize, JsonSchema)]
    struct Sum {
        sum: i64,
    }
    let tool = Tool::new("add")
        .handler(|add: Add| async move { Ok::<_, ToolError>(Json(Sum { sum: add.a })) });
    assert_eq!(
        tool.definition().output_schema.as_ref().unwrap()["required"],
        json!(["sum"])
    );
    assert_eq!(
        run(&tool, r#"{"a": 3}"#).await.unwrap(),
        json!({
            "content": [{"type": "text", "text": "{\"sum\":3}"}],
            "structuredContent": {"sum": 3},
        })
    );
}

#[tokio::test]
async fn a_function_that_takes_any_value_takes_any_object() {
    let echo = Tool::new("echo").handler(|anything: Value| async move { anything.to_string() });
    assert_eq!(echo.definition().input_schema, json!({"type": "object"}));
    assert_eq!(run(&echo, r#"{"a":[1]}"#).await, text(r#"{"a":[1]}"#));
}

#[tokio::test]
async fn an_answer_that_breaks_the_output_schema_never_leaves() {
    let promise = json!({"type": "object", "required": ["sum"]});
    let tool = Tool::new("add")
        .output_schema(promise)
        .handler(
            |answer: Value| async move { CallToolResult::text("done").structured_content(answer) },
        );
    assert_eq!(
        run(&tool, r#"{"sum": 1}"#).await.unwrap()["structuredContent"],
        json!({"sum": 1})
    );
    let broken = run(&tool, "{}").await.unwrap();
    assert_eq!(
        (&broken["isError"], &broken["structuredContent"]),
        (&json!(true), &Value::Null)
    );

    let silent = Tool::new("silent")
        .output_schema(json!({}))
        .handler(async || "done");
    assert_eq!(run(&silent, "").await.unwrap()["isError"], json!(true));
    let failed = Tool::new("failed")
        .output_schema(json!({}))
        .handler(async || CallToolResult::error("no"));
    assert_eq!(
        run(&failed, "").await.unwrap()["content"][0]["text"],
        json!("no")
    );
}

#[test]
fn whatever_can_be_said_becomes_content() {
    let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    assert_eq!(reply(()), json!({"content": []}));
    assert_eq!(reply("a"), text("a"));
    assert_eq!(reply(String::from("a")), text("a"));
    assert_eq!(reply(-1_i8), text("-1"));
    assert_eq!(reply(1.5), text("1.5"));
    assert_eq!(reply(true), text("true"));
    assert_eq!(reply('x'), text("x"));
    assert_eq!(reply([ContentBlock::text("a")]), text("a"));
    assert_eq!(reply(vec![ContentBlock::text("a")]), text("a"));
    let image = json!({"type": "image", "data": "AQI=", "mimeType": "image/png"});
    assert_eq!(
        reply(Image::new([1, 2], "image/png")),
        json!({"content": [image]})
    );
    let error: Result<&str, std::num::ParseIntError> = "x".parse::<u8>().map(|_| "x");
    assert_eq!(
        error.into_tool_reply().unwrap_err().to_string(),
        "invalid digit found in string"
    );
}

#[test]
fn hints_and_pictures_stand_in_the_list() {
    let tool = Tool::new("t")
        .title("T")
        .read_only()
        .idempotent()
        .meta("example.com/a", 1)
        .icon(crate::protocol::Icon::new("https://example.com/i.png"))
        .handler(async || ());
    assert_eq!(
        serde_json::to_value(tool.definition()).unwrap(),
        json!({
            "name": "t",
            "title": "T",
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true, "idempotentHint": true},
            "icons": [{"src": "https://example.com/i.png"}],
            "_meta": {"example.com/a": 1},
        })
    );
}
