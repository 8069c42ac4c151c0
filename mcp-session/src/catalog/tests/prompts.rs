//! Prompts and the completion of their arguments.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalog::fake::context;
use crate::catalog::{CompletionRequest, IntoPromptReply, Prompt, PromptReply};
use crate::context::Context;
use crate::error::{ToolError, ToolErrorKind};
use crate::protocol::{Completion, PromptMessage};
use crate::schema::JsonSchema;

#[derive(Deserialize, JsonSchema)]
struct Trip {
    /// Where to go.
    city: String,
    days: Option<u8>,
}

fn trip() -> Prompt {
    Prompt::new("trip")
        .complete("city", ["Oslo", "Osaka", "Lima"])
        .complete(
            "days",
            |request: CompletionRequest, _ctx: Context| async move {
                (0..300)
                    .map(|n| format!("{}{n}", request.value()))
                    .collect::<Vec<_>>()
            },
        )
        .handler(|trip: Trip| async move { format!("{} {:?}", trip.city, trip.days) })
}

async fn run(prompt: &Prompt, arguments: &[(&str, &str)]) -> Result<Value, ToolError> {
    let owned = arguments
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let arguments: BTreeMap<String, String> = owned.collect();
    match prompt.common().handler.run(arguments, context()).await? {
        PromptReply::Complete(result) => Ok(serde_json::to_value(result).unwrap()),
        PromptReply::InputRequired(_) => Err(ToolError::new("input required")),
    }
}

async fn complete(argument: &str, value: &str) -> Completion {
    let request = CompletionRequest::new(argument, value, BTreeMap::new());
    let completer = trip().completers().find(argument).cloned().unwrap();
    completer.run(request, context()).await.unwrap()
}

#[tokio::test]
async fn arguments_are_derived_and_read_from_text() {
    assert_eq!(
        serde_json::to_value(trip().definition()).unwrap(),
        json!({
            "name": "trip",
            "arguments": [
                {"name": "city", "description": "Where to go.", "required": true},
                {"name": "days"},
            ],
        })
    );
    let message = json!({"role": "user", "content": {"type": "text", "text": "Oslo Some(3)"}});
    let reply = run(&trip(), &[("city", "Oslo"), ("days", "3"), ("other", "x")])
        .await
        .unwrap();
    assert_eq!(reply, json!({"messages": [message]}));
    let reply = run(&trip(), &[("city", "Oslo"), ("days", "")])
        .await
        .unwrap();
    assert_eq!(reply["messages"][0]["content"]["text"], "Oslo None");
}

#[tokio::test]
async fn wrong_arguments_are_invalid_params() {
    for (arguments, message) in [
        (&[("days", "1")][..], "`city`: missing"),
        (
            &[("city", "x"), ("days", "y")],
            "`days`: invalid type: string \"y\", expected an integer from 0 to 255",
        ),
    ] {
        let error = run(&trip(), arguments).await.unwrap_err();
        let ToolErrorKind::Rpc(error) = error.into_kind() else {
            panic!("no protocol error")
        };
        assert_eq!((error.code, &*error.message), (-32602, message));
    }
}

#[tokio::test]
async fn explicit_arguments_need_no_type() {
    let prompt = Prompt::new("p")
        .required_argument("a", "First.")
        .argument("b", "Second.")
        .handler(|given: BTreeMap<String, String>| async move { given["a"].clone() });
    let listed = prompt.definition().arguments.as_ref().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(run(&prompt, &[]).await.is_err());
    assert!(run(&prompt, &[("a", "x")]).await.is_ok());
}

#[tokio::test]
async fn completions_are_filtered_and_cut() {
    assert_eq!(complete("city", "os").await.values, ["Oslo", "Osaka"]);
    let cut = complete("days", "1").await;
    assert_eq!(
        (cut.values.len(), cut.total, cut.has_more),
        (100, Some(300), Some(true))
    );
    assert!(trip().completers().find("nothing").is_none());
}

#[test]
fn messages_become_a_prompt() {
    let messages = [PromptMessage::user("q"), PromptMessage::assistant("a")];
    let PromptReply::Complete(result) = messages.into_prompt_reply().unwrap() else {
        panic!("not complete")
    };
    assert_eq!(result.messages.len(), 2);
}
