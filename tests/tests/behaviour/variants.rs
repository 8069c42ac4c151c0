//! A family of templates, one of which serves each client.

use std::time::Duration;

use mcp_session::session::Opening;
use mcp_session::testing::Client;
use mcp_session::{Limits, Principal, Server, Template, Variant};
use serde_json::json;

use super::named;

fn template(tool: &str) -> Template {
    Template::builder("family", "1")
        .tool(named(tool))
        .build()
        .unwrap()
}

fn family() -> Server {
    let select = |opening: &Opening| match opening.principal().map(Principal::subject) {
        Some("ann") => "beta",
        Some("eve") => "no such variant",
        _ => Variant::DEFAULT,
    };
    Server::builder(template("plain"))
        .variant("beta", template("fancy"))
        .select(select)
        .build()
        .unwrap()
}

async fn client(server: &Server, subject: &str, stateless: bool) -> Client {
    let principal = Principal::new("https://issuer.example", subject);
    let version = if stateless {
        super::ProtocolVersion::LATEST
    } else {
        super::ProtocolVersion::LATEST_HANDSHAKE
    };
    Client::builder(server)
        .version(version)
        .principal(principal)
        .connect()
        .await
}

async fn names(client: &Client) -> Vec<String> {
    client
        .list_tools()
        .await
        .into_iter()
        .map(|tool| tool.name)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_variant_decides_what_is_listed_and_what_can_be_called() {
    let server = family();
    for stateless in [false, true] {
        for (subject, has, lacks) in [
            ("ann", "fancy", "plain"),
            ("bob", "plain", "fancy"),
            ("eve", "plain", "fancy"),
        ] {
            let client = client(&server, subject, stateless).await;
            assert_eq!(names(&client).await, [has]);
            assert_eq!(client.call_tool(has, json!({})).await.text(), has);
            assert_eq!(
                client
                    .try_call_tool(lacks, json!({}))
                    .await
                    .unwrap_err()
                    .code,
                -32602
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_publication_concerns_its_variant_only() {
    let server = family();
    let (ann, bob) = (
        client(&server, "ann", true).await,
        client(&server, "bob", true).await,
    );
    let wish = json!({"toolsListChanged": true});
    let (hers, his) = (
        ann.listen(wish.clone()).await.unwrap(),
        bob.listen(wish).await.unwrap(),
    );
    server
        .publish("beta", |edit| edit.add_tool(named("fancier")))
        .await
        .unwrap();
    assert_eq!((hers.heard().await.len(), his.heard().await.len()), (1, 0));
    assert_eq!(names(&ann).await, ["fancy", "fancier"]);
    assert_eq!(names(&bob).await, ["plain"]);
}

#[tokio::test(start_paused = true)]
async fn lists_that_vary_by_caller_are_private() {
    let server = family();
    let client = client(&server, "ann", true).await;
    let page = client.request("tools/list", json!({})).await.unwrap();
    assert_eq!(
        (&page["cacheScope"], &page["ttlMs"]),
        (&json!("private"), &json!(0))
    );
}

#[test]
fn a_configuration_that_can_only_fail_is_refused() {
    let unselected = Server::builder(template("a"))
        .variant("b", template("b"))
        .build();
    assert!(unselected.unwrap_err().is_configuration());
    let twice = Server::builder(template("a"))
        .variant("b", template("b"))
        .variant("b", template("c"))
        .select(|_: &Opening| "b")
        .build();
    assert!(twice.unwrap_err().is_configuration());
    let unnamed = Server::builder(template("a"))
        .variant("", template("b"))
        .select(|_: &Opening| "");
    assert!(unnamed.build().unwrap_err().is_configuration());
    for limits in [
        Limits::default().message_bytes(0),
        Limits::default().nesting(0),
        Limits::default().idle(Duration::ZERO),
        Limits::default().keep_alive(Duration::ZERO),
    ] {
        let server = Server::builder(template("a")).limits(limits).build();
        assert!(server.unwrap_err().is_configuration());
    }
}
