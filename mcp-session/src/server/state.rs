//! The state of sessions, principals and exchanges: where it is, and when it goes.

use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::context::Context;
use crate::protocol::Era;
use crate::server::{Limits, Live, PrincipalScope, Session};
use crate::session::EndReason;
use crate::store::{Kept, Owner, State};

/// What the records of a session's state are.
const OF_SESSIONS: &str = "state/session";

/// What the records of a principal's state are.
const OF_PRINCIPALS: &str = "state/principal";

/// What a session cannot keep that ends with its request, and what can.
const REQUEST_SCOPE: &str = "a stateless request's session ends with the request; authenticate \
     callers and use `ctx.principal_scope()?.state()`, or give the client a handle (`ctx.handles()`)";

/// What a principal's session cannot keep, and what can.
const PRINCIPAL_SCOPE: &str = "in the stateless era a principal's session may be put away at any \
     time; `ctx.principal_scope()?.state()` keeps what is the principal's, and a handle \
     (`ctx.handles()`) what belongs to one piece of work";

impl Session {
    /// What this session remembers, as long as it lives. Handshake sessions only.
    ///
    /// `on_close` still finds it; it is removed after that. In the stateless era a session is
    /// nothing that could remember: there every method of the state fails with an error that names
    /// the remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(session: mcp_session::Session) -> mcp_session::Result<()> {
    /// session.state().set("theme", "dark").await?;
    /// let theme: Option<String> = session.state().get("theme").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(&self) -> State {
        let live = self.live();
        let core = live.core();
        match core.era() {
            Era::Stateless => {
                let shared = live.principals().is_some();
                let remedy = if shared {
                    PRINCIPAL_SCOPE
                } else {
                    REQUEST_SCOPE
                };
                State::nowhere("session state", remedy)
            }
            Era::Handshake => {
                #[cfg(feature = "http")]
                let ttl = live.ttl_of_state();
                #[cfg(not(feature = "http"))]
                let ttl = None;
                let bytes = live.server().map(|server| server.limits().state_bytes);
                match (live.kept(), bytes) {
                    (Some(kept), Some(bytes)) => State::of_session(kept, bytes, ttl),
                    _ => State::gone(),
                }
            }
        }
    }
}

impl PrincipalScope {
    /// What is remembered of this principal, in either era and whatever session or variant serves
    /// it.
    ///
    /// It is kept until it was not used for [`Limits::state_retention`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, ToolError, tool};
    ///
    /// /// Remembers a note of whoever calls.
    /// #[tool]
    /// async fn remember(note: String, ctx: Context) -> Result<&'static str, ToolError> {
    ///     ctx.principal_scope()?.state().set("note", &note).await?;
    ///     Ok("remembered")
    /// }
    ///
    /// /// Says the note again, also to another session of the same user.
    /// #[tool]
    /// async fn recall(ctx: Context) -> Result<String, ToolError> {
    ///     let note = ctx.principal_scope()?.state().get("note").await?;
    ///     Ok(note.unwrap_or_else(|| "there is no note".to_owned()))
    /// }
    /// ```
    pub fn state(&self) -> State {
        let Some(server) = self.server() else {
            return State::gone();
        };
        let Limits {
            state_bytes,
            state_retention,
            ..
        } = server.limits;
        let owner = Owner::principal(OF_PRINCIPALS, self.principal());
        let store = Arc::clone(server.store());
        State::of_principal(store, owner, state_bytes, state_retention)
    }
}

impl Context {
    /// What this one exchange remembers: the request, and in the stateless era the rounds in which
    /// its client answers questions and calls again.
    ///
    /// Nothing outside the exchange sees it, and nothing of it stays. It is small
    /// ([`Limits::scratch_bytes`]), for it travels with the questions.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(ctx: mcp_session::Context) -> mcp_session::Result<()> {
    /// ctx.scratch().set("offer", &["12C", "14A"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn scratch(&self) -> State {
        match self.server() {
            Some(server) => {
                let scratch = Arc::clone(self.call().scratch());
                State::of_exchange(scratch, server.limits().scratch_bytes)
            }
            None => State::gone(),
        }
    }
}

impl Live {
    /// What is kept of it, from its first use to its end; `None` where that is past.
    fn kept(&self) -> Option<&Arc<Kept>> {
        let server = self.server();
        let kept = self.core().kept.get_or_init(|| {
            let store = Arc::clone(server?.inner().store());
            let owner = Owner::secret(OF_SESSIONS, self.core().id().as_str());
            Some(Arc::new(Kept::new(store, owner)))
        });
        kept.as_ref()
    }

    /// Whose records its state are.
    #[cfg(feature = "http")]
    pub(crate) fn owner_of_state(&self) -> Owner {
        Owner::secret(OF_SESSIONS, self.core().id().as_str())
    }

    /// Lets go of what is kept of it. A shutdown leaves what outlives the process to the next one.
    pub(crate) fn forget_state(&self) {
        if self.core().era() == Era::Stateless {
            return;
        }
        #[cfg(feature = "http")]
        if let Some(stored) = self.stored() {
            return self.forget_stored(stored, self.owner_of_state());
        }
        let Some(kept) = self.core().kept.get_or_init(|| None).clone() else {
            return;
        };
        kept.close();
        let shut_down = self.core().end_reason() == Some(EndReason::Shutdown);
        if shut_down && self.is_over_http() && kept.store().is_durable() {
            return;
        }
        let durable = kept.store().is_durable();
        let mut clearing = Box::pin(async move {
            if let Err(error) = kept.clear().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the state of an ended session was not removed");
            }
        });
        // What is in memory goes at once, wherever this runs.
        let done = !durable && clearing.as_mut().now_or_never().is_some();
        if !done && !self.hub().spawn(clearing) {
            tracing::warn!("there is no runtime to remove the state of an ended session in");
        }
    }
}
