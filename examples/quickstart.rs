//! A whole server: one tool, one prompt, one resource, for every revision of the protocol.
//!
//! ```text
//! cargo run --example quickstart                          http://127.0.0.1:8000/mcp
//! cargo run --example quickstart -- --http 127.0.0.1:0    any free port
//! cargo run --example quickstart -- --stdio               for clients that start their servers
//! ```
//!
//! It prints what to put into a client's configuration, and a command that calls the tool. Try to
//! call it with a text for a number: the answer says what is wrong, so that a model can do better.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with a command line"
)]

use mcp_session::{Server, Template, prompt, resource, tool};
use mcp_session_examples::{Listen, Result, client_config, curl, serve};
use serde_json::json;

/// Add two numbers.
#[tool(read_only)]
async fn add(
    a: i64,
    /// What to add.
    #[default = 1]
    b: i64,
) -> String {
    match a.checked_add(b) {
        Some(sum) => sum.to_string(),
        None => "more than can be counted".to_owned(),
    }
}

/// Explain a sum to somebody.
#[prompt]
async fn explain(
    /// Such as "12 + 30".
    sum: String,
    /// Who is to understand it.
    #[complete(["a child", "an accountant", "a mathematician"])]
    listener: Option<String>,
) -> String {
    let listener = listener.unwrap_or_else(|| "a child".to_owned());
    format!("Explain {sum} to {listener}. Check the result with the tool `add`.")
}

/// The times table of a number.
#[resource("table://{number}", mime_type = "text/plain")]
async fn table(number: u32) -> String {
    let rows = (1..=10).map(|row| format!("{row} * {number} = {}", row * u64::from(number)));
    rows.collect::<Vec<_>>().join("\n")
}

#[tokio::main]
async fn main() -> Result {
    let template = Template::builder("quickstart", "1.0.0")
        .instructions("Use `add` for sums.")
        .tool(add)
        .prompt(explain)
        .resource(table)
        .build()?;
    let server = Server::new(template);

    let listen = Listen::from_args()?;
    if listen == Listen::Stdio {
        // Standard output belongs to the protocol.
        eprintln!("quickstart serves this terminal; press Ctrl-D to end it");
    }
    // In a program of your own: `server.serve_http("127.0.0.1:8000").await`, or `serve_stdio()`.
    serve(server, listen, |url| {
        println!("quickstart is served at {url}\n");
        println!(
            "For the configuration of a client:\n{}\n",
            client_config("quickstart", url)
        );
        let call = curl(url, "add", &json!({"a": 40, "b": 2}));
        println!("To call the tool `add` from another terminal:\n{call}\n");
        println!("Press Ctrl-C to stop.");
    })
    .await
}
