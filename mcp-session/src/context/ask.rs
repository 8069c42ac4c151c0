//! A handler's questions to the client.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::peer::{AskError, Elicited, inline};
use crate::protocol::{
    CreateMessageParams, CreateMessageResult, ElicitAction, ElicitFormParams, ElicitResult, Era,
    InputRequest, Raw, method, misfit, wire,
};
use crate::schema::{self, Problem, Validator};
use crate::session::Capability;

/// Why a handler of another kind cannot ask (2026-07-28, "Multi Round-Trip Requests", "Supported
/// Requests").
const NOT_HERE: &str =
    "in the stateless era (2026-07-28) only tools, prompts and resources can ask";

impl Context {
    /// Asks the user to fill in a form shaped like `T`, and waits for the answer.
    ///
    /// `T` is a struct of strings, numbers, booleans and enums: what a form can hold
    /// ("Elicitation", 2025-06-18 and later). `key` names the question within this request; asked
    /// again under the same key, the answer is the same.
    ///
    /// In the handshake era the question is a request to the client, on this request's own stream.
    /// In the stateless era (2026-07-28) it ends this run of the handler: the client is told what
    /// is needed, calls again with the answer, and **the handler runs again from its beginning**,
    /// where questions that were answered return at once. Put what must not happen twice into
    /// [`once`](Self::once). Questions that wait at the same time go out together.
    ///
    /// # Errors
    ///
    /// [`AskError`] says why there is no answer. Declining is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_session::{Context, Elicited, JsonSchema, ToolError, tool};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Seat {
    ///     /// Row and letter, such as 12C.
    ///     seat: String,
    /// }
    ///
    /// /// Books a flight.
    /// #[tool]
    /// async fn book(flight: String, ctx: Context) -> Result<String, ToolError> {
    ///     match ctx.elicit::<Seat>("seat", "Which seat?").await? {
    ///         Elicited::Accept(seat) => Ok(format!("{flight}, seat {}", seat.seat)),
    ///         Elicited::Decline | Elicited::Cancel => Ok("not booked".to_owned()),
    ///     }
    /// }
    /// ```
    pub async fn elicit<T: DeserializeOwned + JsonSchema>(
        &self,
        key: &str,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, AskError> {
        let form = ElicitFormParams::new(message, schema::of::<T>());
        let result = self.elicit_form(key, form).await?;
        Ok(match result.action {
            ElicitAction::Accept => {
                let content = Value::Object(result.content.unwrap_or_default());
                let answer = serde_json::from_value(content);
                Elicited::Accept(answer.map_err(|error| AskError::Misfit(misfit(&error)))?)
            }
            ElicitAction::Decline => Elicited::Decline,
            ElicitAction::Cancel => Elicited::Cancel,
        })
    }

    /// Asks the user to fill in a form given as a schema: for forms that are not known when the
    /// program is compiled. Prefer [`elicit`](Self::elicit). What the user filled in is held against
    /// the schema.
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    pub async fn elicit_form(
        &self,
        key: &str,
        form: ElicitFormParams,
    ) -> Result<ElicitResult, AskError> {
        let params = self.askable(Capability::Elicitation, || {
            wire::elicit_form(&form, self.client().version())
                .map_err(|error| AskError::Unaskable(error.to_string()))
        })?;
        let mut result: ElicitResult = self.ask(key, method::ELICITATION_CREATE, params).await?;
        if result.action == ElicitAction::Accept {
            let content = result.content.get_or_insert_default();
            // A field that was left empty is absent.
            content.retain(|_, field| !field.is_null());
            fits(key, content, &form.requested_schema)?;
        }
        Ok(result)
    }

    /// Asks the client's model. Deprecated in 2026-07-28: a server that needs a model does better
    /// to call one itself.
    ///
    /// # Errors
    ///
    /// As [`elicit`](Self::elicit); with `tools` set, the client must have declared
    /// [`Capability::SamplingTools`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    pub async fn sample(
        &self,
        key: &str,
        message: CreateMessageParams,
    ) -> Result<CreateMessageResult, AskError> {
        let with_tools = message.tools.is_some() || message.tool_choice.is_some();
        let needed = if with_tools {
            Capability::SamplingTools
        } else {
            Capability::Sampling
        };
        let params = self.askable(needed, || {
            wire::create_message(&message, self.client().version())
                .map_err(|error| AskError::Unaskable(error.to_string()))
        })?;
        self.ask(key, method::SAMPLING_CREATE_MESSAGE, params).await
    }

    /// The parameters of a question, once it is clear that the client can be asked.
    pub(crate) fn askable(
        &self,
        needed: Capability,
        params: impl FnOnce() -> Result<Raw, AskError>,
    ) -> Result<Raw, AskError> {
        if !self.client().can(needed) {
            return Err(AskError::MissingCapability(needed));
        }
        if self.core().era() == Era::Stateless && self.now().parts.subject.is_none() {
            return Err(AskError::Unavailable(NOT_HERE));
        }
        params()
    }

    /// Asks as the era has it. A question that was answered within this exchange is not asked again.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        key: &str,
        method: &'static str,
        params: Raw,
    ) -> Result<T, AskError> {
        tracing::trace!(key, method, "asking");
        let exchange = self.call().exchange();
        let decode = |answer: &Raw| {
            let answer = answer.decode();
            answer.map_err(|error| AskError::Misfit(format!("`{key}`: {}", misfit(&error))))
        };
        if self.core().era() == Era::Stateless {
            let question = InputRequest::new(method, Some(params));
            return decode(&exchange.ask(key, question).await?);
        }
        if let Some(answer) = exchange.answer(key) {
            return decode(&answer);
        }
        let out = exchange.hold(key)?;
        let answer = self.ask_now(method, &params).await?;
        drop(out);
        let decoded = decode(&answer)?;
        exchange.learn(key, answer);
        Ok(decoded)
    }

    /// Asks on the request's own stream (handshake era).
    async fn ask_now(&self, method: &'static str, params: &Raw) -> Result<Raw, AskError> {
        let parts = &self.now().parts;
        let answer = inline::ask(self.core(), &parts.outlet, method, params, parts.patience);
        tokio::select! {
            answer = answer => answer,
            () = parts.cancel.token().cancelled() => Err(AskError::Gone),
        }
    }
}

/// Holds what a user filled in against the form's schema: clients may not.
fn fits(key: &str, content: &Map<String, Value>, schema: &Value) -> Result<(), AskError> {
    let unaskable = |problems: Vec<Problem>| {
        AskError::Unaskable(format!(
            "the form of `{key}` is wrong: {}",
            listed(&problems)
        ))
    };
    let validator = Validator::compile(schema).map_err(unaskable)?;
    let misfit =
        |problems: Vec<Problem>| AskError::Misfit(format!("`{key}`: {}", listed(&problems)));
    validator
        .check(&Value::Object(content.clone()))
        .map_err(misfit)
}

fn listed(problems: &[Problem]) -> String {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
