//! A tool that asks: which seat, how to pay, what to eat. Written once, for both eras.
//!
//! ```text
//! cargo run --example booking
//! cargo run --example booking -- --stdio
//! ```
//!
//! A client with a handshake is asked while the handler waits, on the stream of its call. A client
//! of 2026-07-28 is told what is needed, in a result; it calls again with the answer, and the
//! handler **runs again from its beginning**, where the questions that were answered return at once.
//! So `book` runs four times for three questions, and says so on standard error. What must not happen
//! four times, the payment, is in `ctx.once`.
//!
//! What is known between two calls travels with the client, sealed. One process needs no
//! preparation for that; several need the same keys, which this program reads from
//! `MCP_SESSION_SEAL_KEYS` where it is set, and a store that they share.
//!
//! Any client that can show forms will do. Ask its model to book a flight, and then what was paid.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with a command line"
)]

use std::sync::Mutex;

use mcp_session::{
    Context, Dep, Elicited, JsonSchema, SealKeys, Server, Template, ToolError, tool,
};
use mcp_session_examples::{Listen, Result, client_config, serve};
use serde::Deserialize;

/// The seats that are left.
const FREE: [&str; 3] = ["1A", "12C", "30F"];

#[derive(Deserialize, JsonSchema)]
struct Choice {
    /// Row and letter, such as 12C.
    seat: String,
}

#[derive(Deserialize, JsonSchema)]
struct Payment {
    /// Which of the cards on file to charge.
    card: Card,
    /// Whether to charge it now.
    agreed: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Card {
    /// The private one.
    Private,
    /// The company's.
    Company,
}

#[derive(Deserialize, JsonSchema)]
struct Meal {
    /// What to serve.
    meal: Dish,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Dish {
    Fish,
    Vegetables,
}

/// Who takes the money: what would be a payment service.
#[derive(Default)]
struct Bank(Mutex<Vec<String>>);

impl Bank {
    /// Has an effect on the world, and no way to take it back.
    // Async, as it would be with a service.
    async fn charge(&self, card: &Card, what: &str) -> Result<String, ToolError> {
        let mut charged = self.charged()?;
        charged.push(format!("{what}, {card:?} card"));
        Ok(format!("receipt {}", charged.len()))
    }

    fn charged(&self) -> Result<std::sync::MutexGuard<'_, Vec<String>>, ToolError> {
        self.0
            .lock()
            .map_err(|_| ToolError::new("the bank is closed"))
    }
}

/// Book a flight. The user is asked for everything else.
#[tool]
async fn book(
    /// Such as SK 417.
    flight: String,
    bank: Dep<Bank>,
    ctx: Context,
) -> Result<String, ToolError> {
    eprintln!("`book` begins");
    let question = format!("Which seat on {flight}? Left are {}.", FREE.join(", "));
    let Elicited::Accept(Choice { seat }) = ctx.elicit("seat", question).await? else {
        return Ok("Not booked: no seat was chosen.".to_owned());
    };
    if !FREE.contains(&&*seat) {
        return Err(ToolError::new(format!("seat {seat} is not free")));
    }
    let question = format!("Seat {seat} on {flight} costs 99 euros.");
    let payment = match ctx.elicit::<Payment>("payment", question).await? {
        Elicited::Accept(payment) if payment.agreed => payment,
        _ => return Ok("Not booked: nothing was paid.".to_owned()),
    };
    // Once, although this handler runs again when the next answer is there.
    let what = format!("{flight} {seat}");
    let receipt = ctx
        .once("charge", || bank.charge(&payment.card, &what))
        .await?;
    let meal = match ctx
        .elicit::<Meal>("meal", "What would you like to eat?")
        .await?
    {
        Elicited::Accept(chosen) => format!("{:?}", chosen.meal),
        Elicited::Decline | Elicited::Cancel => "nothing".to_owned(),
    };
    Ok(format!(
        "Booked {flight}, seat {seat}, {receipt}, to eat: {meal}."
    ))
}

/// What was paid so far.
#[tool(read_only)]
async fn payments(bank: Dep<Bank>) -> Result<String, ToolError> {
    Ok(bank.charged()?.join("\n"))
}

#[tokio::main]
async fn main() -> Result {
    let template = Template::builder("booking", "1.0.0")
        .instructions("Use `book` to book a flight. It asks the user for seat and payment.")
        .provide(Bank::default())
        .tool(book)
        .tool(payments)
        .build()?;
    let mut server = Server::builder(template);
    if let Some(keys) = SealKeys::from_env()? {
        server = server.seal_keys(keys).audience("booking");
    }
    serve(server.build()?, Listen::from_args()?, |url| {
        println!("booking is served at {url}\n");
        println!(
            "For the configuration of a client that can show forms:\n{}",
            client_config("booking", url)
        );
    })
    .await
}
