//! What is stored of a handshake session, and how changes of several replicas become one.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::auth::Principal;
use crate::catalog::StoredPatch;
use crate::protocol::{ClientCapabilities, Implementation, LogLevel, ProtocolVersion, Root};
use crate::server::Live;
use crate::server::replica::Stored;
use crate::session::{Client, EndReason, Opening};

/// The layout of records, apart from the wire and from the crate's version.
const LAYOUT: u32 = 1;

/// What is stored of a session: enough to go on with it anywhere. Never a token, nor a header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    layout: u32,
    pub(super) origin: Arc<Origin>,
    pub(super) changing: Changing,
    /// That it is over, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// The replica that wrote this: it runs `on_close`.
    by: Arc<str>,
    /// Why, for people who look into the store.
    reason: String,
}

/// What never changes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The template's name, for people who look into the store.
    template: String,
    pub(super) variant: String,
    version: ProtocolVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Implementation>,
    capabilities: ClientCapabilities,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Identity>,
    /// The path of the URL that it was opened at; the query may hold what is secret.
    path: String,
    /// The replica where it was opened.
    pub(super) home: Arc<str>,
    /// When it was opened, in milliseconds since 1970.
    pub(super) born_ms: u64,
}

/// Whose it is.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    issuer: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

/// What requests and handlers change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Changing {
    pub(super) log_level: LogLevel,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) subscriptions: BTreeSet<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) roots: Option<Arc<[Root]>>,
    #[serde(default)]
    pub(super) listening: Listening,
    /// What the session changed of what it is offered, by name.
    #[serde(default, skip_serializing_if = "StoredPatch::is_empty")]
    pub(super) changes: StoredPatch,
}

/// Where the client of a session reads its standing stream.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Listening {
    /// The replica where it did last: it tells it what many are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Arc<str>>,
    /// It does so now.
    #[serde(default)]
    pub(super) now: bool,
}

impl SessionRecord {
    /// That of a session whose handshake is complete.
    pub(super) fn of(live: &Live, home: Arc<str>, born_ms: u64) -> Option<Self> {
        let core = live.core();
        let client = core.client()?;
        let identity = |principal: &Principal| Identity {
            issuer: principal.issuer().to_owned(),
            subject: principal.subject().to_owned(),
            client: principal.client_id().map(str::to_owned),
        };
        let origin = Origin {
            template: live.blueprint().info.name.clone(),
            variant: live.variant().name().to_string(),
            version: client.version(),
            client: client.copied_info(),
            capabilities: client.capabilities().clone(),
            principal: core.principal().map(identity),
            path: core.opening().path().unwrap_or("/").to_owned(),
            home,
            born_ms,
        };
        Some(Self {
            layout: LAYOUT,
            origin: Arc::new(origin),
            changing: Changing::of(live),
            ended: None,
        })
    }

    /// The same session, changed.
    pub(super) fn with(&self, changing: Changing) -> Self {
        Self {
            origin: Arc::clone(&self.origin),
            changing,
            ended: self.ended.clone(),
            ..*self
        }
    }

    /// The same session, over for this reason.
    pub(super) fn over(&self, reason: EndReason, by: Arc<str>) -> Self {
        let reason = reason.to_string();
        Self {
            ended: Some(Ended { by, reason }),
            ..self.clone()
        }
    }

