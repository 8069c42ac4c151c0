//! Structured output, as each revision knows it.

use mcp_session::protocol::CallToolResult;
use mcp_session::{Json, Tool};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{both, every_version, serve, template};

#[derive(Serialize, JsonSchema)]
struct Forecast {
    sky: String,
    degrees: i32,
}

fn forecast() -> Tool {
    Tool::new("forecast").description("-").handler(async || {
        Json(Forecast {
            sky: "clear".to_owned(),
            degrees: 21,
        })
    })
}

#[tokio::test(start_paused = true)]
async fn an_object_is_structured_from_2025_06_18_on_and_text_always() {
    let server = serve(template().tool(forecast()));
    every_version(&server, async |client, version| {
        let page = client.request("tools/list", json!({})).await.unwrap();
        let tool = &page["tools"][0];
        let outcome = client.call_tool("forecast", json!({})).await;
        let expected = json!({"sky": "clear", "degrees": 21});
        let known = version.has_structured_content();
        assert_eq!(tool.get("outputSchema").is_some(), known, "{version}");
        assert_eq!(
            outcome.value().get("structuredContent"),
            known.then_some(&expected)
        );
        assert_eq!(
            serde_json::from_str::<Value>(&outcome.text()).unwrap(),
            expected
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_object_is_structured_in_2026_07_28_only() {
    let list = Tool::new("list")
        .description("-")
        .handler(async || Json(vec![1, 2, 3]));
    let server = serve(template().tool(list));
    every_version(&server, async |client, version| {
        let page = client.request("tools/list", json!({})).await.unwrap();
        let outcome = client.call_tool("list", json!({})).await;
        let known = version.has_any_structured_content();
        assert_eq!(
            page["tools"][0].get("outputSchema").is_some(),
            known,
            "{version}"
        );
        let structured = outcome.value().get("structuredContent");
        assert_eq!(
            structured,
            known.then(|| json!([1, 2, 3])).as_ref(),
            "{version}"
        );
        assert_eq!(outcome.text(), "[1,2,3]");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn output_that_breaks_a_schema_given_by_hand_does_not_go_out() {
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let tool = |name: &str, content: Value| {
        Tool::new(name)
            .description("-")
            .output_schema(schema.clone())
            .handler(move || {
                let result = CallToolResult::text("-").structured_content(content.clone());
                async move { result }
            })
    };
    let server = serve(
        template()
            .tool(tool("kept", json!({"n": 1})))
            .tool(tool("broken", json!({"n": "secret"}))),
    );
    both(&server, async |client| {
        assert!(!client.call_tool("kept", json!({})).await.is_error);
        let said = client.call_tool("broken", json!({})).await.error();
        assert_eq!(said, "the tool's answer does not fit its output schema");
    })
    .await;
}
