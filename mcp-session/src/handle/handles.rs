//! The handles of one kind that a caller has.

use std::{fmt, sync::Arc, time::Duration};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::handle::kind::unknown;
use crate::handle::place::{Place, failed};
use crate::handle::{Handle, HandleKind, HandleName, HandleRules};
use crate::server::Server;
use crate::store::{Draft, Owner, Quota, Record, encode};

/// The handles of one kind that the caller of a request has, or can have. Made by
/// [`Context::handles`].
pub struct Handles<T: HandleKind> {
    /// `None` while the server is being dropped.
    server: Option<Server>,
    rules: Arc<HandleRules<T>>,
    owner: Owner,
    quota: Quota,
    named: bool,
}

impl Context {
    /// The handles of one kind that the caller has, or can have: to make one, and to open one whose
    /// name came in some other way than as a parameter of type [`Handle`].
    ///
    /// # Examples
    ///
    /// See [`Handle`].
    pub fn handles<T: HandleKind>(&self) -> Handles<T> {
        let space = format!("handle/{}", T::NAME);
        let rules = self.call().parts.host.deps().find::<HandleRules<T>>();
        let rules = rules.unwrap_or_default();
        let named = self.principal().is_some();
        let quota = if named { rules.quota } else { rules.anonymous };
        Handles {
            server: self.server(),
            owner: Owner::caller(space, self.principal()),
            quota,
            rules,
            named,
        }
    }
}

impl<T: HandleKind> Handles<T> {
    /// Makes a handle that stands for this, under a name that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`Error::is_full`] when the caller has as many as it may have; [`Error::is_value`] when the
    /// value has no JSON form; [`Error::is_unavailable`] when the store fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped halfway, it may leave a handle whose name nobody knows, until that expires.
    pub async fn create(&self, value: T) -> Result<Handle<T>> {
        let text = encode(T::NAME, &value)?;
        let name = HandleName::random();
        let place = self.place(&name)?;
        let draft = Draft::new(text).ttl(self.rules.ttl);
        let created = place.store.create(&place.key, draft, self.quota).await;
        created.map_err(|error| failed::<T>(error, self.quota))?;
        Ok(Handle::at(name, place, None))
    }

    /// The handle of this name, in use until it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_unknown`] when the caller has no such handle, whatever the reason;
    /// [`Error::is_unavailable`] when the store fails.
    pub async fn open(&self, name: &HandleName<T>) -> Result<Handle<T>> {
        if !name.is_plausible() {
            return Err(unknown::<T>());
        }
        let place = self.place(name)?;
        let touched = place.store.touch(&place.key, self.rules.ttl).await;
        let record = touched.map_err(Error::unavailable)?;
        let record: Record = record.ok_or_else(unknown::<T>)?;
        Ok(Handle::at(name.clone(), place, Some(record)))
    }

    /// The caller's handles behind the one of this name, or from the first, in no order that means
    /// anything, and for how long each is still kept. An empty page is the end.
    ///
    /// # Errors
    ///
    /// [`Error::is_unkept`] for an anonymous caller, who cannot be told from others;
    /// [`Error::is_unavailable`] when the store fails.
    pub async fn list(
        &self,
        after: Option<&HandleName<T>>,
        limit: usize,
    ) -> Result<Vec<(HandleName<T>, Duration)>> {
        const REMEDY: &str = "anonymous callers cannot be told apart; authenticate callers";
        if !self.named {
            return Err(Error::unkept("a list of handles", REMEDY));
        }
        let server = self.server.as_ref().ok_or_else(Error::ended)?;
        let after = after.map(HandleName::as_str);
        let listed = server.store().list(&self.owner, after, limit).await;
        let listed = listed.map_err(Error::unavailable)?.into_iter();
        let named = listed.map(|one| {
            let left = one.record.ttl.unwrap_or(Duration::MAX);
            (HandleName::from_text(one.name), left)
        });
        Ok(named.collect())
    }

    /// The place of this name, in use from here on.
    fn place(&self, name: &HandleName<T>) -> Result<Place> {
        let server = self.server.as_ref().ok_or_else(Error::ended)?;
        let key = self.owner.key(Arc::clone(name.shared()));
        let ttl = self.rules.ttl;
        Ok(Place {
            store: Arc::clone(server.store()),
            _hold: Some(server.inner().keeper.hold(&key, ttl)),
            key,
            ttl,
            quota: self.quota,
        })
    }
}

impl<T: HandleKind> fmt::Debug for Handles<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles")
            .field("kind", &T::NAME)
            .finish_non_exhaustive()
    }
}
