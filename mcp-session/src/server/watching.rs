//! The setters of the hooks that watch a session's life.

use std::sync::Arc;

use crate::error::BoxError;
use crate::server::{Fault, Session, TemplateBuilder};
use crate::session::{EndReason, SessionState};

/// The hooks that watch a session's life.
///
/// The hooks of one session run one after the other, in the order of what they tell, and beside
/// whatever caused them: nothing waits for them but the end of the session, and for
/// [`on_resume`](Self::on_resume) a session that is restored from a store. Each run is bounded by
/// [`Limits::hook`](crate::Limits::hook); an error or a panic is logged and told to
/// [`on_error`](Self::on_error), and the next one still runs.
impl TemplateBuilder {
    /// Runs when a session has ended, with the reason: exactly once for every session whose
    /// `on_open` has begun (that is for every session that opened, where there is no `on_open`),
    /// also when that refused or panicked, while the process and its runtime live.
    ///
    /// By then nothing is admitted to the session any more, its calls were cancelled and have
    /// gone (or had [`Limits::hook`](crate::Limits::hook) to go) and its streams are closed. In
    /// the stateless era it runs when the session of a principal is put away, and after every
    /// request of an anonymous caller. It costs nothing where it is not set.
    ///
    /// A session in a [durable store](crate::store::Store::is_durable) ends once for all replicas:
    /// this runs on the one that wrote its end. It does not run where a copy is let go of
    /// ([`SessionEvent::LetGo`](crate::server::SessionEvent::LetGo)): because another replica ended
    /// the session, or because this one shuts down or makes room and the session lives on. Nor does
    /// it run for a session that no replica has a copy of any more, when its record expires.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{EndReason, Session, Template};
    ///
    /// let template = Template::builder("files", "1.0.0")
    ///     .on_close(async |session: Session, reason: EndReason| {
    ///         println!("{:?} is gone: {reason}", session.principal());
    ///         Ok(())
    ///     })
    ///     .build()?;
    /// # let _ = template;
    /// # Ok::<(), mcp_session::Error>(())
    /// ```
    pub fn on_close<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session, EndReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let hook = move |session, reason| Box::pin(hook(session, reason)) as _;
        self.hooks.on_close = Some(Arc::new(hook));
        self
    }

    /// Runs when a handshake session, or a principal's, went from one state to another, with both.
    /// The last it is told is [`SessionState::Terminating`]: after that there is
    /// [`on_close`](Self::on_close).
    pub fn on_state_changed<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session, SessionState, SessionState) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let hook = move |session, from, to| Box::pin(hook(session, from, to)) as _;
        self.hooks.on_state_changed = Some(Arc::new(hook));
        self
    }

    /// Runs when a handshake session over HTTP was silent for longer than
    /// [`Limits::idle`](crate::Limits::idle): put away what it does not need while it rests. A
    /// principal's session ends instead, which runs [`on_close`](Self::on_close).
    pub fn on_park<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let hook = move |session| Box::pin(hook(session)) as _;
        self.hooks.on_park = Some(Arc::new(hook));
        self
    }

    /// Runs when a parked session is used again. The request that woke it does not wait for this.
    ///
    /// It also runs when a process restores a session from a
    /// [durable store](crate::store::Store::is_durable), where another one opened it, or the same one
    /// before it let go of it: with what the session changed, and once for each copy that is made.
    /// Requests that name the session wait for it there, at most for
    /// [`Limits::hook`](crate::Limits::hook), and find what it added: this is where entries come
    /// again that are [`ephemeral`](crate::Tool::ephemeral), and whatever else no store keeps. When it
    /// fails, the session goes on without.
    pub fn on_resume<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let hook = move |session| Box::pin(hook(session)) as _;
        self.hooks.on_resume = Some(Arc::new(hook));
        self
    }

    /// Runs when something of the program's own went wrong in a session: a handler panicked, or
    /// another hook failed or panicked.
    pub fn on_error<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Session, Fault) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let hook = move |session, fault| Box::pin(hook(session, fault)) as _;
        self.hooks.on_error = Some(Arc::new(hook));
        self
    }
}
