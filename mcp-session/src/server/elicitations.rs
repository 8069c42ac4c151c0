//! Errands that users run at a URL, and the word that one is done.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::auth::Principal;
use crate::clock;
use crate::context::{Call, Context};
use crate::peer::{AskError, Elicited};
use crate::protocol::{ElicitAction, ElicitResult, ElicitUrlParams, Era, Frame, Raw, method, wire};
use crate::server::{Live, Server, ServerInner};
use crate::session::{Capability, Kind};
use crate::store::{Draft, Key, Owner, Quota, StoreError};

/// How often a handler looks for itself whether an errand is done: another process may have been
/// told.
const LOOK: Duration = Duration::from_secs(1);

/// How many errands of handshake sessions are remembered in order to tell their clients.
const REMEMBERED: usize = 10_000;

const OPEN: &[u8] = b"open";
const DONE: &[u8] = b"done";

/// The errands that users run at URLs. Made by [`Server::elicitations`].
#[derive(Debug, Clone, Copy)]
pub struct Elicitations<'a> {
    server: &'a Server,
}

impl Server {
    /// The errands that users were asked to run at a URL: to say that one is done.
    pub fn elicitations(&self) -> Elicitations<'_> {
        Elicitations { server: self }
    }
}

impl Elicitations<'_> {
    /// Says that an errand is done. Call it where the user arrives in the end, such as in the
    /// handler of an OAuth redirect, with the principal that *this user* was verified to be: an
    /// errand of somebody else is not done by it, which keeps a user from being tricked into running
    /// another one's. `None` is for servers whose callers are anonymous.
    ///
    /// The handler that waits in [`Context::visit`] goes on. A client of 2025-11-25 gets
    /// `notifications/elicitation/complete`; one of 2026-07-28 learns it with its next retry. False
    /// when there is no such errand of this principal.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when it could not be recorded.
    pub async fn complete(
        &self,
        principal: Option<&Principal>,
        id: &str,
    ) -> Result<bool, StoreError> {
        let inner = self.server.inner();
        let recorded = inner.record_done(&errand(principal, id)).await?;
        let told = inner.errands.complete(principal, id);
        #[cfg(feature = "http")]
        if recorded && !told {
            self.server.errand_done_here(id);
        }
        Ok(recorded || told)
    }
}

impl Context {
    /// A name for an errand of this exchange, to put into its URL: hard to guess, the same in all
    /// rounds of the exchange, and what [`Elicitations::complete`] is called with.
    pub fn elicitation_id(&self, key: &str) -> String {
        let exchange = self.call().exchange();
        exchange.remember_name();
        let digest = Sha256::new().chain_update(b"elicitation");
        let digest = digest.chain_update(exchange.id().0).chain_update(key);
        URL_SAFE_NO_PAD.encode(&digest.finalize()[..16])
    }

    /// Asks the user to visit a URL, such as a sign-in page (2025-11-25 and later). The answer
    /// says whether the user agreed to go there, not what happened there: for that, see
    /// [`visit`](Self::visit).
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    pub async fn elicit_url(
        &self,
        key: &str,
        mut url: ElicitUrlParams,
    ) -> Result<ElicitResult, AskError> {
        let id = url
            .elicitation_id
            .get_or_insert_with(|| self.elicitation_id(key));
        let id = id.clone();
        let params = self.askable(Capability::UrlElicitation, || {
            wire::elicit_url(&url, self.client().version())
                .map_err(|error| AskError::Unaskable(error.to_string()))
        })?;
        if self.core().era() == Era::Handshake
            && let Some(server) = self.server()
        {
            server.inner().errands.remember(self, id);
        }
        self.ask(key, method::ELICITATION_CREATE, params).await
    }

    /// Sends the user on an errand at a URL, such as signing in elsewhere, and waits until the
    /// program has said that it is [done](Elicitations::complete).
    ///
    /// `url` makes the URL from the errand's [id](Self::elicitation_id). A user who declines or
    /// cancels runs no errand. In the handshake era this waits, as long as
    /// [`Limits::answer`](crate::Limits::answer), for the errand to be done. In the stateless era
    /// the client is asked again until it is, and can wait and come back whenever it likes.
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit); [`AskError::TimedOut`] when the errand was not done in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question. The errand can still be done.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, Elicited, ToolError, tool};
    ///
    /// /// Lists your repositories.
    /// #[tool]
    /// async fn repositories(ctx: Context) -> Result<String, ToolError> {
    ///     let signed_in = ctx.visit("sign-in", "Sign in to the forge", |id| {
    ///         format!("https://forge.example/oauth?state={id}")
    ///     });
    ///     match signed_in.await? {
    ///         Elicited::Accept(()) => Ok("…".to_owned()),
    ///         Elicited::Decline | Elicited::Cancel => Ok("not signed in".to_owned()),
    ///     }
    /// }
    /// ```
    pub async fn visit(
        &self,
        key: &str,
        message: impl Into<String>,
        url: impl FnOnce(&str) -> String,
    ) -> Result<Elicited<()>, AskError> {
        if !self.client().can(Capability::UrlElicitation) {
            return Err(AskError::MissingCapability(Capability::UrlElicitation));
        }
        let server = self.server().ok_or(AskError::Gone)?;
        let inner = server.inner();
        let id = self.elicitation_id(key);
        let errand = errand(self.principal(), &id);
        inner.open_errand(&errand).await?;
        let asked = ElicitUrlParams::new(message, url(&id)).elicitation_id(id.clone());
        loop {
            if inner.is_done(&errand).await? {
                return Ok(Elicited::Accept(()));
            }
            match self.elicit_url(key, asked.clone()).await?.action {
                ElicitAction::Accept => {}
                ElicitAction::Decline => return Ok(Elicited::Decline),
                ElicitAction::Cancel => return Ok(Elicited::Cancel),
            }
            if self.core().era() == Era::Handshake {
                let done = clock::within(self.now().parts.patience, inner.done(&errand, &id));
                done.await.ok_or(AskError::TimedOut)??;
                return Ok(Elicited::Accept(()));
            }
            // The user agreed to go: unless they are back by now, the client is asked again.
            self.call().exchange().unlearn(key);
        }
    }
}

