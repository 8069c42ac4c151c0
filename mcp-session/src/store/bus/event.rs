//! What replicas tell each other.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::store::key;

/// How many bytes a text may take in what travels; longer ones travel as digests.
const LONGEST: usize = 1_024;

/// How many bytes a reason may have.
const LONGEST_REASON: usize = 512;

/// How many replicas one event names at most.
const MOST: usize = 64;

/// How long their ids are at most: others are not named.
const LONGEST_ID: usize = 48;

/// What replicas tell each other: where to look.
///
/// Sessions and principals are named by the ids of their [owners](crate::store::Owner), which are
/// digests. Replicas are named by ids of their own, so that a replica knows what it said itself.
///
/// # Of any length
///
/// An event has less than 8,000 bytes however long the texts in it are: what is too long for that
/// travels as [`short`] makes it. So whoever looks for a URI, a request or another name in an event
/// compares it with `short` of what it has.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A session was saved.
    SessionChanged {
        /// Which.
        session: Arc<str>,
        /// The revision it has now. Revisions have no order.
        revision: u64,
        /// The replica that saved it.
        from: Arc<str>,
        /// The replicas that are waited for: each says that it has [`Seen`](Self::Seen) this.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<Arc<str>>,
    },
    /// A replica uses nothing any more that is older than this change.
    Seen {
        /// Of what: the session, or the principal and the variant with a dot between them.
        of: Arc<str>,
        /// The revision of the [`SessionChanged`](Self::SessionChanged), or the number of the
        /// [`PrincipalChanged`](Self::PrincipalChanged), that it saw.
        change: u64,
        /// The replica that says so.
        from: Arc<str>,
    },
    /// A replica is there, and knows by hearing this itself that it hears.
    Here {
        /// Which.
        replica: Arc<str>,
        /// When it said so, on a clock of its own.
        at_ms: u64,
    },
    /// A replica goes away: nobody waits for it any more.
    Gone {
        /// Which.
        replica: Arc<str>,
    },
    /// The standing stream of a session is read at this replica from here on.
    StreamOpened {
        /// Whose.
        session: Arc<str>,
        /// The replica.
        from: Arc<str>,
    },
    /// Somebody wants to go on reading a stream of a session: whoever has it lays what follows into
    /// its log.
    StreamWanted {
        /// Whose.
        session: Arc<str>,
        /// Which.
        stream: u32,
        /// How many events of it were read.
        seen: u64,
        /// The replica that wants it.
        from: Arc<str>,
    },
    /// A session is over.
    SessionEnded {
        /// Which.
        session: Arc<str>,
    },
    /// Something was appended to a log of a session.
    OutboxGrew {
        /// Whose.
        session: Arc<str>,
        /// The stream that the log is of.
        stream: u32,
    },
    /// A question was answered, and the answer lies in the store.
    Answered {
        /// Who was asked.
        session: Arc<str>,
        /// Which question.
        question: i64,
    },
    /// A client cancelled one of its requests.
    Cancelled {
        /// Whose.
        session: Arc<str>,
        /// The id of the request as JSON, or what [`short`] makes of that.
        request: String,
        /// Why, as the client says; cut where it is long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What a principal changed for good was saved.
    PrincipalChanged {
        /// Whose.
        principal: Arc<str>,
        /// The variant that it was changed of.
        variant: Arc<str>,
        /// A number that this change alone has.
        change: u64,
        /// The replica that saved it.
        from: Arc<str>,
        /// The replicas that are waited for, as in [`SessionChanged`](Self::SessionChanged).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<Arc<str>>,
    },
    /// What is read at a URI is another one now.
    ResourceUpdated {
        /// The URI, or what [`short`] makes of it.
        uri: Arc<str>,
        /// The replica that was told.
        from: Arc<str>,
        /// Whom it concerns; everybody, where nobody is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        principal: Option<Arc<str>>,
    },
    /// A user did what was to be done at a URL.
    ErrandDone {
        /// The id of the errand.
        id: Arc<str>,
    },
}

/// How a text stands in an [`Event`]: as it is, or as a digest where it is longer than about 1,000
/// bytes.
///
/// # Examples
///
/// ```
/// use mcp_session::bus::short;
///
/// assert_eq!(short("shop://orders/1"), "shop://orders/1");
/// let long = format!("shop://search?{}", "x".repeat(10_000));
/// assert!(short(&long).starts_with("sha256:"));
/// assert_eq!(short(&short(&long)), short(&long));
/// ```
pub fn short(text: &str) -> Cow<'_, str> {
    let in_json = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    if text.len() <= LONGEST && text.bytes().map(in_json).sum::<usize>() <= LONGEST {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("sha256:{}", key::digest(&[Some(text)])))
}

impl Event {
    /// The event as it arrives: with every text as [`short`] makes it, and a reason that is cut.
    /// Every bus makes events so before it sends them.
    #[must_use]
    pub fn fitted(&self) -> Self {
        let mut event = self.clone();
        match &mut event {
            Self::SessionChanged { to, .. } | Self::PrincipalChanged { to, .. } => {
                to.retain(|id| is_plain(id));
                to.truncate(MOST);
            }
            Self::Cancelled {
                request, reason, ..
            } => {
                *request = short(request).into_owned();
                *reason = reason.as_deref().map(|reason| cut(reason).to_owned());
            }
            _ => {}
        }
        for text in event.texts() {
            if let Cow::Owned(digest) = short(text) {
                *text = digest.into();
            }
        }
        event
    }

