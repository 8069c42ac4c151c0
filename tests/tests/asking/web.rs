//! A client that calls the HTTP service.

use std::sync::Arc;

use http::{Method, StatusCode};
use mcp_session::Server;
use mcp_session::protocol::ProtocolVersion;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::asking::script::Script;
use crate::asking::stream::answer;
use crate::http::support::{self, Answer};

pub(crate) struct Web {
    /// Which session its requests are of, from `initialize` on.
    session: Mutex<Option<String>>,
    /// Knows the service, the version and the token.
    plain: support::Client,
    script: Arc<Script>,
    heard: Mutex<Vec<(String, Value)>>,
    status: Mutex<Option<StatusCode>>,
}

impl Web {
    pub(crate) fn new(
        server: &Server,
        token: Option<&'static str>,
        version: ProtocolVersion,
        script: &Arc<Script>,
    ) -> Self {
        let plain = support::Client {
            token,
            version: version.as_str(),
            ..support::Client::modern(server.http())
        };
        Self {
            session: Mutex::default(),
            plain,
            script: Arc::clone(script),
            heard: Mutex::default(),
            status: Mutex::default(),
        }
    }

    fn client(&self) -> support::Client {
        support::Client {
            session: self.session.lock().clone(),
            ..self.plain.clone()
        }
    }

    async fn post(&self, message: &Value) -> Answer {
        let client = self.client();
        let mut headers = client.headers(Method::POST, message);
        if let (support::MODERN, Some(uri)) = (client.version, message["params"]["uri"].as_str()) {
            headers = headers.header("mcp-name", uri);
        }
        let answer = client.send(headers, &message.to_string()).await;
        *self.status.lock() = Some(answer.status);
        answer
    }

    pub(crate) async fn notify(&self, message: Value) {
        assert_eq!(self.post(&message).await.status, StatusCode::ACCEPTED);
    }

    /// Reads the answer, and answers what is asked on its stream, each question in its own time.
    pub(crate) async fn request(&self, message: Value) -> Value {
        let answer_to_it = self.post(&message).await;
        if let Some(session) = answer_to_it.header("mcp-session-id") {
            *self.session.lock() = Some(session);
        }
        if !answer_to_it.is_stream() {
            return answer_to_it.json().await;
        }
        let mut events = answer_to_it.events;
        let mut answers = JoinSet::new();
        loop {
            let said = events.message().await.expect("an answer before the end");
            let id = said["id"].clone();
            match said["method"].as_str() {
                None if id == message["id"] => return said,
                None => panic!("an answer to something else: {said}"),
                Some(method) if id.is_null() => {
                    let heard = (method.to_owned(), said["params"].clone());
                    self.heard.lock().push(heard);
                }
                Some(method) => {
                    let said = self.script.ask(method, &said["params"]);
                    let client = self.client();
                    answers.spawn(async move {
                        if let Some(answer) = answer(id, said).await {
                            let taken = client.post(answer).await;
                            assert_eq!(taken.status, StatusCode::ACCEPTED);
                        }
                    });
                }
            }
        }
    }

    pub(crate) fn heard(&self) -> Vec<(String, Value)> {
        self.heard.lock().clone()
    }

    pub(crate) fn status(&self) -> Option<u16> {
        let status = *self.status.lock();
        status.map(|status| status.as_u16())
    }
}
