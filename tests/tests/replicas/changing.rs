//! Proves that what is changed at one replica is so at all of them with the next request.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use mcp_session::server::Limits;
use mcp_session::testing::{Fault, Operation};
use mcp_session::{Server, Tool};
use serde_json::json;

use super::support::{Replicas, call, settle, template, tools, try_call};
use crate::http::support::{Client, pass};

#[tokio::test(start_paused = true)]
async fn an_edit_at_one_is_listed_and_callable_at_the_next_request_anywhere() {
    let replicas = Replicas::new(3);
    let client = replicas.client().await;
    for round in 0..60_usize {
        let at = replicas.at(&client, round % 3);
        let next = replicas.at(&client, (round * 7 + 1) % 3);
        let name = format!("n{round}");
        call(&at, "install", &name).await;
        assert_eq!(
            call(&next, &format!("greet_{name}"), "").await,
            format!("hello {name}")
        );
        assert_eq!(tools(&next).await.len(), 5, "round {round}");
        call(&next, "hide", &format!("greet_{name}")).await;
        assert_eq!(tools(&at).await.len(), 4, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_two_replicas_at_once_are_both_kept() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    for round in 0..20 {
        let (one, two) = (format!("a{round}"), format!("b{round}"));
        tokio::join!(call(&a, "install", &one), call(&b, "install", &two));
    }
    for client in [&a, &b] {
        assert_eq!(tools(client).await.len(), 44);
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_and_a_lost_answer_lose_nothing() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    replicas.store.next(Operation::Save, Fault::Conflict);
    call(&a, "install", "ann").await;
    replicas.store.next(Operation::Save, Fault::Lost);
    let params = json!({"name": "install", "arguments": {"name": "ben"}});
    let lost = a.post(a.message(1, "tools/call", params)).await;
    assert_eq!(lost.status, 503);
    for client in [&a, &b] {
        let names = tools(client).await;
        assert!(names.contains(&"greet_ann".to_owned()), "{names:?}");
    }
    call(&a, "install", "cas").await;
    for client in [&a, &b] {
        assert_eq!(tools(client).await.len(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_gone_holds_nobody_up_for_long() {
    let mut replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    pass(Duration::from_secs(1)).await;
    drop(b);
    // As if it was killed: it says nothing any more, and was not told to stop.
    drop(replicas.servers.pop());
    let began = crate::http::support::now();
    call(&a, "install", "ann").await;
    assert!(crate::http::support::now().duration_since(began) < Duration::from_secs(3));
    let began = crate::http::support::now();
    call(&a, "install", "ben").await;
    assert!(crate::http::support::now().duration_since(began) < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_outside_of_requests_is_saved_too() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    let id = mcp_session::session::SessionId::from(a.session.as_deref().unwrap());
    let session = replicas.servers[0].sessions().get(&id).unwrap();
    session.edit(|edit| edit.hide_tool("speak")).unwrap();
    session.saved().await.unwrap();
    assert_eq!(tools(&b).await, ["install", "hide", "count"]);
    replicas.store.always(Fault::Refused);
    session.edit(|edit| edit.show_tool("speak")).unwrap();
    assert!(session.saved().await.unwrap_err().is_unavailable());
    replicas.store.always(None);
    session.saved().await.unwrap();
    assert_eq!(tools(&b).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_now_and_then_loses_nothing_that_was_answered() {
    use std::collections::BTreeSet;
    for seed in 1..=8_u64 {
        let replicas = Replicas::new(3);
        let client = replicas.client().await;
        settle(&[&client]).await;
        let faults = [Fault::Refused, Fault::Lost, Fault::Conflict];
        replicas.store.now_and_then(seed, 6, faults);
        let mut expected = BTreeSet::new();
        let mut state = seed;
        for round in 0..60_usize {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(seed);
            let name = format!("n{}", state >> 60);
            let greeting = format!("greet_{name}");
            let (tool, argument) = if expected.remove(&greeting) {
                ("hide", greeting)
            } else {
                expected.insert(greeting);
                ("install", name)
            };
            // A client that is told to try again does so, wherever it comes to.
            for attempt in 0.. {
                assert!(attempt < 50, "seed {seed}, round {round}");
                let at = replicas.at(&client, (round * 5 + attempt) % 3);
                let answer = try_call(&at, tool, &argument).await;
                if answer.status == 503 {
                    pass(Duration::from_millis(100)).await;
                    continue;
                }
                assert_eq!(answer.status, 200, "seed {seed}, round {round}");
                break;
            }
        }
        replicas.store.now_and_then(0, 1, []);
        for replica in 0..3 {
            let listed = tools(&replicas.at(&client, replica)).await;
            let greetings = listed.into_iter().filter(|name| name.starts_with("greet_"));
            assert_eq!(greetings.collect::<BTreeSet<_>>(), expected, "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_dies_between_saving_and_telling_leaves_nobody_with_what_is_old() {
    for fresh in [false, true] {
        let mut replicas = Replicas::new(3);
        let a = replicas.client().await;
        let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
        settle(&[&a, &b]).await;
        if !fresh {
            settle(&[&c]).await;
        }
        replicas.store.next(Operation::List, Fault::Refused);
        let changed = try_call(&a, "install", "ann").await;
        assert_eq!(changed.status, 503);
        drop((changed, a));
        drop(replicas.servers.remove(0));
        let b = Client {
            service: replicas.servers[0].http(),
            ..b
        };
        let c = Client {
            service: replicas.servers[1].http(),
            ..c
        };
        // The client tries again, and there is nothing left to change.
        call(&c, "install", "ann").await;
        let names = tools(&b).await;
        assert!(names.contains(&"greet_ann".to_owned()), "{fresh} {names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_made_while_a_change_is_taken_over_is_stored_too() {
    let mut replicas = Replicas::new(0);
    let busy = Arc::new(OnceLock::<Server>::new());
    for number in 0..3 {
        let busy = Arc::clone(&busy);
        let meddling = move |name: String| -> mcp_session::Result<Tool> {
            // At the second one somebody edits the session at this very moment.
            let server = busy.get().filter(|_| number == 1);
            let session = server.map(|server| server.sessions().list().remove(0));
            session.map(|session| session.edit(|edit| edit.hide_tool("count")).ok());
            Ok(Tool::new(name).handler(async || "made"))
        };
        let template = template(&replicas.told).tool_factory("meddling", meddling);
        replicas.start(template.build().unwrap(), Limits::default());
    }
    let a = replicas.client().await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    settle(&[&a, &b]).await;
    busy.set(replicas.servers[1].clone()).unwrap();
    let [one, other] = [0, 1].map(|at| replicas.servers[at].sessions().list().remove(0));
    one.edit(|edit| edit.install("meddling", "made")).unwrap();
    one.saved().await.unwrap();
    tools(&b).await;
    other.saved().await.unwrap();
    assert_eq!(tools(&c).await, ["install", "hide", "speak", "made"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_what_nobody_was_told_answers_from_it_when_others_know() {
    let mut replicas = Replicas::new(2);
    let line = replicas.line();
    replicas.start_on(&line);
    let a = replicas.client().await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    settle(&[&a, &b, &c]).await;
    replicas.store.next(Operation::List, Fault::Refused);
    let changed = try_call(&a, "install", "ann").await;
    assert_eq!(changed.status, 503);
    drop((changed, a));
    drop(replicas.servers.remove(0));
    let (b, c) = (replicas.at(&b, 0), replicas.at(&c, 1));
    // It looks, and can tell nobody what it found.
    line.lag();
    settle(&[&b]).await;
    replicas.store.next(Operation::List, Fault::Refused);
    assert_eq!(try_call(&c, "speak", "").await.status, 503);
    assert!(tools(&c).await.contains(&"greet_ann".to_owned()));
    assert!(tools(&b).await.contains(&"greet_ann".to_owned()));
}
