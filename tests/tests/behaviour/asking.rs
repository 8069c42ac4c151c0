//! Asking the client: forms and model calls, and what becomes of a client that cannot answer.

use std::time::Duration;

use mcp_session::catalog::IntoToolReply;
use mcp_session::protocol::{
    CreateMessageParams, InputRequest, InputRequiredResult, ProtocolVersion, Raw, SamplingMessage,
};
use mcp_session::server::TemplateBuilder;
use mcp_session::testing::{Answer, Client, ClientBuilder};
use mcp_session::{Capability, Context, Elicited, Server, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{both, serve, template};

#[derive(Deserialize, JsonSchema)]
struct Seat {
    /// Row and letter.
    seat: String,
}

fn book() -> Tool {
    Tool::new("book")
        .description("-")
        .handler(async |ctx: Context| {
            Ok::<_, ToolError>(match ctx.elicit::<Seat>("seat", "Which seat?").await? {
                Elicited::Accept(seat) => format!("seat {}", seat.seat),
                Elicited::Decline => "declined".to_owned(),
                Elicited::Cancel => "cancelled".to_owned(),
            })
        })
}

fn ask_model() -> Tool {
    Tool::new("ask_model")
        .description("-")
        .handler(async |ctx: Context| {
            let params = CreateMessageParams::new(vec![SamplingMessage::user("Capital?")], 100);
            let said = ctx.sample("capital", params).await?;
            Ok::<_, ToolError>(format!("the model said {}", said.content.text()))
        })
}

fn asking() -> TemplateBuilder {
    template().tool(book()).tool(ask_model())
}

async fn with(server: &Server, answer: fn(Value) -> Answer) -> Client {
    Client::builder(server)
        .on_elicit(answer)
        .on_sample(answer)
        .connect()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_form_is_asked_on_the_callers_stream_and_answered() {
    let server = serve(asking());
    let client = with(&server, |_| Answer::accept(json!({"seat": "12C"}))).await;
    assert_eq!(client.call_tool("book", json!({})).await.text(), "seat 12C");
    let asked = client.next_question().await;
    assert_eq!(
        (&*asked.method, &asked.params["message"]),
        ("elicitation/create", &json!("Which seat?"))
    );
    let form = &asked.params["requestedSchema"];
    assert_eq!(form["properties"]["seat"]["type"], "string");
    assert_eq!(form["required"], json!(["seat"]));
}

#[tokio::test(start_paused = true)]
async fn every_way_not_to_answer_reaches_the_handler() {
    let cases: [(fn(Value) -> Answer, &str); 6] = [
        (|_| Answer::decline(), "declined"),
        (|_| Answer::cancel(), "cancelled"),
        (
            |_| Answer::error(-32603, "the user is away"),
            "the client refused: the user is away",
        ),
        (
            |_| Answer::accept(json!({"seat": 12})),
            "the client's answer does not fit",
        ),
        (
            |_| json!({"action": "shrug"}).into(),
            "the client's answer does not fit",
        ),
        (|_| Answer::silence(), "the client did not answer in time"),
    ];
    let server = serve(asking());
    for (answer, expected) in cases {
        let client = with(&server, answer).await;
        let said = client.call_tool("book", json!({})).await.text();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_waits_for_is_withdrawn() {
    let server = serve(asking());
    let client = with(&server, |_| Answer::silence()).await;
    let mut call = client.start("tools/call", json!({"name": "book"})).await;
    tokio::time::sleep(Duration::from_secs(5 * 60 - 1)).await;
    assert!(!call.is_answered());
    assert_eq!(call.result().await.unwrap()["isError"], true);
    let call = client.start("tools/call", json!({"name": "book"})).await;
    client.settle().await;
    client.cancel(call.id()).await;
    for _ in 0..2 {
        let said = client.notification("notifications/cancelled").await;
        assert!(said.params["requestId"].is_i64());
    }
    assert_eq!(client.notifications().await, []);
}

#[tokio::test(start_paused = true)]
async fn the_model_is_asked_and_its_text_comes_back() {
    let server = serve(asking());
    let client = with(&server, |_| Answer::text("Oslo")).await;
    assert_eq!(
        client.call_tool("ask_model", json!({})).await.text(),
        "the model said Oslo"
    );
    let asked = client.next_question().await;
    assert_eq!(asked.method, "sampling/createMessage");
    assert_eq!(asked.params["messages"][0]["content"]["text"], "Capital?");
    assert_eq!(asked.params["maxTokens"], 100);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_answer_is_told_what_is_missing() {
    let server = serve(asking());
    let handshake = Client::handshake(&server).await;
    for (tool, needed) in [("book", "elicitation"), ("ask_model", "sampling")] {
        let said = handshake.call_tool(tool, json!({})).await.error();
        assert!(said.contains(needed), "{said}");
    }
    assert_eq!(handshake.questions(), []);
    let stateless = Client::stateless(&server);
    for (tool, needed) in [("book", "elicitation"), ("ask_model", "sampling")] {
        let error = stateless.try_call_tool(tool, json!({})).await.unwrap_err();
        assert_eq!(error.code, -32021);
        assert_eq!(
            error.data.unwrap()["requiredCapabilities"],
            json!({needed: {}})
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_needs_is_checked_before_it_runs() {
    let needy = Tool::new("needy")
        .description("-")
        .needs(Capability::Sampling)
        .handler(async || -> () { panic!("it must not run") });
    let server = serve(template().tool(needy));
    let handshake = Client::handshake(&server).await;
    let said = handshake.call_tool("needy", json!({})).await.error();
    assert_eq!(
        said,
        "this needs a client that supports sampling, and this one does not"
    );
    let stateless = Client::stateless(&server);
    let error = stateless
        .try_call_tool("needy", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code, -32021);
    assert_eq!(
        error.data.unwrap()["requiredCapabilities"],
        json!({"sampling": {}})
    );
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_is_asked_in_a_result_and_calls_again() {
    let server = serve(asking());
    let client = Client::builder(&server)
        .version(ProtocolVersion::LATEST)
        .on_elicit(|_| Answer::accept(json!({"seat": "12C"})))
        .connect()
        .await;
    let params = json!({"name": "book"});
    let asked = client.request("tools/call", params.clone()).await.unwrap();
    assert_eq!(asked["resultType"], "input_required");
    let question = &asked["inputRequests"]["seat"];
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "Which seat?");
    let again = client.answered(params, &asked).await.unwrap();
    let told = client.request("tools/call", again).await.unwrap();
    assert_eq!(told["resultType"], "complete");
    assert_eq!(told["content"][0]["text"], "seat 12C");
    assert_eq!(client.questions().len(), 1);
    assert_eq!(client.notifications().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_revision_without_elicitation_counts_as_a_client_without_it() {
    let server = serve(asking());
    for version in ProtocolVersion::ALL
        .into_iter()
        .filter(|version| *version != ProtocolVersion::LATEST)
    {
        let accepting = |_| Answer::accept(json!({"seat": "1A"}));
        let builder: ClientBuilder = Client::builder(&server)
            .version(version)
            .on_elicit(accepting);
        let outcome = builder.connect().await.call_tool("book", json!({})).await;
        assert_eq!(outcome.is_error, !version.has_elicitation(), "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_fails_when_the_session_ends() {
    let server = serve(asking());
    let client = with(&server, |_| Answer::silence()).await;
    let call = client.start("tools/call", json!({"name": "book"})).await;
    client.next_question().await;
    let id = client.session().id().clone();
    assert!(server.sessions().end(&id));
    assert_eq!(call.outcome().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_return_its_questions_by_hand() {
    let by_hand = Tool::new("by_hand")
        .description("-")
        .handler(async |ctx: Context| {
            let answer: Option<Value> = ctx.input_responses().find("name");
            if let (Some(answer), Some("round one")) = (answer, ctx.request_state()) {
                return format!("hello {}", answer["content"]["name"]).into_tool_reply();
            }
            let form = json!({"type": "object", "properties": {"name": {"type": "string"}}});
            let params = Raw::from_value(&json!({"message": "Who?", "requestedSchema": form}))?;
            let question = InputRequest::new("elicitation/create", Some(params));
            let asking = InputRequiredResult::new().ask("name", question);
            asking.request_state("round one").into_tool_reply()
        });
    let server = serve(template().tool(by_hand));
    for version in ProtocolVersion::ALL {
        let declared = json!({"elicitation": {}});
        let client = Client::builder(&server).version(version);
        let client = client.capabilities(declared).connect().await;
        let result = client
            .request("tools/call", json!({"name": "by_hand"}))
            .await
            .unwrap();
        if version != ProtocolVersion::LATEST {
            assert_eq!(result["isError"], true);
            continue;
        }
        assert_eq!(result["resultType"], "input_required");
        assert_eq!(
            result["inputRequests"]["name"]["method"],
            "elicitation/create"
        );
        let state = result["requestState"].as_str().unwrap();
        assert!(!state.contains("round one"), "it is sealed: {state}");
        let answers = json!({"name": {"action": "accept", "content": {"name": "Ann"}}});
        let again = json!({
            "name": "by_hand", "inputResponses": answers, "requestState": state,
        });
        let result = client.request("tools/call", again).await.unwrap();
        assert_eq!(result["content"][0]["text"], "hello \"Ann\"");
        assert_eq!(result["resultType"], "complete");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_nothing_is_ignored() {
    let server = serve(asking());
    both(&server, async |client| {
        for line in [
            r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}"#,
        ] {
            assert_eq!(client.raw_request(line).await, [""; 0]);
        }
        assert_eq!(client.list_tools().await.len(), 2);
    })
    .await;
}
