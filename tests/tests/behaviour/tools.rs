//! Calling tools: arguments, results, failures.

use mcp_session::protocol::{CallToolResult, ContentBlock, RpcError};
use mcp_session::{Audio, Context, Image, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{both, named, parts, serve, template};

#[derive(Deserialize, JsonSchema)]
struct Addends {
    /// The first.
    a: i64,
    b: i64,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, JsonSchema)]
struct Tag {
    #[expect(dead_code, reason = "only its type matters")]
    weight: u8,
}

fn add() -> Tool {
    let builder = Tool::new("add")
        .title("Add")
        .description("Adds.")
        .read_only();
    builder.handler(async |sum: Addends| sum.a + sum.b + i64::try_from(sum.tags.len()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_listed_as_it_was_registered_and_answers() {
    let server = serve(template().tool(add()).tool(named("second")));
    both(&server, async |client| {
        let tools = client.list_tools().await;
        let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["add", "second"]);
        assert_eq!(tools[0].title.as_deref(), Some("Add"));
        assert_eq!(
            tools[0].input_schema["properties"]["a"]["description"],
            "The first."
        );
        assert_eq!(tools[0].input_schema["required"], json!(["a", "b"]));
        let annotations = tools[0].annotations.clone().unwrap();
        assert_eq!(annotations.read_only_hint, Some(true));
        let outcome = client.call_tool("add", json!({"a": 1, "b": 2})).await;
        assert_eq!((outcome.text().as_str(), outcome.is_error), ("3", false));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_reach_the_model_with_path_and_expected_type() {
    let server = serve(template().tool(add()));
    both(&server, async |client| {
        let cases = [
            (
                json!({"a": 1, "b": "x"}),
                "`b`: invalid type: string \"x\", expected an integer",
            ),
            (json!({"a": 1}), "missing field `b`"),
            (json!({}), "missing field `a`"),
            (
                json!({"a": 1.5, "b": 2}),
                "`a`: invalid type: floating point `1.5`, expected an integer",
            ),
            (
                json!({"a": null, "b": 2}),
                "`a`: invalid type: null, expected an integer",
            ),
            (
                json!({"a": 1, "b": 2, "tags": [{"weight": 1}, {"weight": 256}]}),
                "`tags[1].weight`: invalid value: integer `256`, expected an integer from 0 to 255",
            ),
        ];
        for (arguments, expected) in cases {
            assert_eq!(client.call_tool("add", arguments).await.error(), expected);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_object_are_a_protocol_error() {
    let server = serve(template().tool(add()));
    both(&server, async |client| {
        for arguments in [
            json!([1, 2]),
            json!("a"),
            json!(3),
            json!(null),
            json!(true),
        ] {
            let error = client
                .try_call_tool("add", arguments.clone())
                .await
                .unwrap_err();
            assert_eq!(error.code, -32602, "{arguments}");
            assert!(
                error.message.contains("`arguments` must be an object"),
                "{error}"
            );
        }
        let absent = client
            .request("tools/call", json!({"name": "add"}))
            .await
            .unwrap();
        assert_eq!(absent["isError"], true);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_a_protocol_error_that_names_it() {
    let server = serve(template().tool(add()));
    both(&server, async |client| {
        let error = client.try_call_tool("Add", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-32602, "unknown tool: Add"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_says_how_it_failed() {
    let rpc = Tool::new("rpc")
        .description("-")
        .handler(async || Err::<(), _>(ToolError::protocol(RpcError::new(-42, "of its own"))));
    let io = Tool::new("io")
        .description("-")
        .handler(async || Err::<(), ToolError>(std::io::Error::other("the disk is full").into()));
    let gone = Tool::new("gone")
        .description("-")
        .handler(async || Err::<(), _>(ToolError::not_found()));
    let blocks = Tool::new("blocks").description("-").handler(async || {
        Err::<(), _>(ToolError::content([
            ContentBlock::text("one"),
            ContentBlock::text("two"),
        ]))
    });
    let server = serve(template().tool(rpc).tool(io).tool(gone).tool(blocks));
    both(&server, async |client| {
        let error = client.try_call_tool("rpc", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-42, "of its own"));
        assert_eq!(
            client.call_tool("io", json!({})).await.error(),
            "the disk is full"
        );
        let error = client.try_call_tool("gone", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-32602, "unknown tool: gone"));
        assert_eq!(
            client.call_tool("blocks", json!({})).await.error(),
            "one\ntwo"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_own_call_only() {
    let panics = Tool::new("panics")
        .description("-")
        .handler(async || -> () {
            panic!("this panic is part of the test");
        });
    let later = Tool::new("panics_later")
        .description("-")
        .handler(async || -> () {
            tokio::task::yield_now().await;
            panic!("this panic is part of the test");
        });
    let server = serve(template().tool(panics).tool(later).tool(named("calm")));
    both(&server, async |client| {
        for name in ["panics", "panics_later"] {
            let said = client.call_tool(name, json!({})).await.error();
            assert_eq!(said, "the tool failed unexpectedly");
        }
        assert_eq!(client.call_tool("calm", json!({})).await.text(), "calm");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_parameter_is_ignored() {
    let server = serve(template().tool(named("quick")));
    both(&server, async |client| {
        let params = json!({"name": "quick", "task": {"ttl": 60_000}});
        let result = client.request("tools/call", params).await.unwrap();
        assert_eq!(result["content"][0]["text"], "quick");
        assert!(result.get("task").is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn content_of_every_kind_arrives() {
    let media = Tool::new("media").description("-").handler(async || {
        vec![
            Image::new([1, 2, 3], "image/png").into(),
            Audio::new([4, 5, 6], "audio/wav").into(),
            ContentBlock::text("words"),
        ]
    });
    let whole = Tool::new("whole").description("-").handler(async || {
        CallToolResult::text("by hand").structured_content(json!({"by": "hand"}))
    });
    let nothing = Tool::new("nothing").description("-").handler(async || ());
    let server = serve(template().tool(media).tool(whole).tool(nothing));
    both(&server, async |client| {
        let outcome = client.call_tool("media", json!({})).await;
        let kinds: Vec<_> = outcome.value()["content"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        assert_eq!(kinds[0]["data"], "AQID");
        assert_eq!(
            (&kinds[0]["type"], &kinds[1]["type"]),
            (&json!("image"), &json!("audio"))
        );
        assert_eq!(kinds[2]["text"], "words");
        let outcome = client.call_tool("whole", json!({})).await;
        assert_eq!(
            outcome.structured::<serde_json::Value>(),
            json!({"by": "hand"})
        );
        assert!(
            client
                .call_tool("nothing", json!({}))
                .await
                .content
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_together_do_not_mix() {
    let echo = Tool::new("echo")
        .description("-")
        .handler(async |sum: Addends, ctx: Context| {
            for _ in 0..sum.b {
                tokio::task::yield_now().await;
            }
            format!("{} of request {}", sum.a, ctx.request_id())
        });
    let server = serve(template().tool(echo));
    both(&server, async |client| {
        let mut calls = Vec::new();
        for a in 0..100 {
            let params = json!({"name": "echo", "arguments": {"a": a, "b": (100 - a) % 7}});
            calls.push((a, client.start("tools/call", params).await));
        }
        for (a, call) in calls {
            let expected = format!("{a} of request {}", call.id());
            assert_eq!(call.result().await.unwrap()["content"][0]["text"], expected);
        }
    })
    .await;
}
