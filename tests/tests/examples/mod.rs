//! Proves that every example runs and answers a client, over each transport it has.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod booking;
mod callers;
mod governed;
mod process;
mod replicas;
mod web;

use std::time::Duration;

use serde_json::{Value, json};

use crate::examples::process::{Child, finished};

/// Longer than anything here takes; only a server that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test, but not forever. Building the examples does not count.
async fn bounded(test: impl Future<Output = ()>) {
    process::built();
    let ended = tokio::time::timeout(PATIENCE, test).await;
    ended.expect("the example answers in time");
}

fn tool_names(listed: &Value) -> Vec<&str> {
    let tools = listed["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn quickstart_prints_a_command_that_works_and_stops_on_ctrl_c() {
    bounded(async {
        let mut server = Child::start("quickstart", &["--http", "127.0.0.1:0"]);
        let url = server.url().await;
        let mut snippet = String::new();
        let command = loop {
            let line = server.line().await;
            if line.starts_with("curl ") {
                break line;
            }
            if line.starts_with(['{', '}', ' ']) {
                snippet += &line;
            }
        };
        let config: Value = serde_json::from_str(&snippet).unwrap();
        assert_eq!(config["mcpServers"]["quickstart"]["url"], url.as_str());
        let answer = web::pasted(&command).await;
        assert_eq!(text(&answer), "42", "{answer}");

        #[cfg(unix)]
        {
            server.interrupt();
            assert!(server.ended().await.success());
        }
    })
    .await;
}

#[tokio::test]
async fn quickstart_says_what_to_do_when_the_port_is_taken() {
    bounded(async {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let output = finished("quickstart", &["--http", &addr]).await;
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--http 127.0.0.1:0"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    })
    .await;
}

#[tokio::test]
async fn quickstart_serves_stdio_in_both_eras_with_nothing_but_the_protocol_on_stdout() {
    bounded(async {
        let mut server = Child::start("quickstart", &["--stdio"]);
        server.initialize().await;
        let call = json!({"name": "add", "arguments": {"a": 2}});
        let answer = server.ask("tools/call", call.clone()).await;
        assert_eq!(text(&answer), "3");
        let answer = server.ask("tools/call", web::stateless(call)).await;
        assert_eq!(
            (text(&answer), &answer["result"]["resultType"]),
            ("3", &json!("complete"))
        );
        let wrong = json!({"name": "add", "arguments": {"a": "two"}});
        let answer = server.ask("tools/call", wrong).await;
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        server.close_input();
        assert!(server.ended().await.success());
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn quickstart_stops_on_ctrl_c_while_its_input_is_open() {
    bounded(async {
        let mut server = Child::start("quickstart", &["--stdio"]);
        server.initialize().await;
        server.interrupt();
        assert!(server.ended().await.success());
    })
    .await;
}

#[tokio::test]
async fn everything_lists_the_simple_text_first_over_both_transports() {
    bounded(async {
        let mut stdio = Child::start("everything", &["--stdio"]);
        stdio.initialize().await;
        let listed = stdio.ask("tools/list", json!({})).await;
        let http = Child::start_http("everything").await;
        let over_http = http.url.call("tools/list", json!({})).await;
        assert_eq!(tool_names(&listed), tool_names(&over_http));
        assert_eq!(tool_names(&listed)[0], "test_simple_text");
        let call = json!({"name": "test_simple_text"});
        let said = "This is a simple text response for testing.";
        assert_eq!(text(&stdio.ask("tools/call", call.clone()).await), said);
        assert_eq!(text(&http.url.call("tools/call", call).await), said);
    })
    .await;
}

#[tokio::test]
async fn stdio_cli_tells_people_and_models_the_same() {
    bounded(async {
        // Examples run in this package's directory.
        let printed = finished("stdio_cli", &["wc", "Cargo.toml"]).await;
        let printed = String::from_utf8(printed.stdout).unwrap();
        let mut server = Child::start("stdio_cli", &["mcp"]);
        server.initialize().await;
        let call = json!({"name": "wc", "arguments": {"path": "Cargo.toml"}});
        let counted = server.ask("tools/call", call).await;
        let counts = &counted["result"]["structuredContent"];
        let told = format!(
            "{} lines, {} words, {} bytes\n",
            counts["lines"], counts["words"], counts["bytes"]
        );
        assert_eq!(printed, told);

        let outside = finished("stdio_cli", &["head", "../README.md"]).await;
        let call = json!({"name": "head", "arguments": {"path": "../README.md"}});
        let refused = server.ask("tools/call", call).await;
        assert_eq!(refused["result"]["isError"], true);
        let said = String::from_utf8(outside.stderr).unwrap();
        assert!(said.contains(text(&refused)), "{said}");
    })
    .await;
}

#[tokio::test]
async fn basket_keeps_what_was_put_in_for_a_client_without_a_session_too() {
    bounded(async {
        let call = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
        let http = Child::start_http("basket").await;
        let taken = http
            .url
            .call("tools/call", call("new_basket", json!({})))
            .await;
        let basket = text(&taken).to_owned();
        assert_eq!(taken["result"]["structuredContent"]["basket"], basket);
        let tea = call(
            "add_item",
            json!({"basket": basket, "sku": "tea", "count": 2}),
        );
        http.url.call("tools/call", tea).await;
        // In a session of the other era, the basket is the same.
        let session = http.url.open().await;
        let shown = session.ask("tools/call", call("show_basket", json!({"basket": basket})));
        let shown = shown.await["result"]["structuredContent"].clone();
        assert_eq!(
            shown,
            json!({"items": {"tea": 2}, "total": 990, "paid": false})
        );
        let pay = || call("check_out", json!({"basket": basket}));
        assert_eq!(text(&http.url.call("tools/call", pay()).await), "paid 9.90");
        let again = http.url.call("tools/call", pay()).await;
        assert_eq!(again["result"]["isError"], true, "{again}");

        let mut stdio = Child::start("basket", &["--stdio"]);
        stdio.initialize().await;
        let unknown = call("show_basket", json!({"basket": basket}));
        let unknown = stdio.ask("tools/call", web::stateless(unknown)).await;
        assert!(text(&unknown).contains("`new_basket`"), "{unknown}");
        let own = stdio.ask("tools/call", call("new_basket", json!({}))).await;
        let listed = web::stateless(call("list_baskets", json!({})));
        let listed = stdio.ask("tools/call", listed).await;
        let handles = &listed["result"]["structuredContent"]["handles"];
        assert_eq!(handles[0]["handle"], text(&own));
    })
    .await;
}
