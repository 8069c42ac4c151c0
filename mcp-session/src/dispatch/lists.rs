//! The four lists.

use crate::catalog::{Cursor, Listed, PageLimits, View};
use crate::dispatch::arrival::Arrival;
use crate::protocol::wire::{self, Shape};
use crate::protocol::{CacheHint, ListParams, Payload, RpcError};

pub(crate) fn tools_list(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let page = Page::of(arrival, b't', "tools")?;
    arrival
        .live
        .with_view(|catalog, overlay| page.fill(&View::new(&*catalog.tools, &overlay.tools)))
}

pub(crate) fn prompts_list(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let page = Page::of(arrival, b'p', "prompts")?;
    arrival
        .live
        .with_view(|catalog, overlay| page.fill(&View::new(&*catalog.prompts, &overlay.prompts)))
}

pub(crate) fn resources_list(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let page = Page::of(arrival, b'r', "resources")?;
    arrival.live.with_view(|catalog, overlay| {
        page.fill(&View::new(&*catalog.resources, &overlay.resources))
    })
}

pub(crate) fn resources_templates_list(arrival: &Arrival<'_>) -> Result<Payload, RpcError> {
    let page = Page::of(arrival, b'u', "resourceTemplates")?;
    arrival.live.with_view(|catalog, overlay| {
        page.fill(&View::new(&*catalog.templates, &overlay.templates))
    })
}

/// The page that was asked for.
struct Page {
    /// Keeps the cursors of one list out of another.
    family: u8,
    member: &'static str,
    cursor: Option<Cursor>,
    limits: PageLimits,
    cache: CacheHint,
    shape: Shape,
}

impl Page {
    fn of(arrival: &Arrival<'_>, family: u8, member: &'static str) -> Result<Self, RpcError> {
        let cursor = match arrival.params(ListParams::from_params)?.cursor {
            Some(text) => Some(Cursor::from_text(&text, family).ok_or_else(stale)?),
            None => None,
        };
        let server = arrival.server.inner();
        Ok(Self {
            family,
            member,
            cursor,
            limits: server.limits.page(),
            cache: server.list_cache(&arrival.live),
            shape: arrival.shape(),
        })
    }

    fn fill<E: Listed>(&self, view: &View<'_, E>) -> Result<Payload, RpcError> {
        let page = view
            .page(self.cursor, self.shape.version, self.limits)
            .map_err(|_| stale())?;
        let next = page.next.map(|next| next.to_text(self.family));
        Ok(wire::list(
            self.member,
            page.pieces,
            next.as_deref(),
            self.cache,
            &self.shape,
        ))
    }
}

fn stale() -> RpcError {
    RpcError::invalid_params(
        "the cursor is none of this list, or the list has changed since: list again from the start",
    )
}
