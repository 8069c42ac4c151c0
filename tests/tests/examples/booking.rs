//! The example that asks: the same tool in both eras, and one payment for each booking.

use serde_json::{Value, json};

use crate::examples::process::Child;
use crate::examples::{bounded, text, web};

/// Fills in a form: every field has one answer.
fn filled_in(question: &Value) -> Value {
    let fields = question["requestedSchema"]["properties"].as_object();
    let answers = json!({
        "seat": "12C", "card": "company", "agreed": true, "meal": "vegetables",
    });
    let content = fields.unwrap().keys().map(|field| {
        let answer = answers[field].clone();
        assert!(
            !answer.is_null(),
            "nobody expects to be asked for `{field}`"
        );
        (field.clone(), answer)
    });
    json!({"action": "accept", "content": Value::from_iter(content)})
}

fn call() -> Value {
    json!({"name": "book", "arguments": {"flight": "SK 417"}})
}

/// Calls again with answers until nothing more is asked, every time twice: clients may.
async fn booked(mut ask: impl AsyncFnMut(Value) -> Value) -> (String, usize) {
    let mut params = call();
    for rounds in 0.. {
        ask(params.clone()).await;
        let answer = ask(params).await;
        let result = &answer["result"];
        if result["resultType"] != "input_required" {
            return (text(&answer).to_owned(), rounds);
        }
        let asked = result["inputRequests"].as_object().unwrap();
        let answers = asked
            .iter()
            .map(|(key, question)| (key.clone(), filled_in(&question["params"])));
        params = call();
        params["inputResponses"] = Value::from_iter(answers);
        params["requestState"] = result["requestState"].clone();
    }
    unreachable!("it returns")
}

const BOOKED: &str = "Booked SK 417, seat 12C, receipt 1, to eat: Vegetables.";
const PAID: &str = "SK 417 12C, Company card";

#[tokio::test]
async fn booking_asks_a_client_with_a_handshake_and_is_paid_once() {
    bounded(async {
        let mut server = Child::start("booking", &["--stdio"]);
        server.answers = Some(filled_in);
        server.initialize().await;
        let answer = server.ask("tools/call", call()).await;
        assert_eq!(text(&answer), BOOKED, "{answer}");
        let paid = server.ask("tools/call", json!({"name": "payments"})).await;
        assert_eq!(text(&paid), PAID);
    })
    .await;
}

#[tokio::test]
async fn booking_asks_a_stateless_client_in_rounds_and_is_paid_once() {
    bounded(async {
        let mut server = Child::start("booking", &["--stdio"]);
        let over_stdio =
            booked(async |params| server.ask("tools/call", web::stateless(params)).await).await;
        assert_eq!(over_stdio, (BOOKED.to_owned(), 3));
        let payments = web::stateless(json!({"name": "payments"}));
        assert_eq!(text(&server.ask("tools/call", payments).await), PAID);

        let server = Child::start_http("booking").await;
        let over_http = booked(async |params| server.url.call("tools/call", params).await).await;
        assert_eq!(over_http, (BOOKED.to_owned(), 3));
        let payments = json!({"name": "payments"});
        assert_eq!(text(&server.url.call("tools/call", payments).await), PAID);
    })
    .await;
}