    /// The replica that ended it; `None` while it lives.
    pub(super) fn ended_by(&self) -> Option<&Arc<str>> {
        self.ended.as_ref().map(|ended| &ended.by)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has a JSON form")
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When it is none, or one of a layout that this version does not know.
    pub(super) fn decode(text: &[u8]) -> Result<Self, serde_json::Error> {
        use serde::de::Error as _;
        let record: Self = serde_json::from_slice(text)?;
        if record.layout != LAYOUT {
            let layout = record.layout;
            let why = format!("layout {layout} is not known here, only {LAYOUT}");
            return Err(serde_json::Error::custom(why));
        }
        Ok(record)
    }

    /// True when it is this caller's.
    pub(super) fn is_of(&self, principal: Option<&Principal>) -> bool {
        match (&self.origin.principal, principal) {
            (None, None) => true,
            (Some(own), Some(other)) => {
                own.issuer == other.issuer()
                    && own.subject == other.subject()
                    && own.client.as_deref() == other.client_id()
            }
            _ => false,
        }
    }

    /// What its client said of itself.
    pub(super) fn client(&self) -> Arc<Client> {
        let Origin {
            version,
            client,
            capabilities,
            ..
        } = &*self.origin;
        Arc::new(Client::new(
            *version,
            client.as_ref().map(Into::into),
            capabilities.detach(),
        ))
    }

    /// How it was opened, as far as that is stored.
    pub(super) fn opening(&self, principal: Option<Principal>) -> Opening {
        Opening::restored(principal, &self.origin.path)
    }
}

impl Changing {
    /// As it is in this process.
    pub(super) fn of(live: &Live) -> Self {
        let core = live.core();
        Self {
            log_level: core.log_level(),
            subscriptions: core.subscriptions(),
            roots: core.roots.known(),
            listening: live.stored().map(Stored::listening).unwrap_or_default(),
            changes: live.with_view(|catalog, overlay| overlay.stored(catalog)),
        }
    }

    /// These, with what `mine` changed of `base`: where both changed the same, `mine` counts.
    pub(super) fn merged(&self, base: &Self, mine: &Self) -> Self {
        fn newer<T: Clone + PartialEq>(theirs: &T, base: &T, mine: &T) -> T {
            if mine == base { theirs } else { mine }.clone()
        }
        let dropped = |uri: &&Arc<str>| {
            base.subscriptions.contains(*uri) && !mine.subscriptions.contains(*uri)
        };
        let kept = self.subscriptions.iter().filter(|uri| !dropped(uri));
        let added = mine.subscriptions.difference(&base.subscriptions);
        // Whoever closes a stream knows nothing of one that was opened elsewhere meanwhile.
        let listening = if !mine.listening.now && self.listening != base.listening {
            self.listening.clone()
        } else {
            newer(&self.listening, &base.listening, &mine.listening)
        };
        let mut changes = self.changes.clone();
        changes.apply(mine.changes.changes_since(&base.changes));
        Self {
            log_level: newer(&self.log_level, &base.log_level, &mine.log_level),
            subscriptions: kept.chain(added).cloned().collect(),
            roots: newer(&self.roots, &base.roots, &mine.roots),
            listening,
            changes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changing(level: LogLevel, uris: &[&str]) -> Changing {
        Changing {
            log_level: level,
            subscriptions: uris.iter().map(|uri| Arc::from(*uri)).collect(),
            roots: None,
            listening: Listening::default(),
            changes: StoredPatch::default(),
        }
    }

    #[test]
    fn changes_of_two_replicas_become_one() {
        let base = changing(LogLevel::Info, &["a", "b"]);
        let theirs = changing(LogLevel::Debug, &["a", "b", "c"]);
        let mine = changing(LogLevel::Info, &["b", "d"]);
        let merged = theirs.merged(&base, &mine);
        assert_eq!(merged, changing(LogLevel::Debug, &["b", "c", "d"]));
        assert_eq!(base.merged(&base, &mine), mine);
        assert_eq!(theirs.merged(&base, &base), theirs);
    }

    #[test]
    fn a_record_of_another_layout_is_refused() {
        let record = SessionRecord {
            layout: LAYOUT,
            origin: Arc::new(Origin {
                template: "t".to_owned(),
                variant: "default".to_owned(),
                version: ProtocolVersion::LATEST_HANDSHAKE,
                client: None,
                capabilities: ClientCapabilities::default(),
                principal: None,
                path: "/mcp".to_owned(),
                home: "r".into(),
                born_ms: 1,
            }),
            changing: changing(LogLevel::Info, &[]),
            ended: None,
        };
        assert_eq!(SessionRecord::decode(&record.encode()).unwrap(), record);
        let newer = SessionRecord {
            layout: LAYOUT + 1,
            ..record
        };
        let refused = SessionRecord::decode(&newer.encode()).unwrap_err();
        assert!(refused.to_string().contains("layout 2"), "{refused}");
    }
}
