//! What belongs to a principal in the stateless era: one live session per variant, and durable
//! changes that outlive it.

mod record;
mod stored;
mod table;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::catalog::{Edit, Overlay, Patch};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::server::open::Opened;
#[cfg(feature = "http")]
use crate::server::replica::Freshness;
use crate::server::variant::Member;
use crate::server::{Blueprint, Live, Server, ServerInner, Variant};
use crate::store::{self, Revision};

pub(crate) use record::Records;
#[cfg(feature = "http")]
pub(crate) use stored::record_of;
pub(crate) use table::{Known, Principals};

use table::Key;

/// What one principal is offered of one variant in the stateless era: the newest revision, and
/// the principal's own durable changes.
///
/// The changes are the same for every request of this principal, over every connection, and stay
/// when its live session is gone. Where the server's [store](crate::store::Store) is durable they
/// are kept there, for every replica and until they are taken back; otherwise they live as long as
/// the server does.
///
/// Made by [`Context::principal_scope`] in a handler, and by [`Server::principal`] anywhere else.
///
/// # Examples
///
/// ```
/// use mcp_session::{Context, Tool, ToolError, tool};
///
/// /// Unlocks the expert tools for whoever calls, from now on.
/// #[tool]
/// async fn unlock(ctx: Context) -> Result<&'static str, ToolError> {
///     let expert = Tool::new("expert").description("For experts.").handler(async || "done");
///     ctx.principal_scope()?.edit(|edit| edit.add_tool(expert)).await?;
///     Ok("unlocked")
/// }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing by itself"]
pub struct PrincipalScope {
    server: Weak<ServerInner>,
    principal: Principal,
    variant: Arc<str>,
}

impl PrincipalScope {
    /// The same principal, and another variant.
    pub fn of_variant(mut self, variant: &str) -> Self {
        self.variant = variant.into();
        self
    }

    /// Whose it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn server(&self) -> Option<Arc<ServerInner>> {
        self.server.upgrade()
    }

    /// The variant of the template it is about.
    pub fn variant(&self) -> &str {
        &self.variant
    }

    /// Changes durably what this principal is offered.
    ///
    /// All changes of the closure take effect together when it returns `Ok`, and none when it
    /// returns an error. The principal's next request sees them; its open `subscriptions/listen`
    /// streams are told of what looks different, if they asked to hear of it; nobody else is.
    /// Handshake sessions have changes of their own and are not touched.
    ///
    /// The closure edits the newest revision under the durable changes. What `on_open` adds to
    /// that is not stored and not seen here; it is laid over the durable changes, old and new.
    /// What is hidden stays hidden, and what is replaced stays replaced, in every revision to
    /// come, until it is shown again.
    ///
    /// Edits of one principal and variant happen one after the other, so that none is lost. Where
    /// a durable store keeps the changes, those of other replicas are kept, too: of two edits of
    /// one name the later one counts. There an entry must come from a registered factory
    /// ([`Edit::install`]), for a function cannot be stored, and what is kept may have
    /// [`Limits::state_bytes`](crate::Limits::state_bytes). Replicas that show the principal what was
    /// before are told and waited for: once this returns `Ok`, none of them answers from that any
    /// more. One that says nothing is waited for until it may not trust what it knows, for two
    /// seconds or so. The principal's open streams on other replicas are told soon after.
    ///
    /// # Errors
    ///
    /// What the closure returns; [`Error::is_configuration`] when there is no such variant;
    /// [`Error::is_ended`] when the server is gone; and where a durable store keeps the changes,
    /// [`Error::is_unkept`] for an entry that cannot be stored, [`Error::is_full`] when there is no
    /// room, [`Error::is_unavailable`] when the store fails or another replica cannot be told: the
    /// changes were made, then, or they were not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the changes are made or they are not.
    pub async fn edit<R>(&self, edit: impl FnOnce(&mut Edit<'_>) -> Result<R>) -> Result<R> {
        let server = self.server.upgrade().ok_or_else(Error::ended)?;
        let variant = Arc::clone(server.variants.member(&self.variant)?);
        let key = Key::new(&self.principal, variant.name());
        if let Some(record) = server.record_of(&key) {
            return server.edit_stored(key, record, variant, edit).await;
        }
        let turn = server.turn(key).await;
        let before = turn.durable();
        let (done, own) = edited(&variant, &before, false, edit)?;
        let mut durable = (*before).clone();
        durable.extend(own);
        durable.settle();
        // Kept before the live session is looked for: one that opens meanwhile reads it.
        let durable = turn.keep(durable);
        let sessions = server.sessions.principals();
        if let Some(live) = sessions.find(&self.principal, variant.name()) {
            live.renew(Some(durable));
            server.listeners.refresh(|other| Arc::ptr_eq(other, &live));
        }
        Ok(done)
    }
}

