//! What a request says about itself, looked through and left in its text.

use std::sync::OnceLock;

use crate::protocol::id::ProgressToken;
use crate::protocol::meta::{RequestMeta, RequestedLogLevel};
use crate::protocol::text::{ByteStr, Raw};
use crate::protocol::types::{ClientCapabilities, Implementation, Meta, Object};

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

/// What a client says it is: a text that fits, read when somebody asks.
#[derive(Debug, Clone)]
pub(crate) struct ClientInfo {
    text: Raw,
    read: OnceLock<Box<Implementation>>,
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
    /// Takes a text. One that is plain is known to fit; any other is read to find out.
    pub(super) fn of(text: Raw) -> Result<Self, serde_json::Error> {
        let read = OnceLock::new();
        if !Implementation::is_plain(text.as_str()) {
            let Object(info) = serde_json::from_str(text.as_str())?;
            read.get_or_init(|| Box::new(info));
        }
        Ok(Self { text, read })
    }

    pub(crate) fn get(&self) -> &Implementation {
        self.read.get_or_init(|| Box::new(self.parsed()))
    }

    /// A copy of its own, which leaves nothing in memory here.
    #[cfg(feature = "http")]
    pub(crate) fn copied(&self) -> Implementation {
        let read = self.read.get();
        read.map_or_else(|| self.parsed(), |info| (**info).clone())
    }

    fn parsed(&self) -> Implementation {
        let info = self.text.decode();
        info.expect("it fits: it was read before, is plain, or was written here")
    }
}

impl From<&Implementation> for ClientInfo {
    /// To be kept: it takes as much memory as its text.
    fn from(info: &Implementation) -> Self {
        let text = Raw::from_value(info).expect("it consists of texts");
        let read = OnceLock::new();
        Self { text, read }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str) -> Result<ClientInfo, serde_json::Error> {
        ClientInfo::of(Raw::parse(text.into()).unwrap())
    }

    #[test]
    fn what_a_client_is_stays_in_its_text_until_somebody_asks_where_it_is_plain() {
        let plain = of(r#"{"name":"a","title":"A","version":"1"}"#).unwrap();
        assert!(plain.read.get().is_none());
        assert_eq!(plain.get(), &Implementation::new("a", "1").title("A"));
    }

    #[test]
    fn what_is_not_plain_is_read_at_once() {
        let site = "https://a.example";
        for (text, info) in [
            (
                r#"{"name":"\u0061","version":"1"}"#,
                Implementation::new("a", "1"),
            ),
            (
                r#"{"name":"a","version":"1","websiteUrl":"https://a.example"}"#,
                Implementation::new("a", "1").website_url(site),
            ),
            (
                r#"{"name":"a","version":"1","more":[1]}"#,
                Implementation::new("a", "1"),
            ),
        ] {
            assert_eq!(of(text).unwrap().get(), &info, "{text}");
        }
        for wrong in [
            "{}",
            "[\"a\",\"1\"]",
            r#"{"name":"a"}"#,
            r#"{"name":"a","version":1}"#,
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_says_the_same() {
        let site = "https://a.example";
        for info in [
            Implementation::new("a", "1"),
            Implementation::new("a \"quoted\" name", "1").title("A"),
            Implementation::new("é", "").website_url(site),
        ] {
            assert_eq!(ClientInfo::from(&info).get(), &info);
        }
    }
}
