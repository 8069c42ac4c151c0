//! Proves that no replica answers from what is old where others have not heard of it yet, or hear
//! it late.

use std::time::Duration;

use mcp_session::testing::{Fault, Operation};

use super::support::{Replicas, call, tools};
use crate::http::support::{Client, pass};

/// Long enough to take for gone whoever was not heard of.
const LONG: u32 = 80;

/// How long a line is late, in ticks; shorter than a copy is trusted.
const LATE: u32 = 12;

const TICK: Duration = Duration::from_millis(50);

/// Time passes, and everybody does what they do meanwhile.
async fn ticks(many: u32) {
    for _ in 0..many {
        pass(TICK).await;
    }
}

async fn assert_offered(client: &Client, tool: &str) {
    let names = tools(client).await;
    assert!(names.iter().any(|name| name == tool), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_back_is_not_taken_for_gone() {
    let mut replicas = Replicas::new(0);
    let (slow, broken) = (replicas.line(), replicas.line());
    replicas.start_on(&slow);
    replicas.start_on(&broken);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    tools(&b).await;
    broken.always(Fault::Refused);
    ticks(LONG).await;
    slow.next(Operation::Deliver, Fault::Late(LATE * TICK));
    broken.always(None);
    // It says that it is there, and hears itself at once.
    ticks(LATE / 2).await;
    tools(&b).await;
    call(&a, "install", "ann").await;
    assert_offered(&b, "greet_ann").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_took_before_others_could_hear_of_it_is_looked_at_again() {
    let mut replicas = Replicas::new(1);
    let a = replicas.client().await;
    ticks(LONG).await;
    let slow = replicas.line();
    slow.next(Operation::Publish, Fault::Late(LATE * TICK));
    replicas.start_on(&slow);
    let b = replicas.at(&a, 1);
    tools(&b).await;
    // Nobody has heard of the second one when this is answered.
    call(&a, "install", "ann").await;
    ticks(4).await;
    assert_offered(&b, "greet_ann").await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_copy_that_comes_late_gets_none_that_is_old() {
    let mut replicas = Replicas::new(3);
    let a = replicas.client().await;
    let (b, c) = (replicas.at(&a, 1), replicas.at(&a, 2));
    tools(&b).await;
    ticks(LATE).await;
    drop(b);
    // Killed: everybody waits for it to be gone, and whoever came last for the longest.
    drop(replicas.servers.remove(1));
    ticks(LATE).await;
    let first = tokio::spawn({
        let c = c.clone();
        async move { tools(&c).await }
    });
    ticks(1).await;
    call(&a, "install", "ann").await;
    assert!(!first.is_finished());
    assert_offered(&c, "greet_ann").await;
    first.await.unwrap();
}