/// Runs one edit over the newest revision under the changes there were, and gives what it changed.
fn edited<R>(
    variant: &Member,
    before: &Patch,
    stored: bool,
    edit: impl FnOnce(&mut Edit<'_>) -> Result<R>,
) -> Result<(R, Patch)> {
    let (newest, mut overlay) = (variant.newest(), Overlay::default());
    before.lay(&mut overlay, &newest.catalog);
    let Blueprint {
        deps, factories, ..
    } = &**variant.blueprint();
    let editing = Edit::new(&newest.catalog, deps, factories, overlay);
    let mut editing = editing.stored_for_good(stored);
    let done = edit(&mut editing)?;
    let (_, own) = editing.into_parts();
    Ok((done, own))
}

impl fmt::Debug for PrincipalScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalScope")
            .field("principal", &self.principal)
            .field("variant", &self.variant)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// What a principal is offered in the stateless era, to change it durably: of the default
    /// variant, unless [another](PrincipalScope::of_variant) is named.
    ///
    /// # Examples
    ///
    /// ```
    /// # use mcp_session::{Principal, Server};
    /// # async fn example(server: Server) -> mcp_session::Result<()> {
    /// let ann = Principal::new("https://issuer.example", "ann");
    /// server.principal(&ann).edit(|edit| edit.hide_tool("expert")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn principal(&self, principal: &Principal) -> PrincipalScope {
        PrincipalScope {
            server: Arc::downgrade(self.inner()),
            principal: principal.clone(),
            variant: Variant::DEFAULT.into(),
        }
    }
}

impl Context {
    /// What the caller is offered in the stateless era, to change it durably: the explicit way,
    /// where [`Session::edit`](crate::Session::edit) is refused.
    ///
    /// # Errors
    ///
    /// [`Error::is_unkept`] for an anonymous caller, to whom nothing can belong;
    /// [`Error::is_ended`] when the server is gone.
    pub fn principal_scope(&self) -> Result<PrincipalScope> {
        const REMEDY: &str = "the caller is anonymous; authenticate callers, give the client a handle, or let it use a handshake session";
        let principal = self
            .principal()
            .ok_or_else(|| Error::unkept("what belongs to a principal", REMEDY))?;
        let server = self.server().ok_or_else(Error::ended)?;
        let session = self.session();
        Ok(server.principal(principal).of_variant(session.variant()))
    }
}

/// What makes a live session a principal's.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Requests in flight and open streams.
    users: AtomicUsize,
    /// The one run of `on_open`, begun by the first request that needs it.
    opened: OnceLock<watch::Receiver<Option<Opened>>>,
    /// Its requests are to stop.
    ended: CancellationToken,
    /// Where a store keeps the principal's durable changes.
    recalled: Option<Recalled>,
}

/// What a session shows of what a store keeps.
#[derive(Debug)]
pub(crate) struct Recalled {
    pub(super) record: store::Key,
    /// The revision that it shows; `None` before there is one.
    // Held to read or replace it, never across an await.
    revision: Mutex<Option<Revision>>,
    #[cfg(feature = "http")]
    pub(crate) freshness: Freshness,
}

#[cfg(feature = "http")]
impl Recalled {
    /// The record that it shows.
    pub(crate) fn record(&self) -> &store::Key {
        &self.record
    }
}

impl Shared {
    /// Of a principal whose durable changes are in this record, if a store keeps them.
    fn new(record: Option<store::Key>) -> Self {
        let recalled = record.map(|record| Recalled {
            record,
            revision: Mutex::default(),
            #[cfg(feature = "http")]
            freshness: Freshness::unseen(),
        });
        Self {
            recalled,
            ..Self::default()
        }
    }

    /// What it shows of what a store keeps; `None` where no store does.
    pub(crate) fn recalled(&self) -> Option<&Recalled> {
        self.recalled.as_ref()
    }

    pub(crate) fn used(&self) {
        self.users.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn is_used(&self) -> bool {
        self.users() > 0
    }

    /// How many requests are in flight and streams open.
    pub(crate) fn users(&self) -> usize {
        self.users.load(Ordering::Acquire)
    }

    /// For one more request: cancelled when the session ends.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.ended.child_token()
    }

    /// The session is over: its requests are cancelled.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// How `on_open` ended, or will; `begin` begins it.
    pub(crate) fn opened(
        &self,
        begin: impl FnOnce() -> watch::Receiver<Option<Opened>>,
    ) -> watch::Receiver<Option<Opened>> {
        self.opened.get_or_init(begin).clone()
    }
}

impl Live {
    /// A principal's session is in use once less.
    pub(crate) fn unused(&self) {
        let Some(shared) = self.principals() else {
            return;
        };
        if shared.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let rested = &self.hub().rested;
        if !rested.load(Ordering::Relaxed) {
            rested.store(true, Ordering::Release);
        }
        if self.core().end_reason().is_some() {
            self.core().ended.cleared();
        }
    }
}
