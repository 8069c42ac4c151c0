//! What one replica tells everybody reaches every stream at every other, once.

use std::{sync::Arc, time::Duration};

use mcp_session_examples::Wire;
use mcp_session_tests::cluster::NOTE;
use serde_json::json;
use tokio::time::timeout;

use crate::listener::Listener;
use crate::replicas::{Callers, Replicas};
use crate::session::Session;
use crate::setting::{Setting, turn};
use crate::space::Space;

const BOUND: Duration = Duration::from_secs(120);

/// Sessions that listen, some of them at each replica.
const LISTENERS: usize = 9;

const NOTES: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_to_all_reaches_every_replica_on_postgres() {
    told_to_all("DATABASE_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_to_all_reaches_every_replica_on_redis() {
    told_to_all("REDIS_URL").await;
}

async fn told_to_all(engine: &str) {
    let _turn = turn().await;
    let Some(space) = Space::of(engine) else {
        return;
    };
    let replicas = Replicas::start(space, Setting::from_env().replicas, Callers::Anybody).await;
    let front = replicas.front().await;
    let wire = Wire::new(&front.url()).unwrap();
    timeout(BOUND, all_hear(&wire)).await.unwrap();
}

async fn all_hear(wire: &Wire) {
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        let session = Arc::new(Session::open(wire, None).await.unwrap());
        for number in 1..=NOTES {
            let uri = json!({"uri": format!("{NOTE}{number}")});
            session.ask("resources/subscribe", uri).await.unwrap();
        }
        let mut listener = Listener::new(session);
        listener.open().await.unwrap();
        listeners.push(listener);
    }
    let speaker = Session::open(wire, None).await.unwrap();
    for number in 1..=NOTES {
        let told = speaker.call("touch_all", json!({"number": number})).await;
        assert_eq!(told.unwrap(), format!("touched {number} for all"));
    }
    for listener in &listeners {
        let all = listener.hears(|heard| (1..=NOTES).all(|it| heard.notes.contains_key(&it)));
        all.await.unwrap();
    }
    for listener in &listeners {
        listener.heard(|heard| {
            assert!(heard.notes.values().all(|times| *times == 1), "{heard:?}");
        });
    }
}