/// Where it is recorded that an errand is done.
fn errand(principal: Option<&Principal>, id: &str) -> Key {
    Owner::caller("elicitation", principal).key(id)
}

impl ServerInner {
    async fn open_errand(&self, errand: &Key) -> Result<(), AskError> {
        let ttl = self.limits.exchange.max(self.limits.answer);
        let draft = Draft::new(OPEN).ttl(ttl);
        match self.store().create(errand, draft, Quota::NONE).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(AskError::Unkept(error)),
        }
    }

    async fn is_done(&self, errand: &Key) -> Result<bool, AskError> {
        let record = self.store().load(errand).await.map_err(AskError::Unkept)?;
        Ok(record.is_some_and(|record| record.value == DONE))
    }

    /// Waits until an errand is done. Cancel safe.
    async fn done(&self, errand: &Key, id: &str) -> Result<(), AskError> {
        let told = self.errands.signal(id).unwrap_or_default();
        loop {
            let mut told = std::pin::pin!(told.notified());
            // Registered before the look, so that nothing in between is missed.
            told.as_mut().enable();
            if self.is_done(errand).await? {
                return Ok(());
            }
            clock::within(LOOK, told).await;
        }
    }

    async fn record_done(&self, errand: &Key) -> Result<bool, StoreError> {
        loop {
            let Some(found) = self.store().load(errand).await? else {
                return Ok(false);
            };
            let draft = Draft::new(DONE);
            match self
                .store()
                .save(errand, found.revision, draft, Quota::NONE)
                .await
            {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The errands of handshake sessions in this process, whose clients are told when they are done.
#[derive(Default)]
pub(crate) struct Errands {
    // Held for a table operation only, never across an await.
    table: Mutex<HashMap<String, Errand>>,
}

struct Errand {
    live: Weak<Live>,
    call: Weak<Call>,
    told: Arc<Notify>,
}

impl Errands {
    fn remember(&self, ctx: &Context, id: String) {
        let Some(live) = ctx.host::<Live>() else {
            return;
        };
        let mut table = self.table.lock();
        if table.len() >= REMEMBERED {
            table.retain(|_, errand| errand.live.strong_count() > 0);
        }
        if table.len() < REMEMBERED {
            table.entry(id).or_insert_with(|| Errand {
                live: Arc::downgrade(&live),
                call: Arc::downgrade(ctx.call()),
                told: Arc::default(),
            });
        }
    }

    fn signal(&self, id: &str) -> Option<Arc<Notify>> {
        let table = self.table.lock();
        table.get(id).map(|errand| Arc::clone(&errand.told))
    }

    /// Tells the client that was asked; false when it is not known here, or somebody else's.
    fn complete(&self, principal: Option<&Principal>, id: &str) -> bool {
        self.complete_if(id, |live| live.core().principal() == principal)
    }

    /// Tells the client that was asked here, of what another process saw done.
    #[cfg(feature = "http")]
    pub(crate) fn done_elsewhere(&self, id: &str) {
        self.complete_if(id, |_| true);
    }

    fn complete_if(&self, id: &str, own: impl FnOnce(&Live) -> bool) -> bool {
        let mut table = self.table.lock();
        let live = table.get(id).and_then(|errand| errand.live.upgrade());
        if !live.as_ref().is_some_and(|live| own(live)) {
            return false;
        }
        let Some((errand, live)) = table.remove(id).zip(live) else {
            return false;
        };
        drop(table);
        errand.told.notify_waiters();
        let version = live.core().client().map(|client| client.version());
        if !version.is_some_and(|version| version.has_url_elicitation()) {
            return true;
        }
        let params = Raw::from_value(&json!({"elicitationId": id})).unwrap_or_default();
        let frame = Frame::notification_raw(method::ELICITATION_COMPLETE, &params);
        let call = errand.call.upgrade();
        if !call.is_some_and(|call| call.now().try_say(Kind::Notice, &frame)) {
            let standing = live.core().streams.standing_if_open();
            let _ = standing.map(|standing| standing.push(Kind::Notice, frame));
            live.stir();
            #[cfg(feature = "http")]
            live.said();
        }
        true
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errands")
    }
}
