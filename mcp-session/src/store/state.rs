//! State: named values of one scope, as the types they are.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::scratch::Replaced;
use crate::store::{
    Bound, Contest, Draft, Kept, Key, Owner, Quota, Record, Scratch, Store, StoreError,
};

/// How many values a scope may have.
const VALUES: usize = 1_000;

/// What is told where the store itself takes no more.
pub(crate) const STORE_IS_FULL: &str = "the server's store is full";

/// Named values that a session, a principal or one exchange remembers.
///
/// | scope | from | lives as long as |
/// | --- | --- | --- |
/// | exchange | [`Context::scratch`](crate::Context::scratch) | the request and its rounds |
/// | session | [`Session::state`](crate::Session::state) | the handshake session |
/// | principal | [`PrincipalScope::state`](crate::server::PrincipalScope::state) | it is used, in either era |
///
/// Values are anything that serde reads and writes; they are kept as JSON. Where a scope has
/// nothing to keep values by, every method fails with an error that names the remedy
/// ([`Error::is_unkept`]): nothing is ever lost in silence. [`docs::state`](crate::docs::state)
/// has the whole picture.
///
/// # Examples
///
/// ```
/// use mcp_session::{Session, ToolError, tool};
///
/// /// Counts the calls of this session.
/// #[tool]
/// async fn count(session: Session) -> Result<u32, ToolError> {
///     let calls = |calls: Option<u32>| calls.unwrap_or(0) + 1;
///     Ok(session.state().update("calls", calls).await?)
/// }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing by itself"]
pub struct State {
    place: Place,
}

/// Where the values are.
#[derive(Clone)]
enum Place {
    Store(Arc<Shelf>),
    Memory {
        scratch: Arc<Scratch>,
        limit: usize,
    },
    /// The scope has nothing to keep them by.
    Nowhere {
        what: &'static str,
        remedy: &'static str,
    },
    /// What they belonged to is gone.
    Gone,
}

/// The part of a store that belongs to one scope.
struct Shelf {
    /// How the scope is called in errors.
    what: &'static str,
    store: Arc<dyn Store>,
    owner: Owner,
    bytes: usize,
    /// Values go when they were not used for so long.
    ttl: Option<Duration>,
    /// What they end with.
    kept: Option<Arc<Kept>>,
}

impl State {
    /// The state of a session; where nobody may be left to remove it, for so long behind its last
    /// use.
    pub(crate) fn of_session(kept: &Arc<Kept>, bytes: usize, ttl: Option<Duration>) -> Self {
        Self::on(Shelf {
            what: "the session's state",
            store: Arc::clone(kept.store()),
            owner: kept.owner().clone(),
            bytes,
            ttl,
            kept: Some(Arc::clone(kept)),
        })
    }

    /// The state of a principal, kept until it was not used for so long.
    pub(crate) fn of_principal(
        store: Arc<dyn Store>,
        owner: Owner,
        bytes: usize,
        ttl: Duration,
    ) -> Self {
        Self::on(Shelf {
            what: "the principal's state",
            store,
            owner,
            bytes,
            ttl: Some(ttl),
            kept: None,
        })
    }

    fn on(shelf: Shelf) -> Self {
        Self {
            place: Place::Store(Arc::new(shelf)),
        }
    }

    /// The state of one exchange.
    pub(crate) fn of_exchange(scratch: Arc<Scratch>, limit: usize) -> Self {
        Self {
            place: Place::Memory { scratch, limit },
        }
    }

    /// No state: why not, is said whenever it is asked for.
    pub(crate) fn nowhere(what: &'static str, remedy: &'static str) -> Self {
        Self {
            place: Place::Nowhere { what, remedy },
        }
    }

    /// The state of what is gone.
    pub(crate) fn gone() -> Self {
        Self { place: Place::Gone }
    }

