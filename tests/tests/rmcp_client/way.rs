//! How a client gets to the server: which lifecycle, over which transport.

use std::time::Duration;

use rmcp::model::ProtocolVersion;
use rmcp::service::ClientLifecycleMode;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientServiceExt, ServiceExt};
use tokio::process::Command;
use tokio::task::JoinHandle;

use mcp_session::{Result, Server};
use mcp_session_tests::interop;

use crate::rmcp_client::Client;
use crate::rmcp_client::client::Handler;

/// The longest any check may take; none comes near it.
const DEADLINE: Duration = Duration::from_secs(60);

/// How the client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// `initialize`, asking for 2025-11-25.
    Initialize,
    /// `initialize`, asking for 2026-07-28: what rmcp's `serve` does.
    Default,
    /// `server/discover` and nothing else.
    Discover,
    /// `server/discover`, and `initialize` where that is unknown.
    Auto,
}

impl Lifecycle {
    /// True where the client is expected to end up with a handshake session.
    pub(crate) fn has_handshake(self) -> bool {
        matches!(self, Self::Initialize | Self::Default)
    }

    fn mode(self) -> ClientLifecycleMode {
        match self {
            Self::Initialize | Self::Default => ClientLifecycleMode::Initialize,
            Self::Discover => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
            Self::Auto => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(ProtocolVersion::V_2025_11_25),
            },
        }
    }

    fn version(self) -> ProtocolVersion {
        match self {
            Self::Initialize => ProtocolVersion::V_2025_11_25,
            Self::Default | Self::Discover | Self::Auto => ProtocolVersion::default(),
        }
    }
}

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The standard input and output of a process that the client starts.
    Stdio,
    /// HTTP on a port of this machine.
    Http,
}

/// A lifecycle over a transport.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) over: Over,
}

impl Way {
    pub(crate) fn new(lifecycle: Lifecycle, over: Over) -> Self {
        Self { lifecycle, over }
    }

    pub(crate) fn has_handshake(self) -> bool {
        self.lifecycle.has_handshake()
    }

    /// Connects, runs a check, and takes everything down again, all within the deadline.
    pub(crate) async fn run(self, check: impl AsyncFnOnce(&mut Client)) {
        bounded(async {
            match self.over {
                Over::Stdio => {
                    let transport = TokioChildProcess::new(server_command()).unwrap();
                    self.check(transport, check).await;
                }
                Over::Http => {
                    let served = Served::start().await;
                    let transport = StreamableHttpClientTransport::from_uri(served.url());
                    self.check(transport, check).await;
                    served.stop().await;
                }
            }
        })
        .await;
    }

    async fn check<T, E, A>(self, transport: T, check: impl AsyncFnOnce(&mut Client))
    where
        T: rmcp::transport::IntoTransport<rmcp::RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let (handler, heard) = Handler::new(self.lifecycle.version());
        let running = match self.lifecycle {
            Lifecycle::Default => handler.serve(transport).await,
            lifecycle => {
                handler
                    .serve_with_lifecycle(transport, lifecycle.mode())
                    .await
            }
        };
        let mut client = Client::new(self, running.unwrap(), heard);
        check(&mut client).await;
        client.close().await;
    }
}

/// Fails a test that takes for ever.
pub(crate) async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work)
        .await
        .expect("done within the deadline")
}

/// The server as a program.
pub(crate) fn server_command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_interop_server"))
}

/// The server over HTTP, in this process.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) server: Server,
    url: String,
    serving: JoinHandle<Result<()>>,
}

impl Served {
    pub(crate) async fn start() -> Self {
        let server = Server::new(interop::template().unwrap());
        let listening = server.bind_http("127.0.0.1:0").await.unwrap();
        Self {
            server,
            url: listening.url(),
            serving: tokio::spawn(listening.serve()),
        }
    }

    /// Where a client finds it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends the server, and with it every connection.
    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
        self.serving.await.unwrap().unwrap();
    }
}
