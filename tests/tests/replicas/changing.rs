//! Proves that what is changed at one replica is so at all of them with the next request.

use std::time::Duration;

use mcp_session::testing::{Fault, Operation};
use serde_json::json;

use super::support::{Replicas, call, tools};
use crate::http::support::pass;

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
