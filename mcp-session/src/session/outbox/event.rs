//! What a queue holds, and which of it says the same.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::protocol::{Frame, ProgressToken, RequestId};

/// What kind of message an event carries, which decides whether it can be dropped.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The answer to a request; carries the request's in-flight permit until somebody reads it.
    Response(Option<OwnedSemaphorePermit>),
    /// A request to the client.
    Request,
    /// A notice that replaces an unread one with the same key.
    Keyed(NoticeKey),
    /// A notice of its own; dropped when too many are unread.
    Notice,
    /// An event without a message: it gives the reader an id to resume from.
    Priming,
}

impl Kind {
    /// True for what counts against the limit of unread notices.
    pub(super) fn is_counted(&self) -> bool {
        match self {
            Self::Notice => true,
            Self::Keyed(key) => key.is_gradual(),
            Self::Response(_) | Self::Request | Self::Priming => false,
        }
    }
}

/// Notices with equal keys say the same thing; the newest says it best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeKey {
    pub(crate) about: About,
    /// The `subscriptions/listen` request it answers: over a byte stream several share one queue.
    pub(crate) subscription: Option<RequestId>,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Tools,
    Prompts,
    Resources,
    Resource(Arc<str>),
    Progress(ProgressToken),
}

impl NoticeKey {
    /// True where every step is worth telling while there is room, and only a full queue
    /// coalesces.
    pub(super) fn is_gradual(&self) -> bool {
        matches!(self.about, About::Progress(_))
    }

    /// True where one notice says all that many would.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.about, About::Tools | About::Prompts | About::Resources)
    }
}

impl From<About> for NoticeKey {
    fn from(about: About) -> Self {
        Self {
            about,
            subscription: None,
        }
    }
}

/// One message on its way, with its place in the stream.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    /// `None` for a priming event.
    pub(crate) frame: Option<Frame>,
    /// It is the answer to a request, which somebody waits for.
    pub(crate) is_answer: bool,
}
