//! The way of a message through a server in this process: all of it but the network and HTTP's
//! own framing.

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use mcp_session::Server;
use mcp_session::transport::http::HttpService;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tower_service::Service;

use crate::Result;
use crate::messages::{self, Era, Message, SUM};
use crate::template::{self, LISTED};

/// How often a path is gone before anything is counted.
const WARM_UP: usize = 50;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever measures measures them all"
)]
pub enum Path {
    /// A stateless `tools/call` over HTTP.
    StatelessCall,
    /// A `tools/call` in a handshake session over HTTP.
    HandshakeCall,
    /// A stateless `tools/call` over a byte stream.
    StreamCall,
    /// A stateless list of 1,000 tools over HTTP.
    List,
    /// `initialize`, one call and DELETE over HTTP.
    Session,
}

impl Path {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::StatelessCall,
        Self::HandshakeCall,
        Self::StreamCall,
        Self::List,
        Self::Session,
    ];

    /// What it is called on command lines and where figures are recorded.
    pub fn name(self) -> &'static str {
        match self {
            Self::StatelessCall => "stateless_call",
            Self::HandshakeCall => "handshake_call",
            Self::StreamCall => "stream_call",
            Self::List => "list_1000_tools",
            Self::Session => "open_call_end",
        }
    }

    /// The path of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.name() == name)
    }

    /// Makes a server and a client, and warms both up.
    ///
    /// # Errors
    ///
    /// When an answer is not what it should be.
    pub async fn prepare(self) -> Result<Prepared> {
        let tools = if self == Self::List { LISTED } else { 0 };
        let server = template::server(tools)?;
        let mut http = Http::new(&server);
        let way = match self {
            Self::StatelessCall => Way::Post(http, messages::add(Era::Stateless, 1), None),
            Self::List => Way::Post(http, messages::list(Era::Stateless, 1, None), None),
            Self::HandshakeCall => {
                let session = http.open().await?;
                Way::Post(http, messages::add(Era::Handshake, 1), Some(session))
            }
            Self::StreamCall => {
                let (near, far) = duplex(64 * 1024);
                let (reader, writer) = split(far);
                let run = server.duplex(reader, writer);
                // It ends with its stream, and that with the process.
                tokio::spawn(run.serve());
                let (reader, writer) = split(near);
                let line = messages::add(Era::Stateless, 1).line();
                Way::Line(BufReader::new(reader), writer, line)
            }
            Self::Session => Way::Whole(http, messages::add(Era::Handshake, 1)),
        };
        let answer = Vec::with_capacity(4_096);
        let mut prepared = Prepared { way, answer };
        for _ in 0..WARM_UP {
            prepared.once().await?;
            prepared.check(self)?;
        }
        Ok(prepared)
    }
}

/// A server and a client that are ready to go.
#[derive(Debug)]
pub struct Prepared {
    way: Way,
    /// What was answered last, unless it was long.
    answer: Vec<u8>,
}

#[derive(Debug)]
enum Way {
    Post(Http, Message, Option<HeaderValue>),
    Line(
        BufReader<ReadHalf<DuplexStream>>,
        WriteHalf<DuplexStream>,
        Bytes,
    ),
    Whole(Http, Message),
}

impl Prepared {
    /// Goes all the way once, and reads the answer.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn once(&mut self) -> Result<()> {
        self.answer.clear();
        match &mut self.way {
            Way::Post(http, message, session) => {
                let request = message.post(session.as_ref());
                http.send(request, &mut self.answer).await.map(drop)
            }
            Way::Line(reader, writer, line) => {
                writer.write_all(line).await?;
                reader.read_until(b'\n', &mut self.answer).await?;
                Ok(())
            }
            Way::Whole(http, message) => {
                let session = http.open().await?;
                let request = message.post(Some(&session));
                http.send(request, &mut self.answer).await?;
                let deleted = &mut Vec::new();
                http.send(messages::delete(&session), deleted).await?;
                Ok(())
            }
        }
    }

    fn check(&self, path: Path) -> Result<()> {
        let text = std::str::from_utf8(&self.answer)?;
        let complete = match path {
            Path::List => text.matches("\"find_").count() == LISTED,
            _ => text.contains(SUM),
        };
        if complete {
            return Ok(());
        }
        let text: String = text.chars().take(200).collect();
        Err(format!("not an answer of {}: {text}", path.name()).into())
    }
}

/// The service, called as a server of HTTP would.
#[derive(Debug)]
struct Http {
    service: HttpService,
    initialize: Message,
    initialized: Message,
}

impl Http {
    fn new(server: &Server) -> Self {
        Self {
            service: server.http(),
            initialize: messages::initialize(),
            initialized: messages::initialized(),
        }
    }

    async fn open(&mut self) -> Result<HeaderValue> {
        let answer = &mut Vec::new();
        let headers = self.send(self.initialize.post(None), answer).await?;
        let session = headers.get("mcp-session-id").ok_or("there is no session")?;
        let initialized = self.initialized.post(Some(session));
        self.send(initialized, answer).await?;
        Ok(session.clone())
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        answer: &mut Vec<u8>,
    ) -> Result<http::HeaderMap> {
        let (head, mut body) = self.service.call(request).await?.into_parts();
        if !head.status.is_success() {
            return Err(format!("the server says {}", head.status).into());
        }
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame?.data_ref() {
                answer.extend_from_slice(data);
            }
        }
        Ok(head.headers)
    }
}
