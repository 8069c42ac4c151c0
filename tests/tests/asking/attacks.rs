//! What travels with questions, in the hands of somebody who means no good: nothing that was not
//! sealed for this very request reaches a handler.
//!
//! Why a state was refused is for the log, which the tests of traces look at.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::RpcError;
use mcp_session::server::{ServerBuilder, TemplateBuilder};
use mcp_session::{
    Context, Elicited, JsonSchema, Limits, Principal, Prompt, SealKeys, Server, Tool, ToolError,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Count, Script, Seat, Way, accept, stateless_ways, template, text};

stateless_ways! {
    every_attack_on_a_state_is_refused_before_any_handler
    a_state_is_good_until_it_expires
    keys_are_rotated_without_losing_anybody
    arguments_may_be_written_differently
    answers_that_were_not_asked_for_are_ignored
    answers_that_are_no_object_are_refused
    answers_that_are_too_long_to_carry_fail_the_call
    answers_without_a_state_count_only_where_the_author_says_so
}

/// How long an exchange may last here.
const EXCHANGE: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    #[serde(rename = "flight")]
    _flight: String,
    #[serde(default, rename = "weight")]
    _weight: f64,
}

/// Two tools and a prompt that ask for a seat, and count how often they run.
fn booking(runs: &Count) -> TemplateBuilder {
    let tool = |name: &str| {
        let runs = runs.clone();
        Tool::new(name)
            .description("-")
            .handler(move |_: Order, ctx: Context| {
                runs.more();
                async move { seat(&ctx).await }
            })
    };
    let counted = runs.clone();
    let prompt = Prompt::new("ask")
        .description("-")
        .argument("flight", "-")
        .handler(move |ctx: Context| {
            counted.more();
            async move { seat(&ctx).await }
        });
    template()
        .tool(tool("ask"))
        .tool(tool("other"))
        .prompt(prompt)
}

async fn seat(ctx: &Context) -> Result<String, ToolError> {
    match ctx.elicit::<Seat>("seat", "Which seat?").await? {
        Elicited::Accept(seat) => Ok(seat.seat),
        other => panic!("{other:?}"),
    }
}

fn seated() -> Script {
    Script::forms(|_| accept(json!({"seat": "12C"})))
}

/// A server that knows Ann and Bob.
fn server(template: TemplateBuilder) -> ServerBuilder {
    let caller = |name: &str| Caller::new(Principal::new("test", name));
    let tokens = BearerTokens::new()
        .token("ann", caller("ann"))
        .token("bob", caller("bob"));
    open_server(template).authenticate(tokens)
}

/// The same service, for anybody.
fn open_server(template: TemplateBuilder) -> ServerBuilder {
    Server::builder(template.build().unwrap())
        .limits(Limits::default().exchange(EXCHANGE))
        .audience("shop")
        .seal_keys(key(1))
}

fn key(byte: u8) -> SealKeys {
    SealKeys::new([byte; SealKeys::LENGTH])
}

fn order() -> Value {
    json!({"name": "ask", "arguments": {"flight": "SK1", "weight": 2}})
}

/// What else a client might send for a state.
fn forged(state: &str) -> Vec<(String, String)> {
    let sealed = URL_SAFE_NO_PAD.decode(state).unwrap();
    let flips = (0..sealed.len()).map(|place| {
        let mut sealed = sealed.clone();
        sealed[place] ^= 1 << (place % 8);
        (
            format!("bit of byte {place}"),
            URL_SAFE_NO_PAD.encode(sealed),
        )
    });
    let cuts = [0, 1, 10, 44, state.len() / 2, state.len() - 1];
    let cuts = cuts.map(|length| (format!("cut to {length}"), state[..length].to_owned()));
    let zeros = URL_SAFE_NO_PAD.encode(vec![1; sealed.len()]);
    let others = [
        ("longer", format!("{state}A")),
        ("padded", format!("{state}=")),
        ("twice", format!("{state}{state}")),
        ("oversized", "A".repeat(64 * 1024 + 1)),
        ("made up", "I am Ann, and seat 12C is mine".to_owned()),
        ("made up well", zeros),
        ("another alphabet", state.replace(['-', '_'], "+") + "+"),
    ];
    let others = others.map(|(what, state)| (what.to_owned(), state));
    flips.chain(cuts).chain(others).collect()
}

/// Who refused, and how: the same for all.
fn refused(what: &str, client: &Client, outcome: Result<Value, RpcError>) -> String {
    let error = match outcome {
        Err(error) => error,
        Ok(result) => panic!("{what}: {result}"),
    };
    assert_eq!(error.code, -32602, "{what}: {error}");
    assert!(matches!(client.status(), None | Some(200)), "{what}");
    serde_json::to_string(&error).unwrap()
}

