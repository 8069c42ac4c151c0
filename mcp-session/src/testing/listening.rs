//! An open `subscriptions/listen` stream (2026-07-28).

use serde_json::{Value, json};

use crate::protocol::{RequestId, RpcError, method};
use crate::testing::{Client, Notification, Pending};

/// An open `subscriptions/listen` stream, made by [`Client::listen`].
#[derive(Debug)]
#[must_use = "a stream is for listening"]
pub struct Listening<'a> {
    client: &'a Client,
    pending: Pending,
    granted: Value,
}

impl Client {
    /// Opens a `subscriptions/listen` stream with this filter, such as
    /// `{"toolsListChanged": true}`, and waits until it is acknowledged.
    ///
    /// # Errors
    ///
    /// The error that the server answered with instead.
    ///
    /// # Panics
    ///
    /// When nothing comes in time, or something comes before the acknowledgement.
    pub async fn listen(&self, filter: Value) -> Result<Listening<'_>, RpcError> {
        let params = json!({"notifications": filter});
        let mut pending = self.start(method::SUBSCRIPTIONS_LISTEN, params).await;
        let id = pending.id().clone();
        let own = |said: &Notification| said.subscription().as_ref() == Some(&id);
        let first = tokio::select! {
            // An answer that follows the acknowledgement must not hide it.
            biased;
            first = self.awaited("an acknowledgement", self.mailbox.notification(own)) => first,
            () = pending.answered() => {
                let result = pending.result().await?;
                panic!("closed without an acknowledgement: {result}");
            }
        };
        assert_eq!(
            first.method,
            method::SUBSCRIPTIONS_ACKNOWLEDGED,
            "it comes first"
        );
        let granted = first
            .params
            .get("notifications")
            .cloned()
            .unwrap_or_default();
        Ok(Listening {
            client: self,
            pending,
            granted,
        })
    }
}

impl Listening<'_> {
    /// The id of the request that opened it, with which everything on it is tagged.
    pub fn id(&self) -> &RequestId {
        self.pending.id()
    }

    /// What the server granted of the filter.
    pub fn granted(&self) -> &Value {
        &self.granted
    }

    /// The next notification on this stream.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn next(&self) -> Notification {
        let own = |said: &Notification| said.subscription().as_ref() == Some(self.id());
        self.client
            .awaited("a notification", self.client.mailbox.notification(own))
            .await
    }

    /// Everything the server has said on this stream so far, and that nobody took.
    ///
    /// # Panics
    ///
    /// When the server no longer answers.
    pub async fn heard(&self) -> Vec<Notification> {
        self.client.settle().await;
        let own = |said: &Notification| said.subscription().as_ref() == Some(self.id());
        self.client.mailbox.take(own)
    }

    /// Ends the stream from the client's side.
    pub async fn cancel(self) -> Pending {
        self.client.cancel(self.pending.id()).await;
        self.pending
    }

    /// Waits for the server to end the stream.
    ///
    /// # Errors
    ///
    /// The error that ended it.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn closed(self) -> Result<Value, RpcError> {
        self.pending.result().await
    }
}
