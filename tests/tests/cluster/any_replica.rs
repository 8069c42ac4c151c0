//! Random requests of many sessions, each served by whoever's turn it is.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mcp_session_examples::{Member, Wire};
use mcp_session_tests::cluster::USERS;
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::nginx::Nginx;
use crate::random::Random;
use crate::replicas::{Callers, Front, Life, Replicas};
use crate::session::{Session, requests};
use crate::setting::{Setting, now, say, turn};
use crate::space::Space;
use crate::walk::{Users, Walk};

/// Only what hangs gets there.
const BOUND: Duration = Duration::from_secs(30 * 60);

/// How long `on_close` may take until it has run.
const TOLD: Duration = Duration::from_secs(20);

/// Steps of one session.
const STEPS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_on_postgres_behind_our_proxy() {
    Case::new("DATABASE_URL", Callers::Users)
        .behind_our_proxy()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_on_redis_behind_our_proxy() {
    Case::new("REDIS_URL", Callers::Users)
        .behind_our_proxy()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_on_postgres_behind_nginx() {
    Case::new("DATABASE_URL", Callers::Anybody)
        .behind_nginx()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_on_redis_behind_nginx() {
    Case::new("REDIS_URL", Callers::Anybody)
        .behind_nginx()
        .await;
}

/// One run: where, for whom, how much.
#[derive(Debug, Clone, Copy)]
struct Case {
    engine: &'static str,
    callers: Callers,
    setting: Setting,
}

impl Case {
    fn new(engine: &'static str, callers: Callers) -> Self {
        Self {
            engine,
            callers,
            setting: Setting::from_env(),
        }
    }

    async fn replicas(&self) -> Option<Replicas> {
        let space = Space::of(self.engine)?;
        Some(Replicas::start(space, self.setting.replicas, self.callers).await)
    }

    async fn behind_our_proxy(self) {
        let _turn = turn().await;
        if let Some(replicas) = self.replicas().await {
            let front = replicas.front().await;
            self.bounded(&replicas, &front).await;
        }
    }

    async fn behind_nginx(self) {
        let _turn = turn().await;
        if let Some(replicas) = self.replicas().await {
            let addresses: Vec<_> = replicas.members.iter().map(Member::address).collect();
            if let Some(nginx) = Nginx::start(&addresses).await {
                self.bounded(&replicas, &Front::Nginx(nginx)).await;
            }
        }
    }

    async fn bounded(self, replicas: &Replicas, front: &Front) {
        let before = requests();
        let began = now();
        let done = timeout(BOUND, self.run(replicas, front)).await;
        let Self {
            engine, setting, ..
        } = self;
        let place = format!(
            "{} replicas, {engine} behind {front}, CLUSTER_SEED={}",
            setting.replicas, setting.seed
        );
        match done {
            Ok(Ok(sessions)) => say(&format!(
                "cluster: {} requests of {sessions} sessions in {:.0?}: {place}",
                requests() - before,
                began.elapsed(),
            )),
            Ok(Err(why)) => panic!("{place}: {why}"),
            Err(_) => panic!("{place}: it hangs"),
        }
    }

    /// Walks with many sessions at a time until there were enough requests; how many sessions.
    async fn run(&self, replicas: &Replicas, front: &Front) -> Result<usize, String> {
        let (setting, callers) = (self.setting, self.callers);
        let wire = Wire::new(&front.url()).unwrap();
        let (users, enough) = (Arc::new(Users::default()), requests() + setting.requests);
        let mut random = Random::new(setting.seed);
        let mut walks = JoinSet::new();
        let mut ended = Vec::new();
        let mut begin = async |walks: &mut JoinSet<_>, steps: usize| {
            let random = Random::new(random.next());
            let walk = Walk::begin(&wire, Arc::clone(&users), callers, random).await?;
            walks.spawn(walk.finish(steps));
            Ok::<_, String>(())
        };
        // One after the other, since replicas that just began have no connections to the engine;
        // and not all of the same length, so that some begin while others are in the middle.
        for number in 0..setting.sessions {
            begin(&mut walks, 1 + STEPS * (number + 1) / setting.sessions).await?;
        }
        while let Some(walked) = walks.join_next().await {
            ended.push(walked.map_err(|error| error.to_string())??);
            if requests() < enough {
                begin(&mut walks, STEPS).await?;
            }
        }
        if callers == Callers::Users {
            counted(&wire, &users).await?;
        }
        lived(replicas, &ended).await?;
        Ok(ended.len())
    }
}

/// What all sessions of a user counted is what the user has.
async fn counted(wire: &Wire, users: &Users) -> Result<(), String> {
    for user in 0..USERS {
        let session = Session::open(wire, Some(user)).await;
        let session = session.map_err(|lost| lost.to_string())?;
        let visits = session.call("visits", json!({})).await;
        let visits = visits.map_err(|lost| lost.to_string())?;
        let expected = users.visits[user].load(Ordering::SeqCst);
        if visits != expected.to_string() {
            return Err(format!("user {user} has {visits} visits, not {expected}"));
        }
        session.delete().await.map_err(|lost| lost.to_string())?;
    }
    Ok(())
}

/// Each session was opened once and closed once, however many replicas had it.
async fn lived(replicas: &Replicas, ended: &[String]) -> Result<(), String> {
    let all = async {
        loop {
            let journal = replicas.journal();
            let closed = |id: &String| journal.get(id).is_some_and(|life| life.closed > 0);
            if ended.iter().all(closed) {
                return journal;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let journal = timeout(TOLD, all).await;
    let journal = journal.map_err(|_| "on_close did not run for each session".to_owned())?;
    for id in ended {
        let Life { opened, closed, .. } = journal[id];
        if (opened, closed) != (1, 1) {
            return Err(format!("opened {opened} times, closed {closed} times"));
        }
    }
    Ok(())
}
