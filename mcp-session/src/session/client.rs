//! What a client says of itself.

use serde_json::json;

use crate::protocol::{
    ClientCapabilities, ClientInfo, Implementation, InputRequest, ProtocolVersion, method,
};

/// What a client said of itself: revision, identity, capabilities.
///
/// In the handshake era it said so once, at `initialize`; in the stateless era it says so with
/// every request, and nothing is inferred from earlier ones. None of it is verified: use it for
/// display and to know what can be asked, never to decide who may do what.
#[derive(Debug, Clone)]
pub struct Client {
    version: ProtocolVersion,
    info: Option<ClientInfo>,
    capabilities: ClientCapabilities,
}

impl Client {
    pub(crate) fn new(
        version: ProtocolVersion,
        info: Option<ClientInfo>,
        capabilities: ClientCapabilities,
    ) -> Self {
        Self {
            version,
            info,
            capabilities,
        }
    }

    /// The revision its messages follow.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Its name and version, where it gave them.
    pub fn info(&self) -> Option<&Implementation> {
        self.info.as_ref().map(ClientInfo::get)
    }

    /// As [`info`](Self::info), of which nothing stays in memory here.
    #[cfg(feature = "http")]
    pub(crate) fn copied_info(&self) -> Option<Implementation> {
        self.info.as_ref().map(ClientInfo::copied)
    }

    /// Everything it declared.
    pub fn capabilities(&self) -> &ClientCapabilities {
        &self.capabilities
    }

    /// True when it declared that it can do this, and its revision has it.
    pub fn can(&self, capability: Capability) -> bool {
        let declared = &self.capabilities;
        match capability {
            Capability::Roots => declared.roots(),
            Capability::Sampling => declared.sampling(),
            Capability::SamplingTools => {
                declared.sampling_tools() && self.version.has_sampling_tools()
            }
            Capability::Elicitation => {
                declared.elicitation_form() && self.version.has_elicitation()
            }
            Capability::UrlElicitation => {
                declared.elicitation_url() && self.version.has_url_elicitation()
            }
        }
    }
}

/// Something a server can need of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// `roots/list`. Deprecated in 2026-07-28.
    Roots,
    /// `sampling/createMessage`. Deprecated in 2026-07-28.
    Sampling,
    /// Sampling that may use tools (from 2025-11-25 on). Deprecated in 2026-07-28.
    SamplingTools,
    /// `elicitation/create` with a form (from 2025-06-18 on).
    Elicitation,
    /// `elicitation/create` with a URL to visit (from 2025-11-25 on).
    UrlElicitation,
}

impl Capability {
    /// What a client must be able to do to answer this; `None` for a method nobody knows.
    pub(crate) fn of(question: &InputRequest) -> Option<Self> {
        let has = |member: &str| {
            let params = question.params.as_ref();
            params
                .and_then(|params| params.decode::<serde_json::Value>().ok())
                .and_then(|params| params.get(member).cloned())
        };
        match &*question.method {
            method::ROOTS_LIST => Some(Self::Roots),
            method::SAMPLING_CREATE_MESSAGE
                if has("tools").is_some() || has("toolChoice").is_some() =>
            {
                Some(Self::SamplingTools)
            }
            method::SAMPLING_CREATE_MESSAGE => Some(Self::Sampling),
            method::ELICITATION_CREATE if has("mode").is_some_and(|mode| mode == "url") => {
                Some(Self::UrlElicitation)
            }
            method::ELICITATION_CREATE => Some(Self::Elicitation),
            _ => None,
        }
    }

    /// What a client must declare, in the shape of its capabilities object.
    pub(crate) fn required(self) -> serde_json::Value {
        match self {
            Self::Roots => json!({"roots": {}}),
            Self::Sampling => json!({"sampling": {}}),
            Self::SamplingTools => json!({"sampling": {"tools": {}}}),
            Self::Elicitation => json!({"elicitation": {}}),
            Self::UrlElicitation => json!({"elicitation": {"url": {}}}),
        }
    }

    /// Its name in messages to people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Roots => "roots",
            Self::Sampling => "sampling",
            Self::SamplingTools => "sampling with tools",
            Self::Elicitation => "elicitation",
            Self::UrlElicitation => "elicitation by URL",
        }
    }
}