    /// The texts in it that may be of any length.
    fn texts(&mut self) -> Vec<&mut Arc<str>> {
        match self {
            Self::SessionEnded { session }
            | Self::OutboxGrew { session, .. }
            | Self::Answered { session, .. }
            | Self::Cancelled { session, .. } => vec![session],
            Self::SessionChanged { session, from, .. }
            | Self::Seen {
                of: session, from, ..
            }
            | Self::StreamOpened { session, from }
            | Self::StreamWanted { session, from, .. } => vec![session, from],
            Self::Here { replica, .. } | Self::Gone { replica } => vec![replica],
            Self::PrincipalChanged {
                principal,
                variant,
                from,
                ..
            } => vec![principal, variant, from],
            Self::ResourceUpdated {
                uri,
                from,
                principal,
            } => [uri, from].into_iter().chain(principal).collect(),
            Self::ErrandDone { id } => vec![id],
        }
    }

    /// The event as text, [fitted](Self::fitted): less than 8,000 bytes of JSON. For those who write
    /// a bus of their own.
    pub fn encode(&self) -> String {
        // Texts and numbers always encode.
        serde_json::to_string(&self.fitted()).unwrap_or_default()
    }

    /// The event in a text; `None` for what is none, such as an event that only newer replicas know:
    /// it is passed over.
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

fn is_plain(id: &str) -> bool {
    id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// As much of a reason as travels.
fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

/// Shows digests and numbers, and neither URIs nor what clients and authors chose: those may be
/// secret.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionChanged {
                session,
                revision,
                from,
                to: _,
            } => f
                .debug_struct("SessionChanged")
                .field("session", session)
                .field("revision", revision)
                .field("from", from)
                .finish_non_exhaustive(),
            Self::Seen { of, change, from } => f
                .debug_struct("Seen")
                .field("of", of)
                .field("change", change)
                .field("from", from)
                .finish(),
            Self::Here { replica, at_ms } => f
                .debug_struct("Here")
                .field("replica", replica)
                .field("at_ms", at_ms)
                .finish(),
            Self::Gone { replica } => f.debug_struct("Gone").field("replica", replica).finish(),
            Self::StreamOpened { session, from } => f
                .debug_struct("StreamOpened")
                .field("session", session)
                .field("from", from)
                .finish(),
            Self::StreamWanted {
                session,
                stream,
                seen,
                from,
            } => f
                .debug_struct("StreamWanted")
                .field("session", session)
                .field("stream", stream)
                .field("seen", seen)
                .field("from", from)
                .finish(),
            Self::SessionEnded { session } => f
                .debug_struct("SessionEnded")
                .field("session", session)
                .finish(),
            Self::OutboxGrew { session, stream } => f
                .debug_struct("OutboxGrew")
                .field("session", session)
                .field("stream", stream)
                .finish(),
            Self::Answered { session, question } => f
                .debug_struct("Answered")
                .field("session", session)
                .field("question", question)
                .finish(),
            Self::Cancelled { session, .. } => f
                .debug_struct("Cancelled")
                .field("session", session)
                .finish_non_exhaustive(),
            Self::PrincipalChanged {
                principal,
                variant,
                from,
                ..
            } => f
                .debug_struct("PrincipalChanged")
                .field("principal", principal)
                .field("variant", variant)
                .field("from", from)
                .finish(),
            Self::ResourceUpdated { .. } => f.write_str("ResourceUpdated { .. }"),
            Self::ErrandDone { .. } => f.write_str("ErrandDone { .. }"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::bus::one_of_each;

    #[test]
    fn events_travel_as_they_are_and_long_ones_as_they_are_fitted() {
        let texts = [String::new(), "a\"\\\u{0}ä".to_owned()];
        for event in texts.iter().flat_map(|text| one_of_each(text)) {
            assert_eq!(event.fitted(), event);
            assert_eq!(Event::decode(&event.encode()), Some(event));
        }
        let pieces = ["a", "\u{0}", "\"", "ä", "\u{1F600}"];
        for event in pieces.iter().flat_map(|piece| {
            let mut events = one_of_each(&piece.repeat(9_999));
            events.extend(one_of_each(&piece.repeat(1_024 / piece.len())));
            events.extend(one_of_each(&piece.repeat(170)));
            events
        }) {
            let text = event.encode();
            assert!(text.len() < 8_000, "{} bytes", text.len());
            assert_eq!(Event::decode(&text), Some(event.fitted()));
        }
    }

    #[test]
    fn what_newer_replicas_say_is_passed_over() {
        for text in ["", "{}", "null", "[1]", r#"{"new_kind":{"session":"s"}}"#] {
            assert_eq!(Event::decode(text), None);
        }
        let grown = r#"{"session_ended":{"session":"s","and":"more"}}"#;
        let ended = Event::SessionEnded {
            session: "s".into(),
        };
        assert_eq!(Event::decode(grown), Some(ended));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let cancelled = Event::Cancelled {
            session: "digest".into(),
            request: "secret".into(),
            reason: Some("secret".into()),
        };
        let updated = Event::ResourceUpdated {
            uri: "file:///secret".into(),
            from: "r1".into(),
            principal: None,
        };
        let done = Event::ErrandDone {
            id: "secret".into(),
        };
        for event in [cancelled, updated, done] {
            assert!(!format!("{event:?}").contains("secret"));
        }
    }
}
