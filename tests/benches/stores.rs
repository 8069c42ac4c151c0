//! What an operation costs in each store, outbox and bus: one after the other, and many at once. Run
//! by hand:
//!
//! ```text
//! scripts/services run cargo bench -p mcp-session-tests --bench stores
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mcp_session::bus::{Delivery, Event};
use mcp_session::store::{
    Draft, Keep, MemoryStore, Owner, PostgresStore, Quota, RedisStore, Store, StoreError,
};

const TIMES: usize = 2_000;
const AT_ONCE: usize = 64;
/// What a session with a few changes takes, roughly.
const VALUE: usize = 500;
const HOUR: Duration = Duration::from_secs(3_600);

type Done = Result<(), StoreError>;

#[tokio::main]
async fn main() {
    println!(
        "{:10} {:9} {:>12} {:>14}",
        "store", "what", "alone", "64 at once"
    );
    measure("memory", Arc::new(MemoryStore::new())).await;
    if let Ok(url) = std::env::var("REDIS_URL") {
        let store = RedisStore::builder(url).prefix("bench:").connect().await;
        measure("redis", Arc::new(store.unwrap())).await;
    }
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let store = PostgresStore::builder(url).schema("bench").connect().await;
        measure("postgres", Arc::new(store.unwrap())).await;
    }
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    let round = std::process::id();
    let key = |at: usize| Owner::new("bench", format!("{round}-{at}")).key("session");
    let draft = || Draft::new(vec![7; VALUE]).ttl(HOUR);
    let quota = Quota::records(10).bytes(100_000);
    let create =
        async |at: usize| -> Done { store.create(&key(at), draft(), quota).await.map(drop) };
    row(name, "create", create).await;
    let load = async |at: usize| -> Done { store.load(&key(at)).await.map(drop) };
    row(name, "load", load).await;
    let touch = async |at: usize| -> Done { store.touch(&key(at), 2 * HOUR).await.map(drop) };
    row(name, "touch", touch).await;
    let save = async |at: usize| -> Done {
        let key = key(at);
        let record = store.load(&key).await?.unwrap();
        let saved = store.save(&key, record.revision, draft(), quota).await;
        saved.map(drop)
    };
    row(name, "load+save", save).await;
    let delete = async |at: usize| -> Done { store.delete(&key(at), None).await.map(drop) };
    row(name, "delete", delete).await;

    let outbox = store.outbox().unwrap();
    // Ten streams append in turn, of which each keeps its last events.
    let log = |at: usize| key(at % 10);
    let keep = Keep::new(HOUR).events(100);
    let event = || vec![Bytes::from(vec![7; VALUE])];
    let append =
        async |at: usize| -> Done { outbox.append(&log(at), event(), keep).await.map(drop) };
    row(name, "append", append).await;
    let read = async |at: usize| -> Done {
        let log = log(at);
        let last = outbox.last(&log).await?;
        let read = outbox.read(&log, last - 10, 10).await;
        assert_eq!(read.unwrap().len(), 10);
        Ok(())
    };
    row(name, "last+read", read).await;
    for at in 0..10 {
        outbox.clear(log(at).owner()).await.unwrap();
    }
    tell(name, &*store).await;
}

/// How long it takes until an event is heard, and how many are published in a second.
async fn tell(name: &str, store: &dyn Store) {
    let bus = store.bus().unwrap();
    let event = |at: usize| Event::SessionChanged {
        session: "5".repeat(64).into(),
        revision: at as u64,
        from: "replica".into(),
        to: Vec::new(),
    };
    let mut subscription = bus.subscribe().await.unwrap();
    let began = Instant::now();
    for at in 0..TIMES {
        let published = event(at);
        bus.publish(&published).await.unwrap();
        while subscription.next().await != Delivery::Event(published.clone()) {}
    }
    let heard = began.elapsed() / u32::try_from(TIMES).unwrap_or(1);
    println!("{name:10} {:9} {heard:>12.1?}", "heard");
    drop(subscription);
    row(name, "publish", async |at: usize| {
        bus.publish(&event(at)).await
    })
    .await;
}

/// One operation on different records: the mean time of one alone, and how many are done in a
/// second by many at once.
async fn row(name: &str, what: &str, operation: impl AsyncFn(usize) -> Done) {
    let began = Instant::now();
    for at in 0..TIMES {
        operation(at).await.unwrap();
    }
    let alone = began.elapsed() / u32::try_from(TIMES).unwrap_or(1);
    let began = Instant::now();
    let all = stream::iter(TIMES..6 * TIMES);
    let all = all.map(|at| operation(at)).buffer_unordered(AT_ONCE);
    all.for_each(async |done| done.unwrap()).await;
    let rate = (5 * TIMES) as f64 / began.elapsed().as_secs_f64();
    println!("{name:10} {what:9} {alone:>12.1?} {rate:>10.0} /s");
}
