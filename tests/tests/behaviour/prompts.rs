//! Prompts, and completing their arguments.

use mcp_session::protocol::PromptMessage;
use mcp_session::{CompletionRequest, Prompt, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{both, parts, serve, template};

#[derive(Deserialize, JsonSchema)]
struct Trip {
    /// Where to.
    city: String,
    #[serde(default)]
    days: u8,
}

fn plan() -> Prompt {
    Prompt::new("plan_trip")
        .description("Plans a trip.")
        .complete("city", async |request: CompletionRequest| {
            let days = request.filled_in("days").unwrap_or("some").to_owned();
            let cities = ["Oslo", "Osaka", "Bergen"].into_iter();
            let fitting = cities.filter(|city| city.starts_with(request.value()));
            fitting
                .map(|city| format!("{city} for {days}"))
                .collect::<Vec<_>>()
        })
        .handler(async |trip: Trip| format!("Plan {} days in {}.", trip.days, trip.city))
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_listed_and_fills_in_its_arguments() {
    let server = serve(template().prompt(plan()));
    both(&server, async |client| {
        let prompts = client.list_prompts().await;
        let arguments = prompts[0].arguments.clone().unwrap();
        let shown: Vec<_> = arguments
            .iter()
            .map(|one| (&*one.name, one.required))
            .collect();
        assert_eq!(shown, [("city", true), ("days", false)]);
        assert_eq!(arguments[0].description.as_deref(), Some("Where to."));
        let prompt = client
            .get_prompt("plan_trip", json!({"city": "Oslo", "days": "3"}))
            .await;
        let said = serde_json::to_value(&prompt.messages).unwrap();
        assert_eq!(said[0]["role"], "user");
        assert_eq!(said[0]["content"]["text"], "Plan 3 days in Oslo.");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wrong_prompt_arguments_are_protocol_errors() {
    let server = serve(template().prompt(plan()));
    both(&server, async |client| {
        let cases = [
            (json!({}), "city"),
            (json!({"city": "Oslo", "days": "many"}), "days"),
            (json!({"city": 7}), "string"),
            (json!("Oslo"), "an object"),
        ];
        for (arguments, hint) in cases {
            let error = client
                .try_get_prompt("plan_trip", arguments.clone())
                .await
                .unwrap_err();
            assert_eq!(error.code, -32602, "{arguments}");
            assert!(error.message.contains(hint), "{arguments}: {error}");
        }
        let error = client.try_get_prompt("plan", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-32602, "unknown prompt: plan"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_prompt_may_hold_several_messages_or_fail() {
    let dialogue = Prompt::new("dialogue").handler(async || {
        [
            PromptMessage::user("Hello?"),
            PromptMessage::assistant("Hello!"),
        ]
    });
    let fails = Prompt::new("fails").handler(async || Err::<String, _>(ToolError::new("no")));
    let panics = Prompt::new("panics").handler(async || -> String {
        panic!("this panic is part of the test");
    });
    let server = serve(template().prompt(dialogue).prompt(fails).prompt(panics));
    both(&server, async |client| {
        assert_eq!(
            client
                .get_prompt("dialogue", json!({}))
                .await
                .messages
                .len(),
            2
        );
        let error = client.try_get_prompt("fails", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-32603, "no"));
        let error = client
            .try_get_prompt("panics", json!({}))
            .await
            .unwrap_err();
        assert_eq!(parts(&error), (-32603, "the handler failed unexpectedly"));
        assert_eq!(
            client
                .get_prompt("dialogue", json!({}))
                .await
                .messages
                .len(),
            2
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn arguments_complete_with_what_was_filled_in_before() {
    let server = serve(template().prompt(plan()));
    both(&server, async |client| {
        let completion = client.complete_prompt("plan_trip", "city", "Os").await;
        assert_eq!(completion.values, ["Oslo for some", "Osaka for some"]);
        let params = json!({
            "ref": {"type": "ref/prompt", "name": "plan_trip"},
            "argument": {"name": "city", "value": "B"},
            "context": {"arguments": {"days": "2"}},
        });
        let result = client.request("completion/complete", params).await.unwrap();
        assert_eq!(result["completion"]["values"], json!(["Bergen for 2"]));
        // Nobody completes this one.
        assert!(
            client
                .complete_prompt("plan_trip", "days", "")
                .await
                .values
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_most_a_hundred_values_are_sent_and_the_rest_is_said_to_exist() {
    let many: Vec<String> = (0..250).map(|number| format!("value {number}")).collect();
    let prompt = Prompt::new("many")
        .argument("which", "-")
        .complete("which", many)
        .handler(async || "-");
    let server = serve(template().prompt(prompt));
    both(&server, async |client| {
        let completion = client.complete_prompt("many", "which", "").await;
        assert_eq!(completion.values.len(), 100);
        assert_eq!(
            (completion.total, completion.has_more),
            (Some(250), Some(true))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn completing_something_unknown_is_an_error() {
    let server = serve(template().prompt(plan()));
    both(&server, async |client| {
        let complete = async |reference: Value| {
            let params = json!({"ref": reference, "argument": {"name": "x", "value": ""}});
            client
                .request("completion/complete", params)
                .await
                .unwrap_err()
        };
        let error = complete(json!({"type": "ref/prompt", "name": "nobody"})).await;
        assert_eq!(parts(&error), (-32602, "unknown prompt: nobody"));
        let error = complete(json!({"type": "ref/tool", "name": "plan_trip"})).await;
        assert_eq!(error.code, -32602);
    })
    .await;
}
