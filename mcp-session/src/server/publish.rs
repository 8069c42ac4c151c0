//! A new revision of a template.

use std::sync::Arc;

use crate::catalog::{Edit, Overlay, Rebase};
use crate::error::Result;
use crate::server::Server;
use crate::server::template::{Blueprint, Revision};

impl Server {
    /// Makes a new revision of a variant's template, for everything that opens from now on.
    ///
    /// Handshake sessions that are open keep what they have, until they are
    /// [rebased](Self::rebase). Stateless requests see the new
    /// revision at once, and open `subscriptions/listen` streams are told, if what they can see
    /// looks different and they asked to hear of it. Hiding an entry here removes it.
    ///
    /// Publications of one variant happen one after the other, so that none is lost.
    ///
    /// # Errors
    ///
    /// What the closure returns; an error when there is no such variant.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the revision is published or it is not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use mcp_session::{Server, Tool, Variant};
    /// # async fn example(server: Server) -> mcp_session::Result<()> {
    /// let tides = Tool::new("tides").description("When the tide comes in.").handler(async || "at six");
    /// server.publish(Variant::DEFAULT, |edit| edit.add_tool(tides)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish<R>(
        &self,
        variant: &str,
        edit: impl FnOnce(&mut Edit<'_>) -> Result<R>,
    ) -> Result<R> {
        let member = self.inner.variants.member(variant)?;
        let _one_at_a_time = member.publishing.lock().await;
        let old = member.newest();
        let Blueprint {
            deps, factories, ..
        } = &*old.blueprint;
        let mut editing = Edit::new(&old.catalog, deps, factories, Overlay::default());
        let done = edit(&mut editing)?;
        let overlay = editing.into_overlay();
        if overlay.is_empty() {
            return Ok(done);
        }
        let catalog = old.catalog.applied(&overlay);
        let next = Arc::new(Revision {
            blueprint: Arc::clone(&old.blueprint),
            catalog,
        });
        member.replace(next);
        self.inner.sessions.principals().renew(member);
        self.inner
            .listeners
            .refresh(|live| Arc::ptr_eq(live.variant(), member));
        Ok(done)
    }

    /// Moves the open handshake sessions of a variant to its newest revision, each with its own
    /// changes, and says how many were moved.
    ///
    /// A client is told once, if what it sees looks different and not otherwise. `policy` decides
    /// where a session and the template changed the same entry; whatever a session has hidden
    /// stays hidden under every policy. A session that is only being opened meanwhile may keep the
    /// revision it began with. Stateless requests need no rebasing: they see the newest revision.
    ///
    /// # Errors
    ///
    /// [`Error::is_configuration`](crate::Error::is_configuration) when there is no such variant.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: each session is moved or it is not, and rebasing again moves the others.
    ///
    /// # Examples
    ///
    /// ```
    /// # use mcp_session::{Server, Variant, catalog::Rebase};
    /// # async fn example(server: Server) -> mcp_session::Result<()> {
    /// server.publish(Variant::DEFAULT, |edit| edit.hide_tool("broken")).await?;
    /// let moved = server.rebase(Variant::DEFAULT, Rebase::KeepOwn).await?;
    /// println!("{moved} sessions no longer have it");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rebase(&self, variant: &str, policy: Rebase) -> Result<usize> {
        /// How many sessions are moved before others get their turn.
        const AT_ONCE: usize = 64;
        let member = self.inner.variants.member(variant)?;
        let _one_at_a_time = member.publishing.lock().await;
        let mut moved = 0;
        for sessions in self.inner.sessions.of_variant(member).chunks(AT_ONCE) {
            moved += sessions.iter().filter(|live| live.rebase(policy)).count();
            tokio::task::yield_now().await;
        }
        Ok(moved)
    }
}
