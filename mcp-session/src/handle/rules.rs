//! How long handles of one kind live, and how many there may be.

use std::{fmt, marker::PhantomData, time::Duration};

use crate::handle::kind::check;
use crate::handle::{HandleKind, tools};
use crate::server::TemplateBuilder;
use crate::store::Quota;

/// How long handles of one kind live, how many there may be, and which tools look after them. For
/// [`TemplateBuilder::handles`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mcp_session::{HandleKind, Template, handle::HandleRules, store::Quota};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Basket { items: Vec<String> }
/// # impl HandleKind for Basket {
/// #     const NAME: &str = "basket";
/// #     const PREFIX: &str = "bsk";
/// #     const SOURCE: &str = "call `new_basket`";
/// # }
///
/// let baskets = HandleRules::<Basket>::new()
///     .ttl(Duration::from_secs(60 * 60))
///     .quota(Quota::records(20).bytes(200_000))
///     .list_tool("list_baskets")
///     .close_tool("close_basket");
/// Template::builder("shop", "1.0.0").handles(baskets).build()?;
/// # Ok::<(), mcp_session::Error>(())
/// ```
#[must_use]
pub struct HandleRules<T> {
    pub(super) ttl: Duration,
    pub(super) quota: Quota,
    pub(super) anonymous: Quota,
    list_tool: Option<String>,
    close_tool: Option<String>,
    kind: PhantomData<fn() -> T>,
}

impl<T: HandleKind> HandleRules<T> {
    /// The usual rules, which hold for kinds of which no template says anything.
    pub fn new() -> Self {
        const { check::<T>() }
        Self {
            ttl: Duration::from_secs(24 * 60 * 60),
            quota: Quota::records(100).bytes(1 << 20),
            anonymous: Quota::records(10_000).bytes(64 << 20),
            list_tool: None,
            close_tool: None,
            kind: PhantomData,
        }
    }

    /// How long one lives that nobody uses; a day unless set.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How many one principal may have, and how large they may be together; 100 and 1 MiB unless
    /// set.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// How many all anonymous callers together may have, and how large they may be; 10,000 and 64
    /// MiB unless set.
    ///
    /// They cannot be told apart, so one of them can use this up for all others:
    /// `Quota::records(0)` leaves handles to principals.
    pub fn anonymous(mut self, quota: Quota) -> Self {
        self.anonymous = quota;
        self
    }

    /// Adds a tool of this name that lists the caller's handles. Anonymous callers have no list.
    pub fn list_tool(mut self, name: impl Into<String>) -> Self {
        self.list_tool = Some(name.into());
        self
    }

    /// Adds a tool of this name that closes a handle.
    pub fn close_tool(mut self, name: impl Into<String>) -> Self {
        self.close_tool = Some(name.into());
        self
    }
}

impl<T: HandleKind> Default for HandleRules<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl TemplateBuilder {
    /// Sets the rules for handles of one kind, and adds the tools that look after them. Rules for
    /// one kind that are set twice are a mistake; kinds without rules have [the
    /// usual](HandleRules::new).
    pub fn handles<T: HandleKind>(self, rules: HandleRules<T>) -> Self {
        let list = rules.list_tool.clone().map(tools::list::<T>);
        let close = rules.close_tool.clone().map(tools::close::<T>);
        let tools = [list, close].into_iter().flatten();
        tools.fold(self.provide(rules), Self::tool)
    }
}

impl<T: HandleKind> fmt::Debug for HandleRules<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleRules")
            .field("kind", &T::NAME)
            .field("ttl", &self.ttl)
            .field("quota", &self.quota)
            .field("anonymous", &self.anonymous)
            .finish_non_exhaustive()
    }
}
