//! Roots: fetched, kept, fetched again when they change.

use std::sync::Arc;

use mcp_session::protocol::Root;
use mcp_session::server::RootsChange;
use mcp_session::testing::{Answer, Client};
use mcp_session::{Context, Server, Session, Tool, ToolError};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::{Mutex, Notify};

use super::{serve, template};

/// What `on_roots_changed` was told: the old URIs, and the new ones.
type Change = (Option<Vec<String>>, Vec<String>);

fn uris(roots: &[Root]) -> Vec<String> {
    roots.iter().map(|root| root.uri.clone()).collect()
}

fn watched() -> (Server, Receiver<Change>) {
    let (tell, told) = channel(64);
    let tool = Tool::new("roots")
        .description("-")
        .handler(async |ctx: Context| Ok::<_, ToolError>(uris(&ctx.roots().await?).join(" ")));
    let hook = move |_: Session, change: RootsChange| {
        let tell = tell.clone();
        async move {
            tell.send((change.old.as_deref().map(uris), uris(&change.new)))
                .await?;
            Ok(())
        }
    };
    (serve(template().tool(tool).on_roots_changed(hook)), told)
}

fn root(name: &str) -> Root {
    Root::new(format!("file:///{name}"))
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("file:///{name}")).collect()
}

#[tokio::test(start_paused = true)]
async fn roots_are_fetched_after_the_handshake_and_again_when_they_change() {
    let (server, mut told) = watched();
    let client = Client::builder(&server).roots([root("a")]).connect().await;
    assert_eq!(told.recv().await.unwrap(), (None, named(&["a"])));
    assert_eq!(
        client.call_tool("roots", json!({})).await.text(),
        "file:///a"
    );
    client.set_roots([root("a"), root("b")]).await;
    assert_eq!(
        told.recv().await.unwrap(),
        (Some(named(&["a"])), named(&["a", "b"]))
    );
    let known = client.session().known_roots().unwrap();
    assert_eq!(uris(&known), named(&["a", "b"]));
    assert_eq!(client.questions().len(), 2, "the tool used what was known");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_does_not_differ_is_no_change() {
    let (server, mut told) = watched();
    let client = Client::builder(&server)
        .roots([root("a"), root("b")])
        .connect()
        .await;
    told.recv().await.unwrap();
    client.next_question().await;
    client.set_roots([root("b"), root("a")]).await;
    client.next_question().await;
    client.set_roots([root("c")]).await;
    let (old, new) = told.recv().await.unwrap();
    assert_eq!((old, new), (Some(named(&["a", "b"])), named(&["c"])));
}

#[tokio::test(start_paused = true)]
async fn one_question_at_a_time_and_one_more_for_all_changes_meanwhile() {
    let (server, mut told) = watched();
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    let answers = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let client = Client::builder(&server)
        .capabilities(json!({"roots": {"listChanged": true}}))
        .on_request("roots/list", move |_| {
            let (waits, answers) = (Arc::clone(&waits), Arc::clone(&answers));
            Answer::later(async move {
                waits.notified().await;
                let count = answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                json!({"roots": [{"uri": format!("file:///answer{count}")}]}).into()
            })
        })
        .connect()
        .await;
    client.next_question().await;
    for _ in 0..20 {
        client
            .notify("notifications/roots/list_changed", Value::Null)
            .await;
    }
    client.settle().await;
    assert_eq!(client.questions(), [], "one is out already");
    gate.notify_one();
    assert_eq!(told.recv().await.unwrap(), (None, named(&["answer0"])));
    client.next_question().await;
    gate.notify_one();
    assert_eq!(
        told.recv().await.unwrap(),
        (Some(named(&["answer0"])), named(&["answer1"]))
    );
    client.settle().await;
    assert_eq!(client.questions(), []);
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_keeps_what_was_known_and_the_next_change_asks_again() {
    let (server, mut told) = watched();
    let answers = Arc::new(Mutex::new(vec![
        json!({"roots": [{"uri": "file:///c"}]}).into(),
        json!({"roots": "none"}).into(),
        Answer::error(-32603, "not now"),
        json!({"roots": [{"uri": "file:///a"}]}).into(),
    ]));
    let client = Client::builder(&server)
        .capabilities(json!({"roots": {"listChanged": true}}))
        .on_request("roots/list", move |_| {
            answers.try_lock().unwrap().pop().unwrap()
        })
        .connect()
        .await;
    told.recv().await.unwrap();
    client.next_question().await;
    for _ in 0..2 {
        client
            .notify("notifications/roots/list_changed", Value::Null)
            .await;
        client.next_question().await;
        client.settle().await;
        assert_eq!(
            client.call_tool("roots", json!({})).await.text(),
            "file:///a"
        );
    }
    client
        .notify("notifications/roots/list_changed", Value::Null)
        .await;
    assert_eq!(
        told.recv().await.unwrap(),
        (Some(named(&["a"])), named(&["c"]))
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_without_roots_is_never_asked() {
    let (server, mut told) = watched();
    let client = Client::handshake(&server).await;
    client
        .notify("notifications/roots/list_changed", Value::Null)
        .await;
    let said = client.call_tool("roots", json!({})).await.error();
    assert!(said.contains("roots"), "{said}");
    assert_eq!(client.questions(), []);
    assert!(told.try_recv().is_err());
    let stateless = Client::stateless(&server);
    let error = stateless
        .try_call_tool("roots", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        error.data.unwrap()["requiredCapabilities"],
        json!({"roots": {}})
    );
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_or_panics_harms_nobody() {
    let hook = |session: Session, change: RootsChange| async move {
        assert!(change.old.is_some(), "this panic is part of the test");
        session.edit(|edit| edit.add_tool(super::named("added")))?;
        Err("this error is part of the test".into())
    };
    let server = serve(
        template()
            .tool(super::named("first"))
            .on_roots_changed(hook),
    );
    let client = Client::builder(&server).roots([root("a")]).connect().await;
    client.next_question().await;
    client.settle().await;
    client.set_roots([root("b")]).await;
    client
        .notification("notifications/tools/list_changed")
        .await;
    assert_eq!(client.list_tools().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_hook_of_one_change_is_over_before_the_next_begins() {
    let (tell, mut told) = channel(64);
    let hook = move |_: Session, change: RootsChange| {
        let tell = tell.clone();
        async move {
            tell.send(("begins", uris(&change.new))).await?;
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            tell.send(("ends", uris(&change.new))).await?;
            Ok(())
        }
    };
    let server = serve(template().on_roots_changed(hook));
    let client = Client::builder(&server).roots([root("a")]).connect().await;
    assert_eq!(told.recv().await.unwrap(), ("begins", named(&["a"])));
    client.set_roots([root("b")]).await;
    client.set_roots([root("c")]).await;
    assert_eq!(told.recv().await.unwrap(), ("ends", named(&["a"])));
    assert_eq!(told.recv().await.unwrap(), ("begins", named(&["c"])));
    assert_eq!(told.recv().await.unwrap(), ("ends", named(&["c"])));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_announced_while_a_fetch_failed_is_fetched() {
    let (server, mut told) = watched();
    let gate = Arc::new(Notify::new());
    let (opens, asked) = (Arc::clone(&gate), std::sync::atomic::AtomicUsize::new(0));
    let client = Client::builder(&server)
        .capabilities(json!({"roots": {"listChanged": true}}))
        .on_request("roots/list", move |_| {
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
                return json!({"roots": [{"uri": "file:///a"}]}).into();
            }
            let opens = Arc::clone(&opens);
            Answer::later(async move {
                opens.notified().await;
                Answer::error(-32603, "the set is changing")
            })
        })
        .connect()
        .await;
    client.next_question().await;
    client
        .notify("notifications/roots/list_changed", Value::Null)
        .await;
    client.settle().await;
    gate.notify_one();
    assert_eq!(told.recv().await.unwrap(), (None, named(&["a"])));
}

#[tokio::test(start_paused = true)]
async fn a_handler_waits_for_the_answer_that_is_on_its_way() {
    let (server, mut told) = watched();
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    let client = Client::builder(&server)
        .capabilities(json!({"roots": {"listChanged": true}}))
        .on_request("roots/list", move |_| {
            let waits = Arc::clone(&waits);
            Answer::later(async move {
                waits.notified().await;
                json!({"roots": [{"uri": "file:///a"}]}).into()
            })
        })
        .connect()
        .await;
    client.next_question().await;
    let one = client.start("tools/call", json!({"name": "roots"})).await;
    let two = client.start("tools/call", json!({"name": "roots"})).await;
    client.settle().await;
    assert_eq!(client.questions(), [], "one is out already");
    gate.notify_one();
    for call in [one, two] {
        let result = call.result().await.unwrap();
        assert_eq!(result["content"][0]["text"], "file:///a");
    }
    assert_eq!(told.recv().await.unwrap(), (None, named(&["a"])));
    client.settle().await;
    assert!(told.try_recv().is_err(), "the hook is told once");
}
