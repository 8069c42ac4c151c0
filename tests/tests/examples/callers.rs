//! Proves that the examples about callers give each their own, in both eras.

use serde_json::{Value, json};

use crate::examples::process::Child;
use crate::examples::{bounded, text, tool_names, web};

fn call(name: &str) -> Value {
    json!({"name": name})
}

#[tokio::test]
async fn per_user_tools_shows_each_caller_their_own_in_both_eras() {
    bounded(async {
        let server = Child::start_http("per_user_tools").await;
        let (ada, bob) = (
            server.url.bearing("ada-token"),
            server.url.bearing("bob-token"),
        );
        let own = [
            "whoami",
            "unlock_expert",
            "query_overdue",
            "query_top_customers",
        ];
        let adas = ada.call("tools/list", json!({})).await;
        assert_eq!(tool_names(&adas), own);
        assert_eq!(adas["result"]["cacheScope"], "private");
        let session = ada.open().await;
        let adas = session.ask("tools/list", json!({})).await;
        assert_eq!(tool_names(&adas), own);

        let hidden = bob.call("tools/call", call("query_overdue")).await;
        let unknown = bob.call("tools/call", call("query_overdrawn")).await;
        let renamed = unknown.to_string().replace("overdrawn", "overdue");
        assert_eq!(hidden.to_string(), renamed);
        let session = bob.open().await;
        let hidden = session.ask("tools/call", call("query_overdue")).await;
        let unknown = session.ask("tools/call", call("query_overdrawn")).await;
        let renamed = unknown.to_string().replace("overdrawn", "overdue");
        assert_eq!(hidden.to_string(), renamed);
        let answer = session.ask("tools/call", call("whoami")).await;
        assert_eq!(text(&answer), "bob");
    })
    .await;
}

#[tokio::test]
async fn per_user_tools_unlocks_the_expert_for_its_caller_only_in_both_eras() {
    bounded(async {
        let server = Child::start_http("per_user_tools").await;
        let (ada, bob) = (
            server.url.bearing("ada-token"),
            server.url.bearing("bob-token"),
        );
        let list = || async {
            let (hers, his) = (
                ada.call("tools/list", json!({})).await,
                bob.call("tools/list", json!({})).await,
            );
            [hers, his].map(|listed| tool_names(&listed).contains(&"expert"))
        };
        let (session, other) = (ada.open().await, ada.open().await);
        session.ask("tools/call", call("unlock_expert")).await;
        let answer = session.ask("tools/call", call("expert")).await;
        assert_eq!(text(&answer), "done, expertly");
        let listed = other.ask("tools/list", json!({})).await;
        assert!(!tool_names(&listed).contains(&"expert"));
        assert_eq!(list().await, [false, false]);

        let answer = ada.call("tools/call", call("unlock_expert")).await;
        assert_eq!(text(&answer), "`expert` is there now");
        assert_eq!(list().await, [true, false]);
        let answer = ada.call("tools/call", call("expert")).await;
        assert_eq!(text(&answer), "done, expertly");
        let again = ada.call("tools/call", call("unlock_expert")).await;
        assert_eq!(again["error"]["code"], -32602, "{again}");
    })
    .await;
}

#[tokio::test]
async fn per_user_tools_knows_the_local_user_in_both_eras() {
    bounded(async {
        let mut server = Child::start_as("bob", "per_user_tools");
        server.initialize().await;
        let before = server.ask("tools/list", json!({})).await;
        let stateless = server.ask("tools/list", web::stateless(json!({}))).await;
        let own = ["whoami", "unlock_expert", "query_stock"];
        assert_eq!(tool_names(&before), own);
        assert_eq!(tool_names(&stateless), own);

        server.ask("tools/call", call("unlock_expert")).await;
        let after = server.ask("tools/list", json!({})).await;
        assert!(tool_names(&after).contains(&"expert"));
        assert_eq!(server.notified, ["notifications/tools/list_changed"]);
        let stateless = server.ask("tools/list", web::stateless(json!({}))).await;
        assert_eq!(tool_names(&stateless), own, "another era, another session");
        let unlock = web::stateless(call("unlock_expert"));
        server.ask("tools/call", unlock).await;
        let stateless = server.ask("tools/list", web::stateless(json!({}))).await;
        assert!(tool_names(&stateless).contains(&"expert"));
    })
    .await;
}

#[tokio::test]
async fn ab_gating_keeps_its_choice_in_both_eras() {
    bounded(async {
        let server = Child::start_http("ab_gating").await;
        let chosen = [
            ("ada", None, 1),
            ("gus", None, 2),
            ("ada", Some("variant=beta"), 2),
            ("gus", Some("variant=default"), 1),
        ];
        for (user, query, tools) in chosen {
            let url = server.url.bearing(user);
            let url = query.map_or_else(|| url.clone(), |query| url.query(query));
            let (session, again) = (url.open().await, url.open().await);
            for _ in 0..2 {
                let lists = [
                    url.call("tools/list", json!({})).await,
                    session.ask("tools/list", json!({})).await,
                    again.ask("tools/list", json!({})).await,
                ];
                for listed in lists {
                    assert_eq!(tool_names(&listed).len(), tools, "{user} {query:?}");
                }
            }
            let search = json!({"name": "search", "arguments": {"words": "tea"}});
            let expected = if tools == 1 {
                "what contains tea"
            } else {
                "what is like tea"
            };
            let answers = [
                url.call("tools/call", search.clone()).await,
                session.ask("tools/call", search).await,
            ];
            for answer in answers {
                assert_eq!(text(&answer), expected, "{user} {query:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ab_gating_asks_the_local_user_in_both_eras() {
    bounded(async {
        for (user, tools) in [("ada", 1), ("gus", 2)] {
            let mut server = Child::start_as(user, "ab_gating");
            server.initialize().await;
            let listed = server.ask("tools/list", json!({})).await;
            assert_eq!(tool_names(&listed).len(), tools, "{user}");
            let listed = server.ask("tools/list", web::stateless(json!({}))).await;
            assert_eq!(tool_names(&listed).len(), tools, "{user}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_printed_commands_of_both_work_as_they_are() {
    bounded(async {
        for (example, expected) in [
            (
                "per_user_tools",
                ["Which invoices are overdue", "query_overdue"],
            ),
            ("ab_gating", ["what contains teapot", "what is like teapot"]),
        ] {
            let mut server = Child::start(example, &["--http", "127.0.0.1:0"]);
            server.url().await;
            for expected in expected {
                let answer = loop {
                    let line = server.line().await;
                    if line.starts_with("curl ") {
                        break web::pasted(&line).await;
                    }
                };
                assert!(answer.to_string().contains(expected), "{answer}");
            }
        }
    })
    .await;
}
