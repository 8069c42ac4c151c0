//! What a live session offers: the template through its own overlay, and how that changes.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{
    Catalog, CheckedResource, CheckedTemplate, Edit, Family, Overlay, Patch, Rebase, UriVariables,
    View,
};
#[cfg(feature = "http")]
use crate::catalog::{StoredPatch, Workshop};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::protocol::{Era, Frame, method};
use crate::server::Live;
use crate::server::template::{Blueprint, Revision};
use crate::session::{About, Kind};

/// What a scope that ends with its request cannot keep, and what can.
const REQUEST_SCOPE: &str = "a stateless request's session ends with the request; edit in `on_open`, \
     publish a new revision of the template, authenticate callers and edit what is the principal's, \
     or let the client use a handshake session";

/// What nobody may change as if in passing, and how to change it on purpose.
const PRINCIPAL_SCOPE: &str = "in the stateless era a principal's session is edited in `on_open` only; \
     `ctx.principal_scope()?.edit(..)` changes durably what this principal is offered";

/// What a session offers.
pub(super) struct Offer {
    revision: Arc<Revision>,
    overlay: Overlay,
    /// What the overlay of a principal's session is made of.
    layers: Option<Box<Layers>>,
}

/// Laid over each other, these are the overlay of a principal's session, over any revision.
pub(super) struct Layers {
    durable: Arc<Patch>,
    opened: Patch,
}

impl Offer {
    /// A revision as it is, or under the layers of a principal.
    pub(super) fn new(revision: Arc<Revision>, layers: Option<Box<Layers>>) -> Self {
        Self {
            revision,
            overlay: Overlay::default(),
            layers,
        }
    }

    /// Makes the overlay anew from its layers, over another revision.
    fn relay(&mut self, revision: Arc<Revision>) -> Option<Overlay> {
        let layers = self.layers.as_ref()?;
        let mut overlay = Overlay::default();
        layers.durable.lay(&mut overlay, &revision.catalog);
        layers.opened.lay(&mut overlay, &revision.catalog);
        self.revision = revision;
        Some(std::mem::replace(&mut self.overlay, overlay))
    }
}

impl Layers {
    /// Those of a principal with these durable changes.
    pub(super) fn over(durable: Arc<Patch>) -> Box<Self> {
        let opened = Patch::default();
        Box::new(Self { durable, opened })
    }
}

impl Live {
    /// Looks at what the session offers.
    pub(crate) fn with_view<R>(&self, look: impl FnOnce(&Catalog, &Overlay) -> R) -> R {
        let offer = self.offer.read();
        look(&offer.revision.catalog, &offer.overlay)
    }

    /// What the next stateless request of this client will be offered: the newest revision under
    /// the same changes.
    pub(crate) fn upcoming(&self) -> (Catalog, Overlay) {
        let offer = self.offer.read();
        let newest = self.variant().newest();
        if Arc::ptr_eq(&newest, &offer.revision) {
            return (newest.catalog.clone(), offer.overlay.clone());
        }
        let old = &offer.revision.catalog;
        let overlay = offer.overlay.onto(old, &newest.catalog, Rebase::KeepOwn);
        (newest.catalog.clone(), overlay)
    }

    /// True when the newest revision is the one it offers.
    pub(crate) fn is_current(&self) -> bool {
        Arc::ptr_eq(&self.offer.read().revision, &self.variant().newest())
    }

    /// Brings a principal's session to the newest revision, and to the durable changes as they
    /// are now.
    pub(crate) fn renew(&self, durable: Option<Arc<Patch>>) {
        let mut offer = self.offer.write();
        if self.core().end_reason().is_some() {
            return;
        }
        if let (Some(layers), Some(durable)) = (&mut offer.layers, durable) {
            layers.durable = durable;
        }
        // Under the lock, so that of two who renew none brings back what was older.
        let newest = self.variant().newest();
        let replaced = offer.relay(newest);
        drop(offer);
        // Outside the lock: what goes with it is the user's.
        drop(replaced);
    }