    /// The value of this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] when it is no `T`; [`Error::is_unkept`] where the scope cannot keep
    /// anything; [`Error::is_ended`]; [`Error::is_unavailable`] when the store fails.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match &self.place {
            Place::Store(shelf) => {
                let record = shelf.load(&shelf.owner.key(name)).await?;
                record.map(|record| decode(name, &record.value)).transpose()
            }
            Place::Memory { scratch, .. } => {
                let value = scratch.get(name);
                value.map(|value| from_value(name, value)).transpose()
            }
            nowhere => Err(nowhere.error()),
        }
    }

    /// Sets the value of this name, whatever it was.
    ///
    /// Of two who set the same name at once one is last. Use [`update`](Self::update) where the new
    /// value depends on the old one.
    ///
    /// # Errors
    ///
    /// [`Error::is_full`] when the scope has no room, which names the limit; [`Error::is_value`] when
    /// the value has no JSON form; [`Error::is_unkept`] where the scope cannot keep anything;
    /// [`Error::is_ended`]; [`Error::is_unavailable`] when the store fails.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the value is set or it is not.
    pub async fn set<T: Serialize + Sync + ?Sized>(&self, name: &str, value: &T) -> Result<()> {
        match &self.place {
            Place::Store(shelf) => {
                let text = encode(name, value)?;
                let key = shelf.owner.key(name);
                let mut contest = Contest::default();
                loop {
                    let before = shelf.load(&key).await?;
                    if shelf.replace(&key, before, text.clone()).await? {
                        return Ok(());
                    }
                    contest.lost().await?;
                }
            }
            Place::Memory { scratch, limit } => {
                let value = to_value(name, value)?;
                loop {
                    let before = scratch.get(name);
                    let replaced = scratch.replace(name, before.as_ref(), value.clone(), *limit);
                    if settled(replaced, *limit)? {
                        return Ok(());
                    }
                }
            }
            nowhere => Err(nowhere.error()),
        }
    }

    /// Replaces the value of this name by what `change` makes of it, and returns that.
    ///
    /// The change is made only if nobody else made one meanwhile; otherwise `change` runs again,
    /// on the value as it is then. Let it do nothing else.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and [`Error::is_value`] when what is there is no `T`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the change is made or it is not.
    pub async fn update<T>(
        &self,
        name: &str,
        mut change: impl FnMut(Option<T>) -> T + Send,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send,
    {
        match &self.place {
            Place::Store(shelf) => {
                let key = shelf.owner.key(name);
                let mut contest = Contest::default();
                loop {
                    let before = shelf.load(&key).await?;
                    let old = before.as_ref().map(|record| decode(name, &record.value));
                    let new = change(old.transpose()?);
                    let text = encode(name, &new)?;
                    if shelf.replace(&key, before, text).await? {
                        return Ok(new);
                    }
                    contest.lost().await?;
                }
            }
            Place::Memory { scratch, limit } => loop {
                let before = scratch.get(name);
                let old = before.clone().map(|value| from_value(name, value));
                let new = change(old.transpose()?);
                let value = to_value(name, &new)?;
                let replaced = scratch.replace(name, before.as_ref(), value, *limit);
                if settled(replaced, *limit)? {
                    return Ok(new);
                }
            },
            nowhere => Err(nowhere.error()),
        }
    }

    /// Removes the value of this name; false where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::is_unkept`] where the scope cannot keep anything; [`Error::is_ended`];
    /// [`Error::is_unavailable`] when the store fails.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the value is removed or it is not.
    pub async fn remove(&self, name: &str) -> Result<bool> {
        match &self.place {
            Place::Store(shelf) => {
                shelf.check_open()?;
                let deleted = shelf.store.delete(&shelf.owner.key(name), None).await;
                deleted.map_err(Error::unavailable)
            }
            Place::Memory { scratch, .. } => Ok(scratch.remove(name)),
            nowhere => Err(nowhere.error()),
        }
    }
}

impl Shelf {
    async fn load(&self, key: &Key) -> Result<Option<Record>> {
        self.check_open()?;
        let record = self.store.load(key).await.map_err(Error::unavailable)?;
        if let (Some(left), Some(ttl)) = (record.as_ref().and_then(|record| record.ttl), self.ttl)
            && left < ttl / 2
        {
            // In use: what is only read stays, too.
            self.store
                .touch(key, ttl)
                .await
                .map_err(Error::unavailable)?;
        }
        Ok(record)
    }

    /// Writes over what was there; false where that is not there any more.
    async fn replace(&self, key: &Key, before: Option<Record>, text: Vec<u8>) -> Result<bool> {
        let quota = Quota::records(VALUES).bytes(self.bytes);
        let mut draft = Draft::new(text);
        if let Some(ttl) = self.ttl {
            draft = draft.ttl(ttl);
        }
        let written = match before {
            None => self.store.create(key, draft, quota).await,
            Some(before) => self.store.save(key, before.revision, draft, quota).await,
        };
        match written {
            Ok(_) => {}
            Err(StoreError::Conflict) => return Ok(false),
            Err(StoreError::Full(bound)) => return Err(self.full(bound)),
            Err(error @ StoreError::Unavailable(_)) => return Err(Error::unavailable(error)),
        }
        if self.check_open().is_err() {
            // It ended meanwhile: perhaps this was written behind the removal of all the rest.
            self.store
                .delete(key, None)
                .await
                .map_err(Error::unavailable)?;
            return Err(Error::ended());
        }
        Ok(true)
    }

    fn check_open(&self) -> Result<()> {
        match &self.kept {
            Some(kept) if kept.is_closed() => Err(Error::ended()),
            _ => Ok(()),
        }
    }

    fn full(&self, bound: Bound) -> Error {
        let (what, bytes) = (self.what, self.bytes);
        Error::full(match bound {
            Bound::Records => format!("{what} is full: it may have {VALUES} values"),
            Bound::Bytes => {
                format!("{what} is full: it may have {bytes} bytes (`Limits::state_bytes`)")
            }
            Bound::Store => STORE_IS_FULL.to_owned(),
            Bound::Key => format!("{what} takes no name that is longer than 512 bytes"),
        })
    }
}

impl Place {
    /// Why there is no state here.
    fn error(&self) -> Error {
        match self {
            Self::Nowhere { what, remedy } => Error::unkept(what, remedy),
            Self::Store(_) | Self::Memory { .. } | Self::Gone => Error::ended(),
        }
    }
}

/// True when it was done, false when it must be tried again.
fn settled(replaced: Replaced, limit: usize) -> Result<bool> {
    match replaced {
        Replaced::Done => Ok(true),
        Replaced::Changed => Ok(false),
        Replaced::Full => {
            let limit = format!("it may have {limit} bytes (`Limits::scratch_bytes`)");
            Err(Error::full(format!(
                "the exchange's state is full: {limit}"
            )))
        }
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::value(name, "has no JSON form", error))
}

pub(crate) fn decode<T: DeserializeOwned>(name: &str, text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| misread(name, error))
}

fn to_value<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::value(name, "has no JSON form", error))
}

fn from_value<T: DeserializeOwned>(name: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| misread(name, error))
}

fn misread(name: &str, error: serde_json::Error) -> Error {
    Error::value(name, "is not of the type it is read as", error)
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match &self.place {
            Place::Store(shelf) => shelf.what,
            Place::Memory { .. } => "the exchange's state",
            Place::Nowhere { what, .. } => what,
            Place::Gone => "the state of what is gone",
        };
        write!(f, "State({scope})")
    }
}
