//! A client in the making.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use crate::auth::Principal;
use crate::protocol::{Era, Implementation, ProtocolVersion, Root, method};
use crate::server::Server;
use crate::testing::client::Speech;
use crate::testing::script::{Answer, Script};
use crate::testing::{Client, client};

/// How long a client waits unless told otherwise: longer than any limit of the server.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A client in the making, made by [`Client::builder`].
///
/// # Examples
///
/// ```
/// use mcp_session::{Server, Template, protocol::ProtocolVersion};
/// use mcp_session::testing::{Answer, Client};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mcp_session::Result<()> {
/// let server = Server::new(Template::builder("empty", "1.0.0").build()?);
/// let client = Client::builder(&server)
///     .version(ProtocolVersion::V2025_06_18)
///     .on_elicit(|_params| Answer::accept(json!({"seat": "12C"})))
///     .connect()
///     .await;
/// assert_eq!(client.initialized()["protocolVersion"], "2025-06-18");
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing before `connect`"]
pub struct ClientBuilder {
    server: Server,
    version: String,
    era: Era,
    capabilities: Option<Value>,
    derived: Map<String, Value>,
    info: Implementation,
    script: Script,
    principal: Option<Principal>,
    patience: Duration,
}

impl ClientBuilder {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            version: ProtocolVersion::LATEST_HANDSHAKE.as_str().to_owned(),
            era: Era::Handshake,
            capabilities: None,
            derived: Map::new(),
            info: Implementation::new("mcp-session-testing", env!("CARGO_PKG_VERSION")),
            script: Script::default(),
            principal: None,
            patience: PATIENCE,
        }
    }

    /// The revision it speaks, which decides the era; 2025-11-25 unless set.
    pub fn version(mut self, version: ProtocolVersion) -> Self {
        self.era = version.era();
        version.as_str().clone_into(&mut self.version);
        self
    }

    /// Asks for a revision by `initialize`, whatever it is: for how a server negotiates.
    pub fn initialize_as(mut self, version: impl Into<String>) -> Self {
        self.era = Era::Handshake;
        self.version = version.into();
        self
    }

    /// Declares exactly these capabilities. Unless this is called, the client declares what its
    /// script can answer.
    pub fn capabilities(mut self, capabilities: Value) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// What the client says it is.
    pub fn info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.info = Implementation::new(name, version);
        self
    }

    /// The verified caller at the client's end of the stream; nobody unless set.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// How long it waits for an answer before it fails the test; ten minutes unless set.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Answers forms and URLs that the server wants the user to see.
    pub fn on_elicit<A: Into<Answer>>(
        mut self,
        answer: impl Fn(Value) -> A + Send + Sync + 'static,
    ) -> Self {
        self.derived
            .insert("elicitation".to_owned(), json!({"form": {}, "url": {}}));
        self.on_request(method::ELICITATION_CREATE, answer)
    }

    /// Answers what the server asks the client's model.
    pub fn on_sample<A: Into<Answer>>(
        mut self,
        answer: impl Fn(Value) -> A + Send + Sync + 'static,
    ) -> Self {
        self.derived
            .insert("sampling".to_owned(), json!({"tools": {}}));
        self.on_request(method::SAMPLING_CREATE_MESSAGE, answer)
    }

    /// Names the directories and files the user works on.
    pub fn roots(mut self, roots: impl IntoIterator<Item = Root>) -> Self {
        self.derived
            .insert("roots".to_owned(), json!({"listChanged": true}));
        self.script.set_roots(roots.into_iter().collect());
        self
    }

    /// Answers any request of the server, such as `roots/list`, and declares nothing.
    pub fn on_request<A: Into<Answer>>(
        self,
        method: &str,
        answer: impl Fn(Value) -> A + Send + Sync + 'static,
    ) -> Self {
        self.script
            .on(method, Arc::new(move |params| answer(params).into()));
        self
    }

    /// Connects, and in the handshake era initializes.
    ///
    /// # Panics
    ///
    /// When the server refuses; use [`try_connect`](Self::try_connect) to test that.
    pub async fn connect(self) -> Client {
        match self.try_connect().await {
            Ok(client) => client,
            Err(error) => panic!("the server refused `initialize`: {error}"),
        }
    }

    /// Connects, and in the handshake era initializes.
    ///
    /// # Errors
    ///
    /// The server's answer to `initialize`, when it is an error.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn try_connect(self) -> Result<Client, crate::protocol::RpcError> {
        let era = self.era;
        let mut client = self.attach();
        if era == Era::Handshake {
            client.initialize().await?;
        }
        Ok(client)
    }

    /// Connects and says nothing: for tests of what comes before `initialize`, or of raw text.
    pub fn attach(self) -> Client {
        let capabilities = self.capabilities.unwrap_or(Value::Object(self.derived));
        let speech = Speech {
            version: self.version,
            era: self.era,
            capabilities,
            info: serde_json::to_value(&self.info).unwrap_or_default(),
        };
        client::attach(
            &self.server,
            self.principal,
            speech,
            self.script,
            self.patience,
        )
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
