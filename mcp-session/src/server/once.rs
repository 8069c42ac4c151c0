//! Effects that happen once in an exchange, however often its handler runs.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::context::Context;
use crate::error::ToolError;
use crate::peer::exchange::{Exchange, Interrupted};
use crate::protocol::{Era, Raw, misfit};
use crate::server::Server;
use crate::store::{Draft, Key, Owner, Quota, Revision, Store, StoreError};

/// How long a run may be silent before its effect counts as lost half way.
const LEASE: Duration = Duration::from_secs(30);

/// How long others wait between two looks at an effect that is under way: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// Why there is no result of an effect that happens [`once`](Context::once).
///
/// Like [`ToolError`], into which `?` turns it, it is no `std::error::Error`, so that an effect may
/// fail with either.
#[derive(Debug)]
#[non_exhaustive]
pub enum OnceError<E> {
    /// The effect failed. It may be tried again.
    Failed(E),
    /// The effect was begun and its end was never heard of: the process died, the handler was
    /// cancelled or panicked in the middle. It is not tried again; find out what became of it by
    /// other means.
    OutcomeUnknown,
    /// It could not be recorded that the effect is to happen, so it did not.
    Unavailable(StoreError),
    /// What was recorded, or is to be, is not of this type; the text says why.
    Misfit(String),
    /// The same key is in use by another effect of this run.
    KeyTaken,
    /// The handler was put aside until its client answers, and this task of its own outlived it.
    Suspended,
}

impl Context {
    /// Runs an effect that must not happen twice in one exchange, such as a payment, and remembers
    /// its result under `key`.
    ///
    /// In the stateless era (2026-07-28) a handler that asks runs again from its beginning once the
    /// answers are there, a client may send a retry several times, and several of them may be
    /// answered at once. The first run to come here reserves the effect in the server's
    /// [store](crate::ServerBuilder::store) and performs it; every other gets the recorded result.
    /// An effect that fails is not recorded and may be tried again. In the handshake era a handler
    /// runs once, and this only remembers the result for this run.
    ///
    /// What it cannot do: a client that sends its *first* request twice begins two exchanges, each
    /// with an effect of its own. Let the client name the errand (an order number among the
    /// arguments) where that matters. And the reservation holds as far as the store reaches: with
    /// the default one, within this process.
    ///
    /// # Errors
    ///
    /// [`OnceError`] says whether the effect failed, or did not happen, or nobody knows.
    ///
    /// # Cancel safety
    ///
    /// Dropped while the effect is under way, its outcome is unknown, and whoever comes later is
    /// told so.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, Elicited, JsonSchema, ToolError, tool};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Seat {
    ///     seat: String,
    /// }
    ///
    /// # async fn charge(flight: &str) -> Result<String, ToolError> { Ok(flight.to_owned()) }
    /// /// Books a flight.
    /// #[tool]
    /// async fn book(flight: String, ctx: Context) -> Result<String, ToolError> {
    ///     let ticket = ctx.once("charge", || charge(&flight)).await?;
    ///     // Whatever is asked from here on, the charge is not repeated.
    ///     match ctx.elicit::<Seat>("seat", "Which seat?").await? {
    ///         Elicited::Accept(seat) => Ok(format!("{ticket}, seat {}", seat.seat)),
    ///         Elicited::Decline | Elicited::Cancel => Ok(ticket),
    ///     }
    /// }
    /// ```
    pub async fn once<T, E, F>(
        &self,
        key: &str,
        effect: impl FnOnce() -> F,
    ) -> Result<T, OnceError<E>>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        let exchange = Arc::clone(self.call().exchange());
        if let Some(given) = exchange.effect(key) {
            return read(&given);
        }
        // The round does not end meanwhile, whatever is asked beside it.
        let _effecting = exchange.effecting(key)?;
        let stateless = self.core().era() == Era::Stateless && self.now().parts.subject.is_some();
        if !stateless {
            let given = effect().await.map_err(OnceError::Failed)?;
            exchange.keep_effect(key, written(&given)?);
            return Ok(given);
        }
        let server = self.server().ok_or(OnceError::Suspended)?;
        let mut reserved = match reserve(&server, &exchange, key).await? {
            Reservation::Ours(reserved) => reserved,
            Reservation::Done(given) => {
                exchange.keep_effect(key, given.clone());
                return read(&given);
            }
        };
        let given = match reserved.while_running(effect()).await {
            Ok(given) => given,
            Err(error) => {
                reserved.release().await;
                return Err(OnceError::Failed(error));
            }
        };
        let recorded = written(&given)?;
        reserved.record(&recorded).await;
        exchange.keep_effect(key, recorded);
        Ok(given)
    }
}

fn read<T: DeserializeOwned, E>(given: &Raw) -> Result<T, OnceError<E>> {
    let given = given.decode();
    given.map_err(|error| OnceError::Misfit(misfit(&error)))
}

fn written<T: Serialize, E>(given: &T) -> Result<Raw, OnceError<E>> {
    let given = Raw::from_value(given);
    given.map_err(|error| OnceError::Misfit(error.to_string()))
}

