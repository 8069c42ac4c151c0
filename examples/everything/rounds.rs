//! Handlers that ask, as 2026-07-28 has it: in a result, round by round.
//!
//! They are written like any other handler, and serve clients with a handshake just the same.

use mcp_session::catalog::{IntoToolReply, ToolReply};
use mcp_session::protocol::{
    CreateMessageParams, ElicitFormParams, ElicitResult, InputRequest, InputRequiredResult,
    ProtocolVersion, SamplingMessage, method, wire,
};
use mcp_session::{Capability, Context, Elicited, JsonSchema, Prompt, Tool, ToolError};
use serde::Deserialize;
use serde_json::json;

pub(crate) fn tools() -> [Tool; 8] {
    [
        // The answer is a name and nothing more: it may come without the state that went along.
        Tool::new("test_input_required_result_elicitation")
            .description("Asks for a name.")
            .answers_without_state()
            .handler(name),
        Tool::new("test_input_required_result_sampling")
            .description("Asks the client's model.")
            .handler(capital),
        Tool::new("test_input_required_result_list_roots")
            .description("Asks for the roots.")
            .handler(roots),
        Tool::new("test_input_required_result_request_state")
            .description("Asks by hand, and gets back what it sent along.")
            .handler(by_hand),
        Tool::new("test_input_required_result_multiple_inputs")
            .description("Asks three things at once.")
            .handler(at_once),
        Tool::new("test_input_required_result_multi_round")
            .description("Asks one thing after the other.")
            .handler(in_turn),
        Tool::new("test_input_required_result_tampered_state")
            .description("Asks, and trusts nothing that was changed on the way.")
            .handler(confirm),
        Tool::new("test_input_required_result_capabilities")
            .description("Asks whatever the client can answer.")
            .handler(possible),
    ]
}

pub(crate) fn prompt() -> Prompt {
    Prompt::new("test_input_required_result_prompt")
        .description("A prompt that asks for its context.")
        .handler(async |ctx: Context| {
            let question = "What context should the prompt use?";
            let answer = ctx.elicit::<Background>("user_context", question).await?;
            Ok::<_, ToolError>(match answer {
                Elicited::Accept(given) => format!("Answer in the context of {}.", given.context),
                Elicited::Decline | Elicited::Cancel => "Answer without a context.".to_owned(),
            })
        })
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Color {
    color: String,
}

#[derive(Deserialize, JsonSchema)]
struct Confirmation {
    ok: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Background {
    context: String,
}

async fn name(ctx: Context) -> Result<String, ToolError> {
    let name = ctx
        .elicit::<Name>("user_name", "What is your name?")
        .await?;
    Ok(greeting(name))
}

fn greeting(name: Elicited<Name>) -> String {
    match name {
        Elicited::Accept(given) => format!("Hello, {}!", given.name),
        Elicited::Decline | Elicited::Cancel => "Hello, whoever you are!".to_owned(),
    }
}

async fn capital(ctx: Context) -> Result<String, ToolError> {
    let question = SamplingMessage::user("What is the capital of France?");
    let asked = CreateMessageParams::new(vec![question], 100);
    let answer = ctx.sample("capital_question", asked).await?;
    Ok(format!("The model says: {}", answer.content.text()))
}

async fn roots(ctx: Context) -> Result<String, ToolError> {
    let roots = ctx.roots_as("client_roots").await?;
    let named: Vec<_> = roots.iter().map(|root| &*root.uri).collect();
    Ok(format!("The roots are: {}", named.join(", ")))
}

/// The low-level form: the server says what it needs, forgets everything, and finds the answer and
/// its own state when the client calls again. The state is sealed on the way.
async fn by_hand(ctx: Context) -> Result<ToolReply, ToolError> {
    let answer: Option<ElicitResult> = ctx.input_responses().find("confirm");
    if answer.is_some() && ctx.request_state() == Some("asked") {
        return "state-ok".into_tool_reply();
    }
    let form = json!({
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
    });
    let form = ElicitFormParams::new("Please confirm", form);
    let params = wire::elicit_form(&form, ProtocolVersion::V2026_07_28)?;
    let question = InputRequest::new(method::ELICITATION_CREATE, Some(params));
    let asking = InputRequiredResult::new().ask("confirm", question);
    asking.request_state("asked").into_tool_reply()
}

async fn at_once(ctx: Context) -> Result<String, ToolError> {
    let greeting_asked =
        CreateMessageParams::new(vec![SamplingMessage::user("Generate a greeting")], 50);
    let (name, said, roots) = tokio::join!(
        ctx.elicit::<Name>("user_name", "What is your name?"),
        ctx.sample("greeting", greeting_asked),
        ctx.roots_as("client_roots"),
    );
    let (said, roots) = (said?.content.text(), roots?.len());
    Ok(format!(
        "{} {said} There are {roots} roots.",
        greeting(name?)
    ))
}

async fn in_turn(ctx: Context) -> Result<String, ToolError> {
    let question = "Step 1: What is your name?";
    let name = greeting(ctx.elicit::<Name>("step1", question).await?);
    let question = "Step 2: What is your favorite color?";
    Ok(match ctx.elicit::<Color>("step2", question).await? {
        Elicited::Accept(given) => format!("{name} You like {}.", given.color),
        Elicited::Decline | Elicited::Cancel => name,
    })
}

async fn confirm(ctx: Context) -> Result<&'static str, ToolError> {
    let answer = ctx
        .elicit::<Confirmation>("confirm", "Please confirm")
        .await?;
    Ok(match answer {
        Elicited::Accept(Confirmation { ok: true }) => "Confirmed.",
        _ => "Not confirmed.",
    })
}

async fn possible(ctx: Context) -> Result<String, ToolError> {
    if ctx.client().can(Capability::Elicitation) {
        name(ctx).await
    } else {
        capital(ctx).await
    }
}
