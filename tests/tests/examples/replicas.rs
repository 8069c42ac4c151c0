//! Proves that processes which are given the same store and the same key are one server.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::examples::{
    bounded,
    process::{Child, finished},
    text,
    web::Url,
};

const TOOL: &str = "test_input_required_result_multi_round";

/// A process of `everything`.
async fn replica(store: Option<&str>, key: &str) -> (Child, Url) {
    let mut args = vec!["--http", "127.0.0.1:0", "--seal-key", key];
    args.extend(store.map(|url| ["--store", url]).into_iter().flatten());
    let mut child = Child::start("everything", &args);
    let url = child.url().await;
    (child, url)
}

/// Answers the one question that came with this result.
async fn answered(url: &Url, asked: &Value, answer: Value) -> Value {
    let result = &asked["result"];
    let questions = result["inputRequests"].as_object();
    let questions = questions.unwrap_or_else(|| panic!("nothing was asked: {asked}"));
    assert_eq!(questions.len(), 1, "{asked}");
    let question = questions.keys().next().unwrap();
    let params = json!({
        "name": TOOL,
        "arguments": {},
        "requestState": result["requestState"],
        "inputResponses": {question: {"action": "accept", "content": answer}},
    });
    url.call("tools/call", params).await
}

/// Asks at one process and answers at another, which asks again.
async fn round(store: Option<&str>) {
    let (key, other) = ("0a".repeat(32), "0b".repeat(32));
    let (_a, a) = replica(store, &key).await;
    let (_b, b) = replica(store, &key).await;
    let (_stranger, stranger) = replica(None, &other).await;

    let call = json!({"name": TOOL, "arguments": {}});
    let first = a.call("tools/call", call).await;
    let refused = answered(&stranger, &first, json!({"name": "Ada"})).await;
    assert!(refused["error"].is_object(), "{refused}");
    let second = answered(&b, &first, json!({"name": "Ada"})).await;
    let done = answered(&a, &second, json!({"color": "green"})).await;
    assert!(text(&done).contains("Ada") && text(&done).contains("green"));
}

#[tokio::test]
async fn a_question_of_one_process_is_answered_at_another() {
    bounded(round(None)).await;
}

/// The engines that there are.
fn engines() -> Vec<String> {
    let mut engines = Vec::new();
    for variable in ["DATABASE_URL", "REDIS_URL"] {
        let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
        let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(
            url.is_some() || !in_ci,
            "{variable} is not set, and this is CI"
        );
        if url.is_none() {
            let line = format!("!!! SKIPPED: {variable} is not set; see scripts/services\n");
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
        engines.extend(url);
    }
    engines
}

#[tokio::test]
async fn processes_share_a_store_in_an_engine() {
    for url in engines() {
        bounded(round(Some(&url))).await;
    }
}

#[tokio::test]
async fn a_cluster_serves_one_session_at_every_replica() {
    for url in engines() {
        bounded(async {
            let output = finished("cluster", &["--store", &url]).await;
            let (said, wrong) = (output.stdout, output.stderr);
            let (said, wrong) = (String::from_utf8(said), String::from_utf8(wrong));
            let (said, wrong) = (said.unwrap(), wrong.unwrap());
            assert!(output.status.success(), "{said}\n{wrong}");
            for step in [
                "opens the session",
                "say_hello",
                "counts: 3",
                "one large pizza",
            ] {
                assert!(said.contains(step), "{step}: {said}");
            }
            for replica in ["a  ", "b  ", "c  "] {
                assert!(said.contains(&format!("\n{replica}")), "{replica}: {said}");
            }
        })
        .await;
    }
}