    /// Moves to the newest revision with what was changed, and tells the client if that looks
    /// different. False when it is there already, or has ended.
    pub(crate) fn rebase(self: &Arc<Self>, policy: Rebase) -> bool {
        let mut offer = self.offer.write();
        let newest = self.variant().newest();
        if self.core().end_reason().is_some() || Arc::ptr_eq(&newest, &offer.revision) {
            return false;
        }
        let (old, new) = (&offer.revision.catalog, &newest.catalog);
        let overlay = offer.overlay.onto(old, new, policy);
        let families = old.changed_families(&offer.overlay, new, &overlay);
        let replaced = std::mem::replace(&mut offer.overlay, overlay);
        let left = std::mem::replace(&mut offer.revision, newest);
        drop(offer);
        // Outside the lock: what goes with them is the user's.
        drop((replaced, left));
        self.changed(None, &families);
        true
    }

    pub(super) fn edit<R>(
        self: &Arc<Self>,
        request: Option<&Arc<Call>>,
        edit: impl FnOnce(&mut Edit<'_>) -> Result<R>,
    ) -> Result<R> {
        if self.core().era() == Era::Stateless && self.is_open() {
            let remedy = match self.principals() {
                Some(_) => PRINCIPAL_SCOPE,
                None => REQUEST_SCOPE,
            };
            return Err(Error::unkept("this edit", remedy));
        }
        let mut offer = self.offer.write();
        // Under the lock, so that nothing is added behind the end.
        if self.core().end_reason().is_some() {
            return Err(Error::ended());
        }
        let catalog = &offer.revision.catalog;
        let Blueprint {
            deps, factories, ..
        } = self.blueprint();
        #[cfg(feature = "http")]
        let stored = self.is_to_be_stored();
        #[cfg(not(feature = "http"))]
        let stored = false;
        let overlay = offer.overlay.clone();
        let mut editing = Edit::new(catalog, deps, factories, overlay).stored(stored);
        if offer.layers.is_none() {
            editing = editing.unnoted();
        }
        let done = edit(&mut editing)?;
        let (changed, patch) = editing.into_parts();
        let families = catalog.changed_families(&changed, catalog, &offer.overlay);
        let replaced = std::mem::replace(&mut offer.overlay, changed);
        if let Some(layers) = &mut offer.layers {
            layers.opened.extend(patch);
        }
        drop(offer);
        // Outside the lock: what goes with it is the user's, and may look at the session.
        drop(replaced);
        self.changed(request, &families);
        Ok(done)
    }

    /// True where it is this process's part to tell it what many are told.
    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "there is no other process")]
    pub(crate) fn is_told_here(&self) -> bool {
        true
    }

    /// Something changed that a record of it would say: there is none.
    #[cfg(not(feature = "http"))]
    pub(crate) fn changed(self: &Arc<Self>, request: Option<&Arc<Call>>, families: &[Family]) {
        self.announce(request.map(|call| &**call), families);
    }

    /// Takes over what another replica changed, over what was changed here `before`; gives what is
    /// changed then. `None`, and nothing is done, where that is not what was changed here any
    /// more. Its client was told there.
    #[cfg(feature = "http")]
    pub(super) fn lay(&self, changes: &StoredPatch, before: &StoredPatch) -> Option<StoredPatch> {
        let blueprint = self.blueprint();
        let (patch, problems) = changes.restore(Workshop {
            factories: &blueprint.factories,
            deps: &blueprint.deps,
            families: self.families(),
        });
        let mut offer = self.offer.write();
        let catalog = &offer.revision.catalog;
        if offer.overlay.stored(catalog) != *before {
            return None;
        }
        let mut overlay = offer.overlay.clone();
        if self.core().end_reason().is_none() {
            patch.lay(&mut overlay, catalog);
        }
        let laid = overlay.stored(catalog);
        let replaced = std::mem::replace(&mut offer.overlay, overlay);
        drop(offer);
        // Outside the lock: what goes with it is the user's.
        drop(replaced);
        for problem in problems {
            let session = self.core().id().tag();
            tracing::warn!(%session, %problem, "a change of a session cannot be made here");
        }
        Some(laid)
    }

    /// True when a client of this session could read a resource of this URI.
    pub(crate) fn serves(&self, uri: &str) -> bool {
        self.with_view(|catalog, overlay| served(catalog, overlay, uri).is_some())
    }

    /// Lets go of what the session changed: a tool of its own may hold the session it belongs to.
    pub(crate) fn forget_changes(&self) {
        let mut offer = self.offer.write();
        let changed = (std::mem::take(&mut offer.overlay), offer.layers.take());
        drop(offer);
        drop(changed);
    }

    /// Tells the client that lists changed, once per family, if it can have seen any.
    ///
    /// Over HTTP, a client that listens to no stream of the session's hears it on the stream of
    /// the request that made the change.
    pub(crate) fn announce(self: &Arc<Self>, request: Option<&Call>, families: &[Family]) {
        // An edit in `on_open` comes before the first list, however early the client is known.
        if self.core().client().is_none() || !self.is_open() {
            return;
        }
        for family in families {
            let (Some((about, _)), Some(text)) = (list_changed(*family), said_of(*family)) else {
                continue;
            };
            // The same text for all: many sessions may be told at once.
            let frame = Frame::One(Bytes::from_static(text.as_bytes()));
            let own = request.filter(|_| self.is_over_http() && !self.is_listened_to());
            let key = || Kind::Keyed(about.clone().into());
            if !own.is_some_and(|call| call.now().try_say(key(), &frame)) {
                self.tell(about.into(), frame);
            }
        }
    }

    /// True while somebody reads the standing stream.
    pub(super) fn is_listened_to(&self) -> bool {
        #[cfg(feature = "http")]
        if let Some(stored) = self.stored() {
            return stored.is_listened_to();
        }
        let standing = self.core().streams.standing_if_open();
        standing.is_some_and(|standing| standing.is_connected())
    }
}

