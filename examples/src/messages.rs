//! The messages of one answer over HTTP: a JSON body holds one, an event stream any number.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::Result;

/// The messages of an answer, in order.
#[derive(Debug)]
pub struct Messages {
    body: Incoming,
    is_stream: bool,
    buffer: Vec<u8>,
    /// The id of the event that was read last.
    last_event: Option<String>,
    ended: bool,
}

impl Messages {
    pub(crate) fn new(body: Incoming, is_stream: bool) -> Self {
        Self {
            body,
            is_stream,
            buffer: Vec::new(),
            last_event: None,
            ended: false,
        }
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    ///
    /// The connection broke, or what came is no JSON.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing that was read is lost.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            match self.event().await? {
                None => return Ok(None),
                // Says nothing but its id.
                Some(event) if event.is_empty() => {}
                Some(event) => return Ok(Some(serde_json::from_slice(&event)?)),
            }
        }
    }

    /// Reads up to the next event, with or without a message; its data, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The connection broke.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing that was read is lost.
    pub async fn event(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if self.is_stream
                && let Some(event) = self.take_event()
            {
                return Ok(Some(event));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.buffer);
                // Half an event is none.
                let rest = (!self.is_stream && !rest.is_empty()).then_some(rest);
                return Ok(rest);
            }
            match self.body.frame().await.transpose()? {
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None => self.ended = true,
            }
        }
    }

    /// The id of the event that was read last, to come back with.
    pub fn last_event(&self) -> Option<&str> {
        self.last_event.as_deref()
    }

    /// The data of the next whole event that has any, taken out of the buffer.
    fn take_event(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
            let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let mut data = None;
            for line in event.split(|byte| *byte == b'\n') {
                if let Some(text) = line.strip_prefix(b"data:") {
                    data = Some(text.trim_ascii_start().to_vec());
                } else if let Some(id) = line.strip_prefix(b"id:") {
                    let id = String::from_utf8_lossy(id.trim_ascii());
                    self.last_event = Some(id.into_owned());
                }
            }
            // What has none is a comment.
            if data.is_some() {
                return data;
            }
        }
    }
}
