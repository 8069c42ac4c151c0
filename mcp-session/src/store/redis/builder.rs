//! How a store in Redis is set up.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, TlsCertificates,
    aio::ConnectionManagerConfig,
};
use rustls::crypto::{CryptoProvider, ring};

use crate::error::{Error, Result};
use crate::store::{
    Owner, Store, certificates,
    redis::{Line, Lines, RedisBus, RedisOutbox, RedisStore, Scripts},
};

/// Sets up a [`RedisStore`]; [`RedisStore::builder`] makes one.
#[must_use]
pub struct RedisBuilder {
    url: String,
    prefix: String,
    connections: usize,
    timeout: Duration,
    roots: Option<Vec<u8>>,
}

impl RedisBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            prefix: "mcp-session:".to_owned(),
            connections: 1,
            timeout: Duration::from_secs(5),
            roots: None,
        }
    }

    /// What all keys begin with, `mcp-session:` unless set. Services that share an engine have one
    /// each, of which none begins with another. It has no braces, which say where keys belong.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How many connections there are, 1 unless set. One carries any number of requests at once;
    /// more of them help where values are large.
    pub fn connections(mut self, many: usize) -> Self {
        self.connections = many.max(1);
        self
    }

    /// How long one operation may take, with the time to connect again: 5 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// The certificates to trust instead of the system's, in PEM, with a `rediss://` URL.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Connects, and sees whether the engine does what it must.
    ///
    /// # Errors
    ///
    /// A [configuration](Error::is_configuration) that cannot work, such as a URL that is none; an
    /// engine that is [not available](Error::is_unavailable), with why.
    pub async fn connect(self) -> Result<RedisStore> {
        if self.prefix.contains(['{', '}']) {
            return Err(Error::configuration("a prefix of keys has no braces"));
        }
        let client = self.client()?;
        // What fails is told at once: whoever asks again makes it connect again.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(None);
        let lines = (0..self.connections).map(|_| Line::new(&client, &config));
        let lines: Result<Box<_>, _> = lines.collect();
        let lines = lines.map_err(Error::unavailable)?;
        let lines = Arc::new(Lines::new(lines, self.timeout));
        let store = RedisStore {
            bus: Arc::new(RedisBus::new(Arc::clone(&lines), client, &self.prefix)),
            outbox: Arc::new(RedisOutbox::new(Arc::clone(&lines), self.prefix.clone())),
            lines,
            scripts: Scripts::new(),
            prefix: self.prefix,
        };
        // Whether scripts may run is seen by running one.
        let loaded = store.load(&Owner::new("", "").key("")).await;
        loaded.map_err(Error::unavailable)?;
        Ok(store)
    }

    fn client(&self) -> Result<Client> {
        // What is wrong with it is not told, for that might show a part of the password.
        let info = self.url.as_str().into_connection_info();
        let info = info.map_err(|_| {
            Error::configuration(
                "this is no URL such as `redis://user:password@host:6379/0`; what is special in a \
                 password is percent-encoded",
            )
        })?;
        let info = newest_protocol(info, &self.url);
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // The client takes what the process has, and fails where it has nothing. Who comes
            // first wins, and that is as good.
            if CryptoProvider::get_default().is_none() {
                drop(ring::default_provider().install_default());
            }
        }
        let client = match &self.roots {
            None => Client::open(info),
            Some(pem) => {
                certificates::trusted(pem)?;
                let root_cert = Some(pem.clone());
                let client_tls = None;
                let certificates = TlsCertificates {
                    client_tls,
                    root_cert,
                };
                Client::build_with_tls(info, certificates)
            }
        };
        client.map_err(|_| Error::configuration("root certificates are for `rediss://` URLs"))
    }
}

/// Speaks the protocol in which a broken connection is noticed before it is used, unless the URL
/// names one.
fn newest_protocol(info: ConnectionInfo, url: &str) -> ConnectionInfo {
    if url.contains("protocol=") {
        return info;
    }
    let settings = info.redis_settings().clone();
    info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3))
}

/// Does not show the URL, which has a password in it.
impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("prefix", &self.prefix)
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
