//! A request that was sent and whose answer is yet to come.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot::Receiver;

use crate::clock;
use crate::protocol::{RequestId, RpcError};
use crate::testing::mailbox::Reply;

/// A request in flight, made by [`Client::start`](crate::testing::Client::start).
///
/// Dropping it only stops waiting; use [`Client::cancel`](crate::testing::Client::cancel) to
/// cancel the request.
#[derive(Debug)]
#[must_use = "the answer is lost unless somebody waits for it"]
pub struct Pending {
    id: RequestId,
    method: String,
    reply: Receiver<Reply>,
    early: Option<Reply>,
    patience: Duration,
}

impl Pending {
    pub(super) fn new(
        id: RequestId,
        method: &str,
        reply: Receiver<Reply>,
        patience: Duration,
    ) -> Self {
        Self {
            id,
            method: method.to_owned(),
            reply,
            early: None,
            patience,
        }
    }

    /// The request's id.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// True once the answer has arrived.
    pub fn is_answered(&mut self) -> bool {
        if self.early.is_none() {
            self.early = self.reply.try_recv().ok();
        }
        self.early.is_some()
    }

    /// Waits for the answer, and keeps it; forever, when none can come any more.
    pub(super) async fn answered(&mut self) {
        if self.early.is_some() {
            return;
        }
        match (&mut self.reply).await {
            Ok(reply) => self.early = Some(reply),
            Err(_) => std::future::pending().await,
        }
    }

    /// The result.
    ///
    /// # Errors
    ///
    /// The error that the server answered with.
    ///
    /// # Panics
    ///
    /// When the stream ends before the answer, or no answer comes within the client's patience.
    pub async fn result(self) -> Result<Value, RpcError> {
        self.text()
            .await
            .map(|text| serde_json::from_str(&text).expect("the decoder has found it to be JSON"))
    }

    /// The result as the text that came, byte for byte.
    ///
    /// # Errors
    ///
    /// The error that the server answered with.
    ///
    /// # Panics
    ///
    /// As [`result`](Self::result).
    pub async fn text(self) -> Result<String, RpcError> {
        let method = self.method.clone();
        let reply = self.reply().await;
        let reply =
            reply.unwrap_or_else(|| panic!("the stream ended before `{method}` was answered"));
        reply.map(|result| result.as_str().to_owned())
    }

    /// Waits for the end of the stream, and says whether the answer came before it; for requests
    /// that are not answered.
    ///
    /// # Panics
    ///
    /// When neither comes within the client's patience.
    pub async fn outcome(self) -> Option<Result<Value, RpcError>> {
        let reply = self.reply().await?;
        Some(reply.map(|result| {
            result
                .decode()
                .expect("the decoder has found it to be JSON")
        }))
    }

    async fn reply(self) -> Option<Reply> {
        if let Some(early) = self.early {
            return Some(early);
        }
        let replied = clock::within(self.patience, self.reply).await;
        let method = self.method;
        replied
            .unwrap_or_else(|| panic!("`{method}` was not answered in time"))
            .ok()
    }
}
