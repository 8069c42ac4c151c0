//! Who may knock: `Host` and `Origin`.
//!
//! A web page can make a browser send requests to servers that only the browser's machine can
//! reach, and by DNS rebinding even under a name of the page's own. Both revisions of the
//! transport therefore want `Origin` validated (2025-11-25, "Transports", "Security Warning";
//! 2026-07-28, "Streamable HTTP", "Security & Endpoint").

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use http::{HeaderMap, HeaderValue, Uri, header};

/// What a refusal repeats of what it refuses.
const EXCERPT: usize = 100;

/// The hosts and origins that are let in, besides this machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    hosts: Vec<Host<'static>>,
    any_host: bool,
    origins: Vec<Origin>,
    any_origin: bool,
}

/// A host name in one spelling, borrowed where it is spelled like that already, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<u16>,
}

/// An origin in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// A page that was fetched over HTTP; the port is never left open.
    Web { secure: bool, host: Host<'static> },
    /// Anything else (`null`, the scheme of a browser extension), in lower case.
    Other(String),
}

impl Guard {
    pub(super) fn allow_host(&mut self, host: &str) {
        // Who writes the whole URL means its host.
        let host = host.split_once("://").map_or(host, |(_, rest)| rest);
        if let Some(host) = Host::parse(host.trim_end_matches('/')) {
            self.hosts.push(host.into_owned());
        } else {
            tracing::error!(host, "this is no host, so nothing is allowed by it");
        }
    }

    pub(super) fn allow_any_host(&mut self) {
        self.any_host = true;
    }

    pub(super) fn allow_origin(&mut self, origin: &str) {
        if let Some(origin) = Origin::parse(origin.trim_end_matches('/')) {
            self.origins.push(origin);
        } else {
            tracing::error!(origin, "this is no origin, so nothing is allowed by it");
        }
    }

    pub(super) fn allow_any_origin(&mut self) {
        self.any_origin = true;
    }

    /// True when only requests under a name of this machine get in.
    pub(super) fn is_closed(&self) -> bool {
        !self.any_host && self.hosts.is_empty()
    }

    /// Lets a request in, or says what is not allowed and which setting would change that.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let named = self.check_hosts(uri, headers)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        origins.try_for_each(|origin| self.check_origin(origin, named.as_ref()))
    }

    /// Every name the request gives of its host must be allowed; gives the one it goes by.
    fn check_hosts<'a>(
        &self,
        uri: &'a Uri,
        headers: &'a HeaderMap,
    ) -> Result<Option<Host<'a>>, String> {
        let in_uri = uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        let in_headers = headers
            .get_all(header::HOST)
            .iter()
            .map(HeaderValue::as_bytes);
        let mut named = None;
        for text in in_uri.into_iter().chain(in_headers) {
            let host = std::str::from_utf8(text).ok().and_then(Host::parse);
            let allowed = host.as_ref().is_some_and(|host| self.allows(host));
            if !allowed && !self.any_host {
                return Err(format!(
                    "the host {} is not allowed here: the server allows it with `HttpService::allow_host`",
                    excerpt(text)
                ));
            }
            named = named.or(host);
        }
        if named.is_none() && !self.any_host {
            return Err("the request names no host".to_owned());
        }
        Ok(named)
    }

    fn check_origin(&self, text: &HeaderValue, own: Option<&Host<'_>>) -> Result<(), String> {
        let origin = text.to_str().ok().and_then(Origin::parse);
        let allowed = self.any_origin
            || origin
                .as_ref()
                .is_some_and(|origin| self.origins.contains(origin) || self.is_own(origin, own));
        if allowed {
            return Ok(());
        }
        Err(format!(
            "the origin {} is not allowed here: the server allows it with `HttpService::allow_origin`",
            excerpt(text.as_bytes())
        ))
    }

    /// True for pages of this machine, and for those of a host that is served from here.
    fn is_own(&self, origin: &Origin, own: Option<&Host<'_>>) -> bool {
        let Origin::Web { host, .. } = origin else {
            return false;
        };
        // Where any host is allowed, the request's own says nothing: it is what a page that
        // rebinds its name would send.
        self.allows(host) || (!self.any_host && own.is_some_and(|own| own.name == host.name))
    }

    fn allows(&self, host: &Host<'_>) -> bool {
        host.is_this_machine() || self.hosts.iter().any(|allowed| allowed.covers(host))
    }
}

impl<'a> Host<'a> {
    /// Reads `name`, `name:port`, `1.2.3.4` or `[::1]:port`, in any case, with or without the
    /// dot at the end of an absolute name.
    fn parse(text: &'a str) -> Option<Self> {
        let (name, port) = match text.rfind(':') {
            Some(colon) if !text[colon..].contains(']') => {
                let port = &text[colon + 1..];
                let port = if port.is_empty() {
                    None
                } else {
                    Some(parse_port(port)?)
                };
                (&text[..colon], port)
            }
            Some(_) | None => (text, None),
        };
        if let Some(address) = name.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            let name = format!("[{address}]").into();
            return Some(Self { name, port });
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        let valid = !name.is_empty() && name.bytes().all(is_name);
        let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => name.to_ascii_lowercase().into(),
            false => name.into(),
        };
        valid.then_some(Self { name, port })
    }

    fn into_owned(self) -> Host<'static> {
        Host {
            name: self.name.into_owned().into(),
            port: self.port,
        }
    }

    fn is_this_machine(&self) -> bool {
        let v6 = self
            .name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        self.name == "localhost"
            || self
                .name
                .parse()
                .is_ok_and(|address: Ipv4Addr| address.is_loopback())
            || v6.is_some_and(|name| {
                name.parse()
                    .is_ok_and(|address: Ipv6Addr| address.is_loopback())
            })
    }

    /// True when allowing this one allows the other.
    fn covers(&self, other: &Host<'_>) -> bool {
        self.name == other.name && (self.port.is_none() || self.port == other.port)
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (secure, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (false, rest)
        } else {
            return (!text.is_empty()).then_some(Self::Other(text));
        };
        let mut host = Host::parse(rest)?.into_owned();
        host.port = host.port.or(Some(if secure { 443 } else { 80 }));
        Some(Self::Web { secure, host })
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The beginning of what a stranger wrote, on one line.
fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    format!("{:?}", text.chars().take(EXCERPT).collect::<String>())
}

#[cfg(test)]
mod tests;
