//! Tools about what is new in 2026-07-28, where every request is complete in itself.

use mcp_session::catalog::{IntoToolReply, ToolReply};
use mcp_session::protocol::{
    ElicitFormParams, ElicitResult, InputRequest, InputRequiredResult, ProtocolVersion, method,
    wire,
};
use mcp_session::{Capability, Context, LogLevel, Tool, ToolError};
use serde_json::{Value, json};

pub(crate) fn tools() -> [Tool; 3] {
    [
        // A client that has not declared sampling is refused before the handler runs.
        Tool::new("test_missing_capability")
            .description("Needs a client that can sample.")
            .needs(Capability::Sampling)
            .handler(async || "The client can sample."),
        Tool::new("test_streaming_elicitation")
            .description("Asks the user, by answering with a question.")
            .handler(elicitation),
        // Nothing is sent unless the request asks for messages of this level.
        Tool::new("test_logging_tool")
            .description("Logs one message, to clients that want it.")
            .handler(async |ctx: Context| {
                ctx.log(LogLevel::Info, "A message for whoever asked");
                "Done."
            }),
    ]
}

/// The low-level form of asking: the server answers that it needs input, forgets everything, and
/// finds the answer when the client calls again.
async fn elicitation(ctx: Context) -> Result<ToolReply, ToolError> {
    // The client's word: what does not fit counts as no answer, and the question is asked again.
    if let Some(answer) = ctx.input_responses().find::<ElicitResult>("user_name") {
        let name = answer
            .content
            .and_then(|mut content| content.remove("name"));
        return match name.as_ref().and_then(Value::as_str) {
            Some(name) => format!("Hello, {name}!").into_tool_reply(),
            None => "Hello, whoever you are!".into_tool_reply(),
        };
    }
    let form = ElicitFormParams::new(
        "What is your name?",
        json!({
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        }),
    );
    let params = wire::elicit_form(&form, ProtocolVersion::V2026_07_28)?;
    let question = InputRequest::new(method::ELICITATION_CREATE, Some(params));
    InputRequiredResult::new()
        .ask("user_name", question)
        .into_tool_reply()
}