async fn every_attack_on_a_state_is_refused_before_any_handler(way: Way) {
    let runs = Count::default();
    let home = server(booking(&runs)).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", order()).await.unwrap();
    let state = asked["requestState"].as_str().unwrap().to_owned();
    let retry = ann.answered(order(), &asked).await;
    assert_eq!(runs.get(), 1);
    let mut refusals = Vec::new();

    for (what, forged) in forged(&state) {
        let mut retry = retry.clone();
        retry["requestState"] = forged.into();
        let outcome = ann.once("tools/call", retry).await;
        refusals.push(refused(&what, &ann, outcome));
    }

    let with = |member: &str, value: Value| {
        let mut retry = retry.clone();
        retry[member] = value;
        retry
    };
    let requests = [
        ("another tool", "tools/call", with("name", "other".into())),
        (
            "another method",
            "prompts/get",
            with("arguments", json!({"flight": "SK1"})),
        ),
        (
            "another flight",
            "tools/call",
            with("arguments", json!({"flight": "SK2", "weight": 2})),
        ),
        (
            "another weight",
            "tools/call",
            with("arguments", json!({"flight": "SK1", "weight": 3})),
        ),
        (
            "less said",
            "tools/call",
            with("arguments", json!({"flight": "SK1"})),
        ),
        ("nothing said", "tools/call", with("arguments", json!({}))),
    ];
    for (what, method, params) in requests {
        let outcome = ann.once(method, params).await;
        refusals.push(refused(what, &ann, outcome));
    }

    let elsewhere = [
        ("another principal", Some("bob"), server(booking(&runs))),
        ("nobody", None, open_server(booking(&runs))),
        (
            "another audience",
            Some("ann"),
            server(booking(&runs)).audience("bank"),
        ),
        (
            "an unknown key",
            Some("ann"),
            server(booking(&runs)).seal_keys(key(2)),
        ),
        (
            "another variant",
            Some("ann"),
            server(booking(&runs))
                .variant("beta", booking(&runs).build().unwrap())
                .select(|_| "beta"),
        ),
    ];
    for (what, who, server) in elsewhere {
        let server = server.build().unwrap();
        let client = Client::connect_as(who, way, &server, seated()).await;
        let outcome = client.once("tools/call", retry.clone()).await;
        refusals.push(refused(what, &client, outcome));
    }

    assert_eq!(runs.get(), 1, "no handler ran for any of them");
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    // The attacks took nothing away.
    let told = ann.once("tools/call", retry).await.unwrap();
    assert_eq!((text(&told), runs.get()), ("12C".to_owned(), 2));
}

async fn a_state_is_good_until_it_expires(way: Way) {
    let runs = Count::default();
    let home = server(booking(&runs)).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", order()).await.unwrap();
    let retry = ann.answered(order(), &asked).await;
    tokio::time::advance(EXCHANGE - Duration::from_secs(1)).await;
    let told = ann.once("tools/call", retry.clone()).await.unwrap();
    assert_eq!(text(&told), "12C");
    tokio::time::advance(Duration::from_secs(2)).await;
    let outcome = ann.once("tools/call", retry).await;
    refused("expired", &ann, outcome);
    assert_eq!(runs.get(), 2);
}

async fn keys_are_rotated_without_losing_anybody(way: Way) {
    let runs = Count::default();
    let home = server(booking(&runs)).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", order()).await.unwrap();
    let retry = ann.answered(order(), &asked).await;
    // First every replica learns to open what the new key seals, then the new key seals.
    home.set_seal_keys(key(1).and_open([2; SealKeys::LENGTH]));
    assert!(ann.once("tools/call", retry.clone()).await.is_ok());
    home.set_seal_keys(key(2).and_open([1; SealKeys::LENGTH]));
    assert!(ann.once("tools/call", retry.clone()).await.is_ok());
    let newer = ann.once("tools/call", order()).await.unwrap();
    let newer = ann.answered(order(), &newer).await;
    // Then the old key goes, and what it sealed with it.
    home.set_seal_keys(key(2));
    let outcome = ann.once("tools/call", retry).await;
    refused("sealed with a key that is gone", &ann, outcome);
    assert!(ann.once("tools/call", newer).await.is_ok());
}

async fn arguments_may_be_written_differently(way: Way) {
    let home = server(booking(&Count::default())).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", order()).await.unwrap();
    let mut retry = ann.answered(order(), &asked).await;
    retry["arguments"]["weight"] = json!(2.0);
    assert_ne!(
        retry["arguments"].to_string(),
        order()["arguments"].to_string()
    );
    let told = ann.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "12C");
}

