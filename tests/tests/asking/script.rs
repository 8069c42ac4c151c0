//! What the user, the model and the client itself say when they are asked.

use std::time::Duration;

use mcp_session::protocol::RpcError;
use mcp_session::testing::Answer;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// An answer to a question.
pub(crate) enum Said {
    Result(Value),
    /// The same, but so much later.
    Late(Duration, Value),
    Error(i64, &'static str),
    Nothing,
}

/// The user filled in a form.
pub(crate) fn accept(content: Value) -> Said {
    Said::Result(json!({"action": "accept", "content": content}))
}

/// What a client says of itself and answers, and what it was asked.
pub(crate) struct Script {
    answer: Box<dyn Fn(&str, &Value) -> Said + Send + Sync>,
    pub(crate) capabilities: Value,
    asked: Mutex<Vec<(String, Value)>>,
}

impl Script {
    /// A client that can be asked everything but roots, which servers ask for by themselves;
    /// `answer` is given method and parameters.
    pub(crate) fn new(answer: impl Fn(&str, &Value) -> Said + Send + Sync + 'static) -> Self {
        Self {
            answer: Box::new(answer),
            capabilities: json!({
                "elicitation": {"form": {}, "url": {}},
                "sampling": {"tools": {}},
            }),
            asked: Mutex::default(),
        }
    }

    /// A client whose user answers forms by their messages.
    pub(crate) fn forms(answer: impl Fn(&str) -> Said + Send + Sync + 'static) -> Self {
        Self::new(move |method, params| {
            assert_eq!(method, "elicitation/create");
            answer(params["message"].as_str().unwrap())
        })
    }

    /// A client that is never asked.
    pub(crate) fn silent() -> Self {
        Self::new(|method, _| panic!("nobody expects `{method}`"))
    }

    /// The same, naming its roots as well.
    pub(crate) fn with_roots(mut self) -> Self {
        self.capabilities["roots"] = json!({});
        self
    }

    /// The same, declaring exactly this.
    pub(crate) fn declaring(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Notes a question, and decides on its answer.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Said {
        let asked = (method.to_owned(), params.clone());
        self.asked.lock().push(asked);
        (self.answer)(method, params)
    }

    /// Every question so far: its method and its parameters.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().clone()
    }

    /// The messages of every form so far.
    pub(crate) fn forms_asked(&self) -> Vec<String> {
        let asked = self.asked();
        let messages = asked.iter().map(|(_, params)| &params["message"]);
        messages
            .map(|message| message.as_str().unwrap().to_owned())
            .collect()
    }
}

impl Said {
    /// What it comes to in the end; `None` when it never comes.
    pub(crate) async fn settle(self) -> Option<Result<Value, RpcError>> {
        match self {
            Self::Result(result) => Some(Ok(result)),
            Self::Late(time, result) => {
                tokio::time::sleep(time).await;
                Some(Ok(result))
            }
            Self::Error(code, message) => Some(Err(RpcError::new(code, message))),
            Self::Nothing => None,
        }
    }
}

impl From<Said> for Answer {
    fn from(said: Said) -> Self {
        match said {
            Said::Result(result) => result.into(),
            Said::Error(code, message) => Self::error(code, message),
            Said::Nothing => Self::silence(),
            Said::Late(time, result) => Self::later(async move {
                tokio::time::sleep(time).await;
                result.into()
            }),
        }
    }
}
