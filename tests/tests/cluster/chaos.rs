//! Replicas that are killed all the time, and an engine that crashes in the middle: no session is
//! lost, nor what was acknowledged, and whoever tries again succeeds.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use mcp_session_examples::{Member, Wire};
use mcp_session_tests::cluster::USERS;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::load::{Client, Load};
use crate::own_engine::OwnEngine;
use crate::random::Random;
use crate::replicas::{Callers, Replicas};
use crate::session::Session;
use crate::setting::{Setting, now, say, turn};
use crate::space::Space;

/// Clients at a time.
const CLIENTS: usize = 24;

/// Only what hangs gets there, after the time of the chaos itself.
const BOUND: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_replicas_on_postgres_loses_nothing() {
    kills("DATABASE_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_replicas_on_redis_loses_nothing() {
    kills("REDIS_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_postgres_among_kills_loses_nothing() {
    crashes("DATABASE_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_redis_among_kills_loses_nothing() {
    crashes("REDIS_URL").await;
}

async fn kills(engine: &str) {
    let _turn = turn().await;
    if let Some(space) = Space::of(engine) {
        chaos(engine, space, None).await;
    }
}

async fn crashes(engine: &'static str) {
    let _turn = turn().await;
    if let Some(own) = OwnEngine::like(engine).await {
        let space = Space::at(&own.url);
        chaos(&format!("{engine}, which crashes"), space, Some(&own)).await;
    }
}

async fn chaos(place: &str, space: Space, engine: Option<&OwnEngine>) {
    let setting = Setting::from_env();
    let mut replicas = Replicas::start(space, setting.replicas, Callers::Users).await;
    let front = replicas.front().await;
    let wire = Wire::new(&front.url()).unwrap();
    let load = Arc::new(Load::default());
    let place = format!("{place}, CLUSTER_SEED={}", setting.seed);

    let mut random = Random::new(setting.seed);
    let clients = join_all((0..CLIENTS).map(|_| {
        let (load, wire, seed) = (Arc::clone(&load), wire.clone(), random.next());
        async move {
            let client = async {
                Client::open(Arc::clone(&load), wire, seed)
                    .await?
                    .run()
                    .await
            };
            let client = client.await;
            if client.is_err() {
                load.over.store(true, Ordering::Relaxed);
            }
            client
        }
    }));
    let disturbed = async {
        let disturbed = disturb(&mut replicas.members, engine, setting, &load).await;
        load.over.store(true, Ordering::Relaxed);
        disturbed
    };
    let time = BOUND + Duration::from_secs(setting.chaos_seconds);
    let Ok(((killed, slowest), clients)) =
        timeout(time, async { tokio::join!(disturbed, clients) }).await
    else {
        panic!("{place}: somebody hangs");
    };
    let ended = timeout(BOUND, settle(clients, &wire, &load)).await;
    let ended = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(why)) => panic!("{place}: {why}"),
        Err(_) => panic!("{place}: somebody hangs"),
    };
    // In order, so that all hooks have run.
    for member in &mut replicas.members {
        member.stop().await.unwrap();
    }
    let journal = replicas.journal();
    for id in &ended {
        let closed = journal.get(id).map_or(0, |life| life.closed);
        assert!(closed <= 1, "{place}: on_close ran {closed} times");
    }
    say(&format!(
        "chaos: {} s with {killed} kills, {} requests of {CLIENTS} sessions done: {place}\n  \
         longest wait {} ms; {} of {} notices lost; {} streams begun anew; \
         slowest start {slowest:.1?}; tried again: {:?}",
        setting.chaos_seconds,
        load.done.load(Ordering::Relaxed),
        load.longest_ms.load(Ordering::Relaxed),
        load.untold.load(Ordering::Relaxed),
        load.touched.load(Ordering::Relaxed),
        load.anew.load(Ordering::Relaxed),
        load.again.lock(),
    ));
}

/// Kills a replica at each beat and starts it again at once; in the middle the engine crashes. How
/// often, and how long one took at most until it was there again.
async fn disturb(
    members: &mut [Member],
    engine: Option<&OwnEngine>,
    setting: Setting,
    load: &Load,
) -> (usize, Duration) {
    let mut random = Random::new(setting.seed);
    let mut beat = interval(setting.beat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.tick().await;
    let beats = u128::from(setting.chaos_seconds) * 1_000 / setting.beat.as_millis();
    let (mut killed, mut slowest) = (0, Duration::ZERO);
    for number in 1..=beats {
        beat.tick().await;
        if load.over.load(Ordering::Relaxed) {
            break;
        }
        if let Some(engine) = engine
            && number == beats / 2
        {
            engine.restart().await;
        }
        if setting.kills {
            let victim = random.below(members.len());
            let began = now();
            members[victim].restart().await.unwrap();
            slowest = slowest.max(began.elapsed());
            killed += 1;
        }
    }
    (killed, slowest)
}

/// Lets all clients finish, and holds what users counted against what is there; the sessions.
async fn settle(
    clients: Vec<Result<Client, String>>,
    wire: &Wire,
    load: &Load,
) -> Result<Vec<String>, String> {
    let clients: Vec<_> = clients.into_iter().collect::<Result<_, _>>()?;
    let ended = join_all(clients.into_iter().map(Client::end)).await;
    let ended = ended.into_iter().collect::<Result<_, _>>()?;
    for user in 0..USERS {
        let session = Session::open(wire, Some(user)).await;
        let session = session.map_err(|lost| lost.to_string())?;
        let visits = session.call("visits", json!({})).await;
        let visits: u64 = visits.map_err(|lost| lost.to_string())?.parse().unwrap();
        let certain = load.certain[user].load(Ordering::SeqCst);
        let possible = load.possible[user].load(Ordering::SeqCst);
        if visits < certain || visits > possible {
            return Err(format!(
                "user {user} has {visits} visits, of {certain} to {possible}"
            ));
        }
    }
    Ok(ended)
}