/// What is recorded of an effect.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    /// It is under way, and was so until then at least.
    Running {
        until_ms: u64,
    },
    Done(Raw),
    /// It was begun, and nobody will ever know.
    Lost,
}

enum Reservation {
    Ours(Reserved),
    Done(Raw),
}

/// Takes the right to perform an effect, or waits for the result of whoever has it.
async fn reserve<E>(
    server: &Server,
    exchange: &Exchange,
    key: &str,
) -> Result<Reservation, OnceError<E>> {
    let inner = server.inner();
    let store = inner.store();
    let owner = Owner::secret("once", &URL_SAFE_NO_PAD.encode(exchange.id().0));
    let record = owner.key(key);
    // As long as a state may be used again that was sealed before this.
    let ttl = inner.limits.exchange + LEASE;
    let mut pause = PAUSES.0;
    loop {
        let draft = running().draft().ttl(ttl);
        match store.create(&record, draft, Quota::NONE).await {
            Ok(revision) => {
                return Ok(Reservation::Ours(Reserved {
                    store: Arc::clone(store),
                    tasks: inner.tasks.clone(),
                    key: record,
                    revision,
                    settled: false,
                }));
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(OnceError::Unavailable(error)),
        }
        let found = store.load(&record).await.map_err(OnceError::Unavailable)?;
        // Gone again: whoever had it failed, and it may be tried again.
        let Some(found) = found else { continue };
        match serde_json::from_slice(&found.value) {
            Ok(Effect::Done(given)) => return Ok(Reservation::Done(given)),
            Ok(Effect::Running { until_ms }) if until_ms > clock::unix_ms() => {}
            Ok(Effect::Running { .. } | Effect::Lost) => return Err(OnceError::OutcomeUnknown),
            Err(error) => return Err(OnceError::Misfit(error.to_string())),
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn running() -> Effect {
    let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    Effect::Running {
        until_ms: clock::unix_ms().saturating_add(lease),
    }
}

impl Effect {
    fn draft(&self) -> Draft {
        Draft::new(serde_json::to_vec(self).expect("an effect has a JSON form"))
    }
}

/// The right to perform an effect, and the duty to say what became of it.
struct Reserved {
    store: Arc<dyn Store>,
    tasks: TaskTracker,
    key: Key,
    revision: Revision,
    settled: bool,
}

impl Reserved {
    /// Performs the effect, and says from time to time that it is under way.
    async fn while_running<F: Future>(&mut self, effect: F) -> F::Output {
        let mut effect = std::pin::pin!(effect);
        loop {
            if let Some(output) = clock::within(LEASE / 3, effect.as_mut()).await {
                return output;
            }
            self.save(&running()).await;
        }
    }

    /// The effect failed: it may be tried again.
    async fn release(mut self) {
        self.settled = true;
        let deleted = self.store.delete(&self.key, Some(self.revision)).await;
        if let Err(error) = deleted {
            tracing::warn!(%error, "an effect that failed counts as lost");
        }
    }

    async fn record(mut self, given: &Raw) {
        self.settled = true;
        self.save(&Effect::Done(given.clone())).await;
    }

    async fn save(&mut self, effect: &Effect) {
        let saved = self
            .store
            .save(&self.key, self.revision, effect.draft(), Quota::NONE);
        match saved.await {
            Ok(revision) => self.revision = revision,
            Err(error) => tracing::warn!(%error, "what became of an effect was not recorded"),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let revision = self.revision;
        let lost = async move {
            let draft = Effect::Lost.draft();
            // Where this fails, it shows when the lease is over.
            store.save(&key, revision, draft, Quota::NONE).await.ok();
        };
        self.tasks.spawn_on(lost, &runtime);
    }
}

impl<E: fmt::Display> fmt::Display for OnceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::OutcomeUnknown => f.write_str(
                "this was begun before, and it is not known whether it happened: check before \
                 trying again",
            ),
            Self::Unavailable(error) => write!(f, "this was not begun: {error}"),
            Self::Misfit(why) => write!(f, "what was recorded does not fit: {why}"),
            Self::KeyTaken => f.write_str("two effects of one handler have the same key"),
            Self::Suspended => f.write_str("the handler was put aside until its client answers"),
        }
    }
}

impl<E: Into<Self>> From<OnceError<E>> for ToolError {
    fn from(error: OnceError<E>) -> Self {
        match error {
            OnceError::Failed(error) => error.into(),
            OnceError::OutcomeUnknown => OnceError::<&str>::OutcomeUnknown.told(),
            OnceError::Unavailable(error) => OnceError::<&str>::Unavailable(error).told(),
            OnceError::Misfit(why) => OnceError::<&str>::Misfit(why).told(),
            OnceError::KeyTaken => OnceError::<&str>::KeyTaken.told(),
            OnceError::Suspended => OnceError::<&str>::Suspended.told(),
        }
    }
}

impl OnceError<&str> {
    fn told(&self) -> ToolError {
        ToolError::new(self.to_string())
    }
}

impl<E> From<Interrupted> for OnceError<E> {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::KeyTaken => Self::KeyTaken,
            Interrupted::Over => Self::Suspended,
        }
    }
}
