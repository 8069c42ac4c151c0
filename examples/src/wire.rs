//! A client that says exactly what it is told to, over real connections.

use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use crate::{Failure, Messages, REPLICA_HEADER, Result};

const EVENTS: &str = "text/event-stream";

/// A client of one endpoint: requests go out as they are given, and answers come back as they are.
/// Cheap to clone, with connections in common.
#[derive(Debug, Clone)]
pub struct Wire {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
}

/// What was answered. Without its messages so far: those are read when somebody wants them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The status of HTTP.
    pub status: StatusCode,
    /// The name of the replica that answered; empty where it has none.
    pub replica: String,
    /// The session that was opened.
    pub session: Option<String>,
    /// It is an event stream.
    pub is_stream: bool,
    /// What it says.
    pub messages: Messages,
}

impl Wire {
    /// A client of the endpoint at this URL.
    ///
    /// # Errors
    ///
    /// It is no URL.
    pub fn new(url: &str) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.parse()?,
        })
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// Nothing was answered: nobody is there, or the connection broke.
    pub async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Result<Reply> {
        self.request(Method::POST, headers, message.to_string())
            .await
    }

    /// Opens the standing stream of a session, or goes on with a stream.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub async fn get(&self, headers: &[(&str, &str)]) -> Result<Reply> {
        self.request(Method::GET, headers, String::new()).await
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub async fn delete(&self, headers: &[(&str, &str)]) -> Result<Reply> {
        self.request(Method::DELETE, headers, String::new()).await
    }

    async fn request(
        &self,
        method: Method,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Reply> {
        let mut request = Request::builder().method(&method).uri(&self.url);
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
            request = request.header(ACCEPT, format!("application/json, {EVENTS}"));
        } else {
            request = request.header(ACCEPT, EVENTS);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| Failure::from(error).about("no answer"))?;
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.and_then(|value| value.to_str().ok().map(str::to_owned))
        };
        let is_stream = header("content-type").is_some_and(|kind| kind.starts_with(EVENTS));
        Ok(Reply {
            status: answer.status(),
            replica: header(REPLICA_HEADER).unwrap_or_default(),
            session: header("mcp-session-id"),
            is_stream,
            messages: Messages::new(answer.into_body(), is_stream),
        })
    }
}
