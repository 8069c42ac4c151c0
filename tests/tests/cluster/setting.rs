//! How much these tests do, which the environment says where the default does not fit.
//!
//! | variable | what | default |
//! | --- | --- | --- |
//! | `CLUSTER_REPLICAS` | replicas | 3 |
//! | `CLUSTER_REQUESTS` | requests of one random run | 10,000 |
//! | `CLUSTER_SESSIONS` | sessions at a time | 36 |
//! | `CLUSTER_SEED` | what the random choices are made from | another one each time |
//! | `CLUSTER_WITHOUT` | steps that are left out, to look for one thing: `Ask,Resume` | none |
//! | `CLUSTER_CHAOS_SECONDS` | how long replicas are killed; 60 for a full run | 15 |
//! | `CLUSTER_KILL_MS` | the time between two kills; 0 for none | 1,000 |

use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use tokio::sync::{Mutex as Turns, MutexGuard};

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) replicas: usize,
    pub(crate) requests: usize,
    pub(crate) sessions: usize,
    pub(crate) seed: u64,
    pub(crate) chaos_seconds: u64,
    pub(crate) kills: bool,
    pub(crate) beat: Duration,
}

impl Setting {
    pub(crate) fn from_env() -> Self {
        let beat = number("CLUSTER_KILL_MS").unwrap_or(1_000);
        Self {
            replicas: number("CLUSTER_REPLICAS").unwrap_or(3),
            requests: number("CLUSTER_REQUESTS").unwrap_or(10_000),
            sessions: number("CLUSTER_SESSIONS").unwrap_or(36),
            seed: number("CLUSTER_SEED").unwrap_or_else(random),
            chaos_seconds: number("CLUSTER_CHAOS_SECONDS").unwrap_or(15),
            kills: beat > 0,
            beat: Duration::from_millis(if beat > 0 { beat } else { 1_000 }),
        }
    }
}

/// A step that is left out.
pub(crate) fn is_left_out(step: &str) -> bool {
    let without = std::env::var("CLUSTER_WITHOUT").unwrap_or_default();
    without.split(',').any(|left_out| left_out == step)
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let value = std::env::var(variable).ok()?;
    let number = value.parse().ok();
    assert!(number.is_some(), "{variable}={value} is no number");
    number
}

/// A number that nobody had before.
pub(crate) fn random() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0)
}

pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// The turn of one test: each needs all of the machine.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURNS: LazyLock<Turns<()>> = LazyLock::new(Turns::default);
    TURNS.lock().await
}

/// Now, for saying how long something took.
#[expect(clippy::disallowed_methods, reason = "a test says how long it took")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Says once what is missing, to the process's own output: that of a test which passes is not shown.
pub(crate) fn skipped(what: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    assert!(!in_ci(), "{what}, and this is CI");
    if SAID.lock().unwrap().insert(what.to_owned()) {
        say(&format!("!!! SKIPPED: {what}"));
    }
}

/// Says something that is worth to be read, whether the test passes or not.
pub(crate) fn say(line: &str) {
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}
