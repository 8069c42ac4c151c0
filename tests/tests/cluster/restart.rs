//! A process that goes and comes back: its sessions go on as if nothing had happened.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use mcp_session_examples::{Member, Wire};
use mcp_session_tests::cluster::NOTE;
use serde_json::json;
use tokio::time::timeout;

use crate::listener::Listener;
use crate::model::Expected;
use crate::replicas::{Callers, Life, Replicas};
use crate::session::{Session, WORD};
use crate::setting::turn;
use crate::space::Space;

/// Only what hangs gets there.
const BOUND: Duration = Duration::from_secs(120);

/// How long hooks may take until they have run.
const TOLD: Duration = Duration::from_secs(20);

/// First requests that come at once.
const AT_ONCE: usize = 100;

/// How a process ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Killed,
    Stopped,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_a_killed_process_on_postgres() {
    restarted("DATABASE_URL", End::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_a_killed_process_on_redis() {
    restarted("REDIS_URL", End::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_a_stopped_process_on_postgres() {
    restarted("DATABASE_URL", End::Stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_a_stopped_process_on_redis() {
    restarted("REDIS_URL", End::Stopped).await;
}

async fn restarted(engine: &str, end: End) {
    let _turn = turn().await;
    let Some(space) = Space::of(engine) else {
        return;
    };
    let mut replicas = Replicas::start(space, 1, Callers::Users).await;
    timeout(BOUND, goes_on(&mut replicas, end)).await.unwrap();
}

async fn goes_on(replicas: &mut Replicas, end: End) {
    let url = format!("http://{}/mcp", replicas.members[0].address());
    let wire = Wire::new(&url).unwrap();
    let session = Arc::new(Session::open(&wire, Some(3)).await.unwrap());
    let call = async |tool: &str, arguments| session.call(tool, arguments).await.unwrap();

    let mut expected = Expected::default();
    call("learn", json!({"name": "7", "word": "seven"})).await;
    expected.words.insert(7, "seven".to_owned());
    call("hide", json!({"tool": "plain_2"})).await;
    expected.hidden.insert(2);
    for _ in 0..3 {
        call("count", json!({})).await;
    }
    let note = json!({"uri": format!("{NOTE}1")});
    session.ask("resources/subscribe", note).await.unwrap();
    let level = json!({"level": "error"});
    session.ask("logging/setLevel", level).await.unwrap();
    let bag = call("mint", json!({})).await;
    call("put", json!({"bag": bag, "item": "plums"})).await;

    away(&mut replicas.members[0], end).await;
    replicas.members[0].restart().await.unwrap();

    // All at once, and so many connections; whoever comes first restores for all.
    let wires = (0..AT_ONCE).map(|_| Wire::new(&url).unwrap());
    let first = wires.map(|wire| session.through(wire));
    let first: Vec<_> = first.collect();
    let counted = join_all(first.iter().map(|one| one.call("counted", json!({})))).await;
    for counted in counted {
        assert_eq!(counted.unwrap(), "3");
    }
    let life = lived(replicas, &session.id, |life| life.resumed > 0).await;
    assert_eq!((life.opened, life.resumed, life.closed), (1, 1, 0));

    let listed = session.ask("tools/list", json!({})).await.unwrap();
    expected.lists(&listed.result).unwrap();
    assert_eq!(call("say_7", json!({})).await, "seven");
    assert_eq!(call("look", json!({"bag": bag})).await, "plums");
    let asked = call("ask", json!({"what": "fruit"})).await;
    assert_eq!(asked, format!("fruit {WORD}"));
    let narrate = json!({"steps": 3, "pause_ms": 0});
    let narrated = session.call_in_full("narrate", narrate).await.unwrap();
    let logged = |told: &serde_json::Value| told["method"] == "notifications/message";
    assert!(!narrated.told.iter().any(logged), "{narrated:?}");

    let mut listener = Listener::new(Arc::clone(&session));
    listener.open().await.unwrap();
    call("touch", json!({"number": 1})).await;
    listener
        .hears(|heard| heard.notes.contains_key(&1))
        .await
        .unwrap();
    assert!(session.delete().await.unwrap());
    let life = lived(replicas, &session.id, |life| life.closed > 0).await;
    assert_eq!((life.opened, life.resumed, life.closed), (1, 1, 1));
}

async fn away(member: &mut Member, end: End) {
    match end {
        End::Killed => member.kill().await.unwrap(),
        End::Stopped => member.stop().await.unwrap(),
    }
}

/// What hooks wrote, once this is true of it.
async fn lived(replicas: &Replicas, id: &str, is_so: impl Fn(&Life) -> bool) -> Life {
    let life = async {
        loop {
            let life = replicas.journal().remove(id).unwrap_or_default();
            if is_so(&life) {
                return life;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let life = timeout(TOLD, life).await;
    life.unwrap_or_else(|_| panic!("the hooks wrote {:?}", replicas.journal()))
}
