//! Forms: filled in, declined, closed, answered wrongly, and never answered.

use std::time::Duration;

use mcp_session::protocol::RpcError;
use mcp_session::{AskError, Context, Elicited, JsonSchema, Limits, Server, Tool, ToolError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Client, Count, Said, Script, Seat, Way, accept, every_way, serve_tool, template, text,
};

every_way! {
    a_form_is_filled_in
    every_kind_of_field_comes_back
    declining_and_cancelling_are_no_errors
    an_answer_that_does_not_fit_fails_the_call
    an_answer_that_does_not_fit_can_be_told_apart
    a_client_that_never_answers_holds_nothing_for_ever
    a_client_that_refuses_to_ask_is_heard
}

fn book() -> Tool {
    Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            Ok::<_, ToolError>(match ctx.elicit::<Seat>("seat", "Which seat?").await? {
                Elicited::Accept(seat) => format!("seat {}", seat.seat),
                Elicited::Decline => "declined".to_owned(),
                Elicited::Cancel => "cancelled".to_owned(),
            })
        })
}

async fn a_form_is_filled_in(way: Way) {
    let script = Script::forms(|_| accept(json!({"seat": "12C"})));
    let client = Client::connect(way, &serve_tool(book()), script).await;
    assert_eq!(client.ask().await, "seat 12C");
    let asked = client.script.asked();
    let [(method, params)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(method, "elicitation/create");
    assert_eq!(params["message"], "Which seat?");
    let form = &params["requestedSchema"];
    assert_eq!(form["properties"]["seat"]["type"], "string");
    assert_eq!(form["properties"]["seat"]["description"], "Row and letter.");
    assert_eq!(form["required"], json!(["seat"]));
}

/// Every kind of field that both newest revisions have.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Trip {
    city: String,
    #[schemars(range(min = 1, max = 30))]
    days: u8,
    budget: f64,
    insured: bool,
    class: Class,
    extras: Vec<Extra>,
    #[serde(default = "home")]
    from: String,
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Class {
    /// Where most sit.
    Economy,
    /// Where few sit.
    Business,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Extra {
    Bike,
    Dog,
}

fn home() -> String {
    "Oslo".to_owned()
}

async fn every_kind_of_field_comes_back(way: Way) {
    let plan = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let Elicited::Accept(trip) = ctx.elicit::<Trip>("trip", "Where to?").await? else {
                return Err(ToolError::new("nowhere"));
            };
            Ok(serde_json::to_string(&trip)?)
        });
    let given = json!({
        "city": "Lima", "days": 3, "budget": 99.5, "insured": true,
        "class": "business", "extras": ["bike", "dog"],
    });
    let answer = given.clone();
    let script = Script::forms(move |_| accept(answer.clone()));
    let client = Client::connect(way, &serve_tool(plan), script).await;
    let mut expected = given;
    (expected["from"], expected["note"]) = ("Oslo".into(), Value::Null);
    let said: Value = serde_json::from_str(&client.ask().await).unwrap();
    assert_eq!(said, expected);
    let form = client.script.asked()[0].1["requestedSchema"].clone();
    let fields = &form["properties"];
    assert_eq!(
        fields["class"]["oneOf"],
        json!([
            {"const": "economy", "title": "Where most sit."},
            {"const": "business", "title": "Where few sit."},
        ])
    );
    assert_eq!(fields["extras"]["items"]["enum"], json!(["bike", "dog"]));
    assert_eq!(fields["from"]["default"], "Oslo");
    assert_eq!(
        (&fields["days"]["minimum"], &fields["days"]["maximum"]),
        (&json!(1), &json!(30))
    );
}

async fn declining_and_cancelling_are_no_errors(way: Way) {
    for (action, said) in [("decline", "declined"), ("cancel", "cancelled")] {
        let script = Script::forms(move |_| Said::Result(json!({"action": action})));
        let client = Client::connect(way, &serve_tool(book()), script).await;
        assert_eq!(client.ask().await, said);
    }
}

