//! The answers of a test's client to what the server asks.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::protocol::{Frame, ListRootsResult, Raw, Request, Root, RpcError, code, method};

type Answering = Arc<dyn Fn(Value) -> Answer + Send + Sync>;

/// What a scripted client answers to a question of the server.
///
/// A JSON value is the result itself; the constructors make the usual ones.
///
/// # Examples
///
/// ```
/// use mcp_session::testing::Answer;
/// use serde_json::json;
///
/// let seat = Answer::accept(json!({"seat": "12C"}));
/// let no = Answer::decline();
/// let verbatim = Answer::from(json!({"action": "cancel"}));
/// # let _ = (seat, no, verbatim);
/// ```
pub struct Answer(Kind);

enum Kind {
    Result(Value),
    Error(RpcError),
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
    Silence,
}

impl Answer {
    /// The user filled in the form.
    pub fn accept(content: Value) -> Self {
        let action = ("action".to_owned(), Value::from("accept"));
        Value::Object(
            [action, ("content".to_owned(), content)]
                .into_iter()
                .collect(),
        )
        .into()
    }

    /// The user said no.
    pub fn decline() -> Self {
        json!({"action": "decline"}).into()
    }

    /// The user closed the question.
    pub fn cancel() -> Self {
        json!({"action": "cancel"}).into()
    }

    /// The model said this.
    pub fn text(text: impl Into<String>) -> Self {
        let content = json!({"type": "text", "text": text.into()});
        json!({"role": "assistant", "content": content, "model": "scripted", "stopReason": "endTurn"})
            .into()
    }

    /// The client refuses.
    pub fn error(code: i64, message: impl Into<String>) -> Self {
        Self(Kind::Error(RpcError::new(code, message.into())))
    }

    /// The answer comes when the future is done.
    pub fn later(answer: impl Future<Output = Self> + Send + 'static) -> Self {
        Self(Kind::Later(Box::pin(answer)))
    }

    /// The client never answers.
    pub fn silence() -> Self {
        Self(Kind::Silence)
    }
}

impl From<Value> for Answer {
    fn from(result: Value) -> Self {
        Self(Kind::Result(result))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Result(result) => f.debug_tuple("Result").field(result).finish(),
            Kind::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Kind::Later(_) => f.write_str("Later"),
            Kind::Silence => f.write_str("Silence"),
        }
    }
}

/// A question that the server asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// Its method, such as `elicitation/create`.
    pub method: String,
    /// Its parameters; null when there are none.
    pub params: Value,
}

/// What the client answers, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<HashMap<String, Answering>>,
    roots: Mutex<Option<Vec<Root>>>,
    asked: Mutex<Vec<Question>>,
    pub(super) asking: tokio::sync::Notify,
}

impl Script {
    pub(super) fn on(&self, method: &str, answer: Answering) {
        self.answers.lock().insert(method.to_owned(), answer);
    }

    pub(super) fn set_roots(&self, roots: Vec<Root>) {
        *self.roots.lock() = Some(roots);
    }

    /// What was asked since the last time.
    pub(super) fn drain(&self) -> Vec<Question> {
        std::mem::take(&mut *self.asked.lock())
    }

    /// The first question that was not looked at yet, once there is one.
    pub(super) async fn next(&self) -> Question {
        loop {
            let mut asking = std::pin::pin!(self.asking.notified());
            asking.as_mut().enable();
            {
                let mut asked = self.asked.lock();
                if !asked.is_empty() {
                    return asked.remove(0);
                }
            }
            asking.await;
        }
    }

    /// Decides on an answer to a request of the server.
    pub(super) fn answer(&self, method: &str, params: Option<&Raw>) -> Answer {
        let params: Value = params
            .and_then(|params| params.decode().ok())
            .unwrap_or_default();
        let question = Question {
            method: method.to_owned(),
            params: params.clone(),
        };
        self.asked.lock().push(question);
        self.asking.notify_waiters();
        let scripted = self.answers.lock().get(method).cloned();
        if let Some(answer) = scripted {
            return answer(params);
        }
        match (method, &*self.roots.lock()) {
            (method::PING, _) => json!({}).into(),
            (method::ROOTS_LIST, Some(roots)) => {
                let listed = serde_json::to_value(ListRootsResult::new(roots.clone()));
                listed.expect("roots have a JSON form").into()
            }
            _ => Answer::error(
                code::METHOD_NOT_FOUND,
                format!("the test scripted no answer to `{method}`"),
            ),
        }
    }
}

/// The line that answers a request of the server; `None` when it gets no answer.
pub(super) async fn line(request: Request, answer: Answer) -> Option<Bytes> {
    let frame = match settle(answer).await? {
        Ok(result) => {
            let result = Raw::from_value(&result).expect("a value has a JSON form");
            Frame::result(&request.id, result)
        }
        Err(error) => Frame::error(Some(&request.id), &error, false),
    };
    Some(frame.into_bytes())
}

/// What an answer comes to in the end; `None` when it never comes.
pub(super) async fn settle(mut answer: Answer) -> Option<Result<Value, RpcError>> {
    loop {
        match answer.0 {
            Kind::Result(result) => return Some(Ok(result)),
            Kind::Error(error) => return Some(Err(error)),
            Kind::Silence => return None,
            Kind::Later(later) => answer = later.await,
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("answers", &self.answers.lock().keys())
            .finish_non_exhaustive()
    }
}
