//! What a request says about itself, looked through and left in its text.

use std::sync::OnceLock;

use crate::protocol::id::ProgressToken;
use crate::protocol::meta::{RequestMeta, RequestedLogLevel};
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::{ClientCapabilities, Implementation, Meta};

/// The members of a request's `_meta` as the server needs them: all are sound, and none that is
/// plain was copied. A [`RequestMeta`] is made of it for a handler that asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preamble {
    pub(crate) progress_token: Option<ProgressToken>,
    pub(crate) protocol_version: Option<ByteStr>,
    pub(crate) client_info: Option<ClientInfo>,
    pub(crate) client_capabilities: Option<ClientCapabilities>,
    pub(crate) log_level: RequestedLogLevel,
    pub(crate) traceparent: Option<ByteStr>,
    pub(crate) tracestate: Option<ByteStr>,
    pub(super) baggage: Option<ByteStr>,
    pub(super) other: Meta,
}

/// What a client says it is.
#[derive(Debug, Clone)]
pub(crate) enum ClientInfo {
    Read(Implementation),
    /// A plain text, read when somebody asks.
    Plain {
        text: Raw,
        read: OnceLock<Box<Implementation>>,
    },
}

impl Preamble {
    /// Everything, copied out of the message.
    pub(crate) fn to_meta(&self) -> RequestMeta {
        let copied = |text: &Option<ByteStr>| text.as_deref().map(str::to_owned);
        RequestMeta {
            progress_token: self.progress_token.clone(),
            protocol_version: copied(&self.protocol_version),
            client_info: self.client_info.as_ref().map(|info| info.get().clone()),
            client_capabilities: self.client_capabilities.clone(),
            log_level: self.log_level,
            traceparent: copied(&self.traceparent),
            tracestate: copied(&self.tracestate),
            baggage: copied(&self.baggage),
            other: self.other.clone(),
        }
    }
}

impl ClientInfo {
    /// Takes a text to be read later; `None` where it is not plain, so that what it says must be
    /// found out now.
    pub(super) fn of_plain(text: Raw) -> Option<Self> {
        let plain = Implementation::is_plain(text.as_str());
        let read = OnceLock::new();
        plain.then_some(Self::Plain { text, read })
    }

    pub(crate) fn get(&self) -> &Implementation {
        match self {
            Self::Read(info) => info,
            Self::Plain { text, read } => read.get_or_init(|| {
                let plain = Implementation::of_plain(text.as_str());
                Box::new(plain.expect("what is not plain is read at once"))
            }),
        }
    }
}

impl From<Implementation> for ClientInfo {
    fn from(info: Implementation) -> Self {
        Self::Read(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_plain(text: &'static str) -> Option<ClientInfo> {
        ClientInfo::of_plain(Raw::parse(text.into()).unwrap())
    }

    #[test]
    fn what_a_client_is_stays_in_its_text_until_somebody_asks_where_it_is_plain() {
        let plain = of_plain(r#"{"name":"a","title":"A","version":"1"}"#).unwrap();
        assert!(matches!(&plain, ClientInfo::Plain { read, .. } if read.get().is_none()));
        assert_eq!(plain.get(), &Implementation::new("a", "1").title("A"));
        for other in [
            "{}",
            r#"{"name":"a"}"#,
            r#"{"name":"a","version":1}"#,
            r#"{"name":"\u0061","version":"1"}"#,
            r#"{"name":"a","version":"1","websiteUrl":"https://a.example"}"#,
        ] {
            assert!(of_plain(other).is_none(), "{other}");
        }
    }
}
