//! A handler that asks in the stateless era: the round that seals its state, and the one that opens
//! it again.

use divan::Bencher;
use mcp_session::{Context, Elicited, Server, Template, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::Client;

/// Where to sit.
#[derive(Debug, Deserialize, JsonSchema)]
struct Seat {
    seat: String,
}

fn asking() -> Server {
    let book = async |ctx: Context| -> Result<String, ToolError> {
        match ctx.elicit::<Seat>("seat", "Where?").await? {
            Elicited::Accept(seat) => Ok(seat.seat),
            Elicited::Decline | Elicited::Cancel => Ok("nowhere".to_owned()),
        }
    };
    let book = Tool::new("book").description("Books a seat.").handler(book);
    let template = Template::builder("asking", "1.0.0").tool(book);
    Server::new(template.build().expect("no mistakes"))
}

/// Runs the handler until it asks, and seals what is known.
#[divan::bench]
fn ask_and_seal(bencher: Bencher<'_, '_>) {
    let mut client = Client::stateless(&asking());
    let request = client.asks("tools/call", json!({"name": "book", "arguments": {}}));
    bencher.bench_local(|| client.answer(request()));
}

/// Opens what was sealed, and runs the handler to its end.
#[divan::bench]
fn open_and_finish(bencher: Bencher<'_, '_>) {
    let mut client = Client::stateless(&asking());
    let mut params = json!({"name": "book", "arguments": {}});
    let asked = client.result(client.asks("tools/call", params.clone())());
    let questions = asked["inputRequests"].as_object().expect("questions");
    let answer = json!({"action": "accept", "content": {"seat": "12C"}});
    let answers = questions.keys().map(|key| (key.clone(), answer.clone()));
    params["inputResponses"] = Value::Object(answers.collect());
    params["requestState"] = asked["requestState"].clone();
    let retry = client.asks("tools/call", params);
    let finished = client.result(retry());
    assert_eq!(finished["content"][0]["text"], "12C");
    bencher.bench_local(|| client.answer(retry()));
}
