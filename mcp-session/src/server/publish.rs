//! A new revision of a template.

use std::sync::Arc;

use crate::catalog::{Edit, Overlay};
use crate::error::{Error, Result};
use crate::server::template::Revision;
use crate::server::{Server, Variant};

impl Server {
    /// Makes a new revision of a variant's template, for everything that opens from now on.
    ///
    /// Handshake sessions that are open keep what they have. Stateless requests see the new
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
        let variants = &self.inner.variants;
        let member = variants.member(variant).ok_or_else(|| {
            let known = Variant::DEFAULT;
            Error::configuration(format!("there is no variant `{variant}`; one is `{known}`"))
        })?;
        let _one_at_a_time = member.publishing.lock().await;
        let old = member.newest();
        let mut editing = Edit::new(&old.catalog, &old.blueprint.deps, Overlay::default());
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
        member.replace(Arc::clone(&next));
        self.inner.listeners.published(&next);
        Ok(done)
    }
}
