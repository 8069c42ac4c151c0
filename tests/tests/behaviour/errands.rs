//! Errands that users run at a URL, and questions that are asked before a handler runs.

use std::sync::Arc;

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::{Answer, Client};
use mcp_session::{
    Context, Elicit, Elicited, JsonSchema, Principal, Server, Tool, ToolError, tool,
};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{serve, template};

fn sign_in() -> Tool {
    Tool::new("sign_in")
        .description("-")
        .handler(async |ctx: Context| {
            let url = |id: &str| format!("https://forge.example/oauth?state={id}");
            Ok::<_, ToolError>(match ctx.visit("sign-in", "Sign in", url).await? {
                Elicited::Accept(()) => "signed in",
                Elicited::Decline => "declined",
                Elicited::Cancel => "cancelled",
            })
        })
}

/// The errand's id, from the URL.
fn id_of(asked: &Value) -> String {
    let url = asked["url"].as_str().unwrap();
    url.split_once("state=").unwrap().1.to_owned()
}

fn ann() -> Principal {
    Principal::new("test", "ann")
}

async fn connected(
    server: &Server,
    version: ProtocolVersion,
    answer: impl Fn(Value) -> Answer + Send + Sync + 'static,
) -> Client {
    Client::builder(server)
        .version(version)
        .principal(ann())
        .on_elicit(answer)
        .connect()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_handshake_client_waits_for_its_errand_and_is_told() {
    let server = serve(template().tool(sign_in()));
    let agree = |_: Value| Answer::from(json!({"action": "accept"}));
    let client = connected(&server, ProtocolVersion::V2025_11_25, agree).await;
    let call = client.start("tools/call", json!({"name": "sign_in"})).await;
    let asked = client.next_question().await.params;
    let id = id_of(&asked);
    assert_eq!(
        (&asked["mode"], &asked["elicitationId"]),
        (&json!("url"), &json!(id))
    );
    client.settle().await;
    let errands = server.elicitations();
    for stranger in [None, Some(&Principal::new("test", "bob"))] {
        assert!(!errands.complete(stranger, &id).await.unwrap());
    }
    assert!(!errands.complete(Some(&ann()), "made up").await.unwrap());
    assert!(errands.complete(Some(&ann()), &id).await.unwrap());
    let told = client
        .notification("notifications/elicitation/complete")
        .await;
    assert_eq!(told.params, json!({"elicitationId": id}));
    assert_eq!(
        call.result().await.unwrap()["content"][0]["text"],
        "signed in"
    );
}

#[tokio::test(start_paused = true)]
async fn an_errand_that_is_never_done_times_out_in_the_handshake_era() {
    let server = serve(template().tool(sign_in()));
    let agree = |_: Value| Answer::from(json!({"action": "accept"}));
    let client = connected(&server, ProtocolVersion::V2025_11_25, agree).await;
    let said = client.call_tool("sign_in", json!({})).await.error();
    assert_eq!(said, "the client did not answer in time");
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_is_asked_until_its_errand_is_done() {
    let server = serve(template().tool(sign_in()));
    let agree = |_: Value| Answer::from(json!({"action": "accept"}));
    let client = connected(&server, ProtocolVersion::LATEST, agree).await;
    let call = json!({"name": "sign_in", "arguments": {}});
    let first = client.request("tools/call", call.clone()).await.unwrap();
    let asked = &first["inputRequests"]["sign-in"]["params"];
    assert!(asked.get("elicitationId").is_none(), "{asked}");
    let id = id_of(asked);
    let again = client.answered(call.clone(), &first).await.unwrap();
    let second = client.request("tools/call", again).await.unwrap();
    assert_eq!(
        second["inputRequests"], first["inputRequests"],
        "not back yet"
    );
    assert!(
        server
            .elicitations()
            .complete(Some(&ann()), &id)
            .await
            .unwrap()
    );
    let again = client.answered(call, &second).await.unwrap();
    let third = client.request("tools/call", again).await.unwrap();
    assert_eq!(third["content"][0]["text"], "signed in");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_to_go_is_not_waited_for() {
    let server = serve(template().tool(sign_in()));
    for version in [ProtocolVersion::V2025_11_25, ProtocolVersion::LATEST] {
        let client = connected(&server, version, |_| Answer::decline()).await;
        assert_eq!(
            client.call_tool("sign_in", json!({})).await.text(),
            "declined"
        );
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
struct Seat {
    seat: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
struct Meal {
    meal: String,
}

/// Books a flight.
#[tool(park = "1m", answers_without_state)]
async fn book(
    flight: String,
    #[ask("Which seat?")] seat: Elicit<Seat>,
    #[ask("Which meal?")] meal: Elicit<Meal>,
    ctx: Context,
) -> String {
    let (Elicited::Accept(seat), Elicited::Accept(meal)) = (seat.into_inner(), meal.into_inner())
    else {
        return "not booked".to_owned();
    };
    let runs = ctx.session().principal().is_some();
    format!("{flight} {} {} {runs}", seat.seat, meal.meal)
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_takes_is_asked_in_one_round_before_it_runs() {
    let server = serve(template().tool(book));
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let client = connected(&server, version, move |question| {
            heard
                .lock()
                .push(question["message"].as_str().unwrap().to_owned());
            Answer::accept(json!({"seat": "12C", "meal": "soup"}))
        })
        .await;
        let said = client
            .call_tool("book", json!({"flight": "X1"}))
            .await
            .text();
        assert_eq!(said, "X1 12C soup true");
        let mut asked = std::mem::take(&mut *asked.lock());
        asked.sort();
        assert_eq!(asked, ["Which meal?", "Which seat?"]);
        // What is asked is no argument.
        let tools = client.list_tools().await;
        let properties =
            serde_json::to_value(&tools[0]).unwrap()["inputSchema"]["properties"].clone();
        assert_eq!(properties, json!({"flight": {"type": "string"}}));
    }
    // Both questions go out together.
    let client = connected(&server, ProtocolVersion::LATEST, |_| Answer::decline()).await;
    let call = json!({"name": "book", "arguments": {"flight": "X1"}});
    let asking = client.request("tools/call", call).await.unwrap();
    assert_eq!(asking["inputRequests"].as_object().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_asked_is_refused_before_anything_runs() {
    let server = serve(template().tool(book));
    let stateless = Client::stateless(&server);
    let call = json!({"flight": "X1"});
    let error = stateless
        .try_call_tool("book", call.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code, -32021);
    let handshake = Client::handshake(&server).await;
    assert!(
        handshake
            .call_tool("book", call)
            .await
            .error()
            .contains("elicitation")
    );
}

#[tokio::test]
async fn a_function_that_asks_can_be_called_directly() {
    let seat = Elicit::new(Elicited::Accept(Seat { seat: "1A".into() }));
    assert_eq!(*seat, Elicited::Accept(Seat { seat: "1A".into() }));
}
