//! Proves that a stored session ends once, and everywhere.

use std::time::Duration;

use http::StatusCode;
use mcp_session::server::Limits;
use mcp_session::session::SessionId;
use mcp_session::testing::Fault;
use serde_json::json;

use super::support::{Replicas, call, tools};
use crate::http::support::{Client, pass};

fn closed(replicas: &Replicas) -> Vec<String> {
    let mut told = replicas.told();
    told.retain(|told| told.starts_with("closed"));
    told
}

async fn gone(client: &Client) -> bool {
    let ping = client.message(1, "ping", json!({}));
    client.post(ping).await.status == StatusCode::NOT_FOUND
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_ended_at_one_is_gone_at_all_and_closed_once() {
    let replicas = Replicas::new(3);
    let a = replicas.client().await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    call(&b, "count", "").await;
    tools(&c).await;
    assert_eq!(b.delete().await.status, StatusCode::NO_CONTENT);
    assert!(gone(&a).await && gone(&b).await && gone(&c).await);
    pass(Duration::from_secs(1)).await;
    assert_eq!(closed(&replicas), ["closed: client"]);
    for server in &replicas.servers {
        assert!(server.sessions().is_empty());
    }
    assert_eq!(replicas.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_who_end_it_close_it_once() {
    let replicas = Replicas::new(2);
    for _ in 0..20 {
        let a = replicas.client().await;
        let b = replicas.at(&a, 1);
        tools(&b).await;
        let (one, two) = tokio::join!(a.delete(), b.delete());
        for answer in [one, two] {
            let status = answer.status;
            assert!(status == StatusCode::NO_CONTENT || status == StatusCode::NOT_FOUND);
        }
    }
    pass(Duration::from_secs(1)).await;
    let told = replicas.told();
    let closed = told.iter().filter(|told| *told == "closed: client");
    assert_eq!(closed.count(), 20, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_program_ends_it_everywhere() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    let id = SessionId::from(a.session.as_deref().unwrap());
    assert!(replicas.servers[1].sessions().end(&id));
    assert!(gone(&b).await, "at once where it was ended");
    pass(Duration::from_secs(1)).await;
    assert!(gone(&a).await && gone(&b).await);
    assert!(replicas.told().contains(&"closed: revoked".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_stored_is_no_end() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    replicas.store.always(Fault::Refused);
    assert_eq!(a.delete().await.status, StatusCode::SERVICE_UNAVAILABLE);
    replicas.store.always(None);
    assert!(!gone(&a).await);
    assert_eq!(a.delete().await.status, StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_rests_everywhere_ends_once_and_one_in_use_elsewhere_does_not() {
    let limits = Limits::default()
        .handshake(Duration::from_secs(60))
        .idle(Duration::from_secs(100))
        .retention(Duration::from_secs(1_000));
    let replicas = Replicas::with(2, &limits);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&a).await;
    // In use at the second for three times as long as it may rest.
    for _ in 0..30 {
        pass(Duration::from_secs(100)).await;
        tools(&b).await;
    }
    assert!(
        replicas.servers[0].sessions().is_empty(),
        "it was let go of"
    );
    assert!(closed(&replicas).is_empty());
    tools(&a).await;
    for _ in 0..30 {
        pass(Duration::from_secs(100)).await;
    }
    assert!(gone(&a).await && gone(&b).await);
    assert_eq!(closed(&replicas), ["closed: idle"]);
    assert_eq!(replicas.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_its_principals_at_every_replica() {
    use mcp_session::{Principal, auth::BearerTokens, auth::Caller};
    let replicas = Replicas::new(0);
    let server = || {
        let caller = |name| Caller::new(Principal::new("test", name));
        let tokens = BearerTokens::new()
            .token("ann", caller("ann"))
            .token("ben", caller("ben"));
        let template = super::support::template(&replicas.told).build().unwrap();
        let server = mcp_session::Server::builder(template)
            .store(std::sync::Arc::clone(&replicas.store))
            .authenticate(tokens);
        server.build().unwrap()
    };
    let (one, two) = (server(), server());
    let ann = Client::handshake_as(one.http(), "ann").await;
    let ben = Client {
        service: two.http(),
        token: Some("ben"),
        ..ann.clone()
    };
    assert!(gone(&ben).await);
    let ann = Client {
        service: two.http(),
        ..ann
    };
    assert_eq!(tools(&ann).await.len(), 4);
    assert!(gone(&ben).await);
}
