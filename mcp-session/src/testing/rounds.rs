//! Requests that are answered with questions, until one is complete (stateless era).

use serde_json::{Map, Value};

use crate::protocol::{InputRequest, RpcError, code};
use crate::testing::Client;
use crate::testing::script::settle;

/// How often a server may ask before the test has failed.
const ROUNDS: usize = 32;

impl Client {
    /// Sends a request, and sends it again with answers from the [script] as long as its result
    /// asks for input (2026-07-28, "Multi Round-Trip Requests"). In the handshake era this is
    /// [`request`](Self::request). Calls of tools, prompts and resources do the same.
    ///
    /// # Errors
    ///
    /// The error that the server answered with, or that the script answers a question with: in this
    /// era a client cannot tell the server that it refuses.
    ///
    /// # Panics
    ///
    /// When the server does not answer, asks without end, or asks what the script never answers.
    ///
    /// [script]: crate::testing::ClientBuilder::on_elicit
    pub async fn exchange(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let mut again = params.clone();
        for _ in 0..ROUNDS {
            let result = self.request(method, again).await?;
            if result["resultType"] != "input_required" {
                return Ok(result);
            }
            again = self.answered(params.clone(), &result).await?;
        }
        panic!("`{method}` asks for input without end")
    }

    /// The parameters of the retry that brings the answers to what a result asks.
    ///
    /// # Errors
    ///
    /// The error that the script answers a question with.
    ///
    /// # Panics
    ///
    /// When the script never answers.
    pub async fn answered(&self, mut params: Value, result: &Value) -> Result<Value, RpcError> {
        let mut answers = Map::new();
        for (key, asked) in result["inputRequests"].as_object().into_iter().flatten() {
            let asked: InputRequest = serde_json::from_value(asked.clone()).map_err(|error| {
                RpcError::new(
                    code::INTERNAL_ERROR,
                    format!("`{key}` is no question: {error}"),
                )
            })?;
            let answer = self.script().answer(&asked.method, asked.params.as_ref());
            let answer = settle(answer).await;
            let answer = answer.unwrap_or_else(|| panic!("the script never answers `{key}`"));
            answers.insert(key.clone(), answer?);
        }
        let params_of = params.as_object_mut();
        let params_of = params_of.unwrap_or_else(|| panic!("the parameters are no object"));
        params_of.insert("inputResponses".to_owned(), Value::Object(answers));
        if let Some(state) = result.get("requestState") {
            params_of.insert("requestState".to_owned(), state.clone());
        }
        Ok(params)
    }
}
