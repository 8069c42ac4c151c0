//! Hearing an engine that may go away: a task that listens, and connects again.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use crate::clock;
use crate::random;
use crate::store::{
    StoreError,
    bus::{Inbox, Reader, Subscription, inbox},
};

/// The first pause before it is connected to again, and the longest.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// How long it is quiet on a connection before somebody asks whether the engine is still there.
pub(crate) const QUIET: Duration = Duration::from_secs(5);

/// How an engine is listened to.
#[async_trait]
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    /// A connection that hears what is published from now on.
    type Ears: Send;

    /// Connects, in bounded time.
    async fn connect(&self) -> Result<Self::Ears, StoreError>;

    /// Puts what is heard into an inbox, until it cannot be heard any more.
    async fn hear(&self, ears: Self::Ears, inbox: &Inbox) -> StoreError;
}

/// Listens from now on.
pub(crate) async fn subscribe<E: Engine>(engine: E) -> Result<Box<dyn Subscription>, StoreError> {
    let ears = engine.connect().await?;
    let inbox = Inbox::new(inbox::CAPACITY);
    let listening = tokio::spawn(listen(engine, ears, Arc::clone(&inbox)));
    Ok(Box::new(Reader {
        inbox,
        _filled_by: AbortOnDropHandle::new(listening),
    }))
}

async fn listen<E: Engine>(engine: E, mut ears: E::Ears, inbox: Arc<Inbox>) {
    loop {
        let error = engine.hear(ears, &inbox).await;
        tracing::warn!(
            error = &error as &dyn Error,
            "cut off from the other replicas"
        );
        inbox.cut_off();
        ears = connected_again(&engine).await;
        tracing::info!("the other replicas are heard again");
        inbox.lagged();
    }
}

async fn connected_again<E: Engine>(engine: &E) -> E::Ears {
    let mut pause = SHORTEST;
    loop {
        // Those who were cut off together do not come back together.
        let [chance] = random::bytes();
        clock::sleep(pause / 2 + pause * u32::from(chance) / 512).await;
        match engine.connect().await {
            Ok(ears) => return ears,
            Err(error) => tracing::debug!(
                error = &error as &dyn Error,
                "the other replicas are still out of reach"
            ),
        }
        pause = (pause * 2).min(LONGEST);
    }
}