/// Asks for a seat, then for a meal.
fn in_turn(runs: &Count) -> Tool {
    let runs = runs.clone();
    Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            runs.more();
            async move {
                let seat = seat(&ctx).await?;
                match ctx.elicit::<Seat>("meal", "Which meal?").await? {
                    Elicited::Accept(meal) => Ok(format!("{seat} {}", meal.seat)),
                    other => Err(ToolError::new(format!("{other:?}"))),
                }
            }
        })
}

fn answer(seat: &str) -> Value {
    json!({"action": "accept", "content": {"seat": seat}})
}

async fn answers_that_were_not_asked_for_are_ignored(way: Way) {
    let runs = Count::default();
    let home = server(template().tool(in_turn(&runs))).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, Script::silent()).await;
    let call = json!({"name": "ask"});
    // Answers without a question are none.
    let mut first = call.clone();
    first["inputResponses"] = json!({"seat": answer("1A"), "meal": answer("fish")});
    let asked = ann.once("tools/call", first).await.unwrap();
    assert!(asked["inputRequests"]["seat"].is_object(), "{asked}");
    // Nor is one that comes before its question.
    let mut second = call.clone();
    second["requestState"] = asked["requestState"].clone();
    second["inputResponses"] =
        json!({"seat": answer("12C"), "meal": answer("fish"), "nonsense": [7]});
    let asked = ann.once("tools/call", second).await.unwrap();
    assert_eq!(asked["inputRequests"].as_object().unwrap().len(), 1);
    assert!(asked["inputRequests"]["meal"].is_object(), "{asked}");
    // And what was answered stays.
    let mut third = call;
    third["requestState"] = asked["requestState"].clone();
    third["inputResponses"] = json!({"seat": answer("1A"), "meal": answer("soup")});
    let told = ann.once("tools/call", third).await.unwrap();
    assert_eq!(text(&told), "12C soup");
    assert_eq!(runs.get(), 3);
}

async fn answers_that_are_no_object_are_refused(way: Way) {
    let runs = Count::default();
    let home = server(booking(&runs)).build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", order()).await.unwrap();
    for wrong in [json!([]), json!("12C"), json!(12)] {
        let mut retry = ann.answered(order(), &asked).await;
        retry["inputResponses"] = wrong.clone();
        let error = ann.once("tools/call", retry).await.unwrap_err();
        assert_eq!(error.code, -32602, "{wrong}");
    }
    assert_eq!(runs.get(), 1);
}

async fn answers_that_are_too_long_to_carry_fail_the_call(way: Way) {
    let limits = Limits::default().request_state_bytes(2_000);
    let runs = Count::default();
    let home = server(template().tool(in_turn(&runs))).limits(limits);
    let home = home.build().unwrap();
    let long = Script::forms(|_| accept(json!({"seat": "A".repeat(3_000)})));
    let ann = Client::connect_as(Some("ann"), way, &home, long).await;
    let error = ann.try_ask().await.unwrap_err();
    assert_eq!(error.code, -32603, "{error}");
    assert!(error.message.contains("too long"), "{error}");
    // Short ones are carried, and the last one need not be, however long.
    let short = Script::forms(|message| match message {
        "Which seat?" => accept(json!({"seat": "12C"})),
        _ => accept(json!({"seat": "fish".repeat(1_000)})),
    });
    let bob = Client::connect_as(Some("bob"), way, &home, short).await;
    assert_eq!(bob.ask().await.len(), "12C ".len() + 4_000);
}

async fn answers_without_a_state_count_only_where_the_author_says_so(way: Way) {
    let name = |name: &str| {
        Tool::new(name)
            .description("-")
            .handler(async |ctx: Context| seat(&ctx).await)
    };
    let trusting = Tool::new("trusting")
        .description("-")
        .answers_without_state()
        .handler(async |ctx: Context| seat(&ctx).await);
    let home = server(template().tool(name("ask")).tool(trusting));
    let home = home.build().unwrap();
    let ann = Client::connect_as(Some("ann"), way, &home, seated()).await;
    let asked = ann.once("tools/call", json!({"name": "trusting"})).await;
    assert!(asked.unwrap().get("requestState").is_none());
    let call = |name: &str| json!({"name": name, "inputResponses": {"seat": answer("12C")}});
    let told = ann.once("tools/call", call("trusting")).await.unwrap();
    assert_eq!(text(&told), "12C");
    let asked = ann.once("tools/call", call("ask")).await.unwrap();
    assert_eq!(asked["resultType"], "input_required");
}