/// What a call came to, where an answer was wrong: an error in the stateless era, since the answer
/// is a part of the request there, and a failure that the model reads in the other.
fn failure(way: Way, outcome: Result<Value, RpcError>) -> String {
    match outcome {
        Ok(result) => {
            assert!(!way.is_stateless(), "{result}");
            assert_eq!(result["isError"], true);
            text(&result)
        }
        Err(error) => {
            assert!(way.is_stateless(), "{error}");
            assert_eq!(error.code, -32602);
            error.message.into_owned()
        }
    }
}

/// Answers of another shape, and of other types.
fn misfits() -> [Value; 4] {
    [
        json!({"action": "accept", "content": {"seat": 12}}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "shrug"}),
        json!({"seat": "12C"}),
    ]
}

async fn an_answer_that_does_not_fit_fails_the_call(way: Way) {
    for misfit in misfits() {
        let answer = misfit.clone();
        let script = Script::forms(move |_| Said::Result(answer.clone()));
        let client = Client::connect(way, &serve_tool(book()), script).await;
        let failed = failure(way, client.try_ask().await);
        let expected = "the client's answer does not fit";
        assert!(failed.starts_with(expected), "{misfit}: {failed}");
    }
}

async fn an_answer_that_does_not_fit_can_be_told_apart(way: Way) {
    for misfit in misfits() {
        let wary = Tool::new("ask")
            .description("-")
            .handler(
                async |ctx: Context| match ctx.elicit::<Seat>("seat", "Which seat?").await {
                    Err(AskError::Misfit(_)) => "nonsense",
                    other => panic!("{other:?}"),
                },
            );
        let script = Script::forms(move |_| Said::Result(misfit.clone()));
        let client = Client::connect(way, &serve_tool(wary), script).await;
        assert_eq!(client.ask().await, "nonsense");
    }
}

/// Counts when it is dropped.
struct Held(Count);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.more();
    }
}

async fn a_client_that_never_answers_holds_nothing_for_ever(way: Way) {
    let dropped = Count::default();
    let counted = dropped.clone();
    let patient = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            let held = Held(counted.clone());
            async move {
                let asked = ctx.elicit::<Seat>("seat", "Which seat?").await;
                drop(held);
                match asked {
                    Err(AskError::TimedOut) => Ok("nobody there"),
                    other => Err(ToolError::new(format!("{other:?}"))),
                }
            }
        });
    let limits = Limits::default().answer(Duration::from_secs(30));
    let template = template().tool(patient).build().unwrap();
    let server = Server::builder(template).limits(limits).build().unwrap();
    let client = Client::connect(way, &server, Script::forms(|_| Said::Nothing)).await;
    let call = json!({"name": "ask"});
    let result = client.once("tools/call", call).await.unwrap();
    if way.is_stateless() {
        // The client has the question, and the server has forgotten all about it.
        assert_eq!(result["resultType"], "input_required");
        assert!(result["requestState"].is_string());
    } else {
        assert_eq!(text(&result), "nobody there");
    }
    assert_eq!(dropped.get(), 1);
}

/// Only the handshake era has a way to say so: in the other, a client that does not want to answer
/// does not call again.
async fn a_client_that_refuses_to_ask_is_heard(way: Way) {
    let script = Script::forms(|_| Said::Error(-32603, "the user is away"));
    let client = Client::connect(way, &serve_tool(book()), script).await;
    if !way.is_stateless() {
        assert_eq!(client.ask().await, "the client refused: the user is away");
        return;
    }
    let call = json!({"name": "ask"});
    let asked = client.once("tools/call", call.clone()).await.unwrap();
    assert_eq!(asked["resultType"], "input_required");
    // Without an answer it is asked again, for as often as it calls.
    let mut again = call;
    again["requestState"] = asked["requestState"].clone();
    again["inputResponses"] = json!({});
    let asked = client.once("tools/call", again).await.unwrap();
    assert_eq!(asked["resultType"], "input_required");
}
