//! Text as it is, in and out: for tests of framing, of bad input and of byte identity.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::protocol::{Frame, RequestId, method};
use crate::testing::Client;

impl Client {
    /// Sends `text` as one line, and does not wait for anything.
    pub async fn send_line(&self, text: &str) {
        self.send(Bytes::copy_from_slice(text.as_bytes())).await;
    }

    /// Sends `text` as one line, and gives every line that the server says until it has answered
    /// it, byte for byte.
    ///
    /// Text that wants no answer, or gets an immediate one, is followed by a `ping` whose answer
    /// marks the end and is left out.
    ///
    /// # Panics
    ///
    /// When an answer that the text calls for does not come in time.
    pub async fn raw_request(&self, text: &str) -> Vec<String> {
        self.raw_bytes(text.as_bytes()).await
    }

    /// Like [`raw_request`](Self::raw_request), for what need not be text.
    ///
    /// # Panics
    ///
    /// As [`raw_request`](Self::raw_request).
    pub async fn raw_bytes(&self, line: &[u8]) -> Vec<String> {
        let _alone = self.recording.lock().await;
        self.mailbox.record();
        self.send(Bytes::copy_from_slice(line)).await;
        let id = RequestId::from("end of raw text");
        self.send(Frame::bare_request(&id, method::PING).into_bytes())
            .await;
        let ends = |line: &str| Self::answers(line).is_some_and(|id| id == "end of raw text");
        let awaiting = async { self.mailbox.recorded(ends).await.then_some(()) };
        self.awaited("the end of raw text", awaiting).await;
        if calls_for_an_answer(line) {
            let other = |line: &str| !ends(line) && Self::answers(line).is_some();
            let awaiting = async { self.mailbox.recorded(other).await.then_some(()) };
            self.awaited("the answer to raw text", awaiting).await;
        }
        let mut lines = self.mailbox.recording();
        lines.retain(|line| !ends(line));
        lines
    }

    /// The result of a list, page by page, as the text that came: equal for two clients exactly
    /// when they see the same.
    ///
    /// # Panics
    ///
    /// When the server answers with an error, or not at all.
    pub async fn list_bytes(&self, method: &str) -> Vec<String> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let params =
                cursor.map_or_else(|| json!({}), |cursor: Value| json!({"cursor": cursor}));
            let page = self.start(method, params).await.text().await;
            let page = page.unwrap_or_else(|error| panic!("`{method}`: {error}"));
            let value: Value =
                serde_json::from_str(&page).expect("the decoder found it to be JSON");
            pages.push(page);
            match value.get("nextCursor") {
                Some(next) => cursor = Some(next.clone()),
                None => return pages,
            }
        }
    }

    /// The id that a line answers: null when it answers something without one.
    fn answers(line: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(line).ok()?;
        let is_answer = value.is_array() || value.get("method").is_none();
        is_answer.then(|| value.get("id").cloned().unwrap_or_default())
    }
}

/// True for a request, and for a batch with a request in it.
fn calls_for_an_answer(line: &[u8]) -> bool {
    let is_request = |value: &Value| value.get("method").is_some() && value.get("id").is_some();
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(batch)) => batch.iter().any(is_request),
        Ok(value) => is_request(&value),
        Err(_) => false,
    }
}