/// What serves a URI.
pub(crate) enum Served<'a> {
    Resource(&'a CheckedResource),
    Template(&'a CheckedTemplate, UriVariables),
}

/// A resource of this URI, or the first resource template that matches it; nothing when the
/// session hid the resource.
pub(crate) fn served<'a>(
    catalog: &'a Catalog,
    overlay: &'a Overlay,
    uri: &str,
) -> Option<Served<'a>> {
    let resources = View::new(&*catalog.resources, &overlay.resources);
    if let Some(resource) = resources.find(uri) {
        return Some(Served::Resource(resource));
    }
    if resources.hides(uri) {
        return None;
    }
    View::new(&*catalog.templates, &overlay.templates)
        .iter()
        .find_map(|template| {
            let variables = template.uris().matches(uri)?;
            Some(Served::Template(template, variables))
        })
}

/// How a change of a family is announced; `None` for completions, which are not listed.
pub(crate) fn list_changed(family: Family) -> Option<(About, &'static str)> {
    match family {
        Family::Tools => Some((About::Tools, method::TOOLS_LIST_CHANGED)),
        Family::Prompts => Some((About::Prompts, method::PROMPTS_LIST_CHANGED)),
        Family::Resources => Some((About::Resources, method::RESOURCES_LIST_CHANGED)),
        Family::Completions => None,
    }
}

/// The same as a session is told of it.
fn said_of(family: Family) -> Option<&'static str> {
    match family {
        Family::Tools => Some(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#),
        Family::Prompts => {
            Some(r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#)
        }
        Family::Resources => {
            Some(r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#)
        }
        Family::Completions => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_list_is_its_notification() {
        for family in [
            Family::Tools,
            Family::Prompts,
            Family::Resources,
            Family::Completions,
        ] {
            let encoded = list_changed(family).map(|(_, method)| Frame::bare_notification(method));
            let encoded = encoded.map(|frame| frame.into_bytes());
            assert_eq!(said_of(family).map(Bytes::from), encoded);
        }
    }
}
