//! Tools that ask the client before they answer.

use mcp_session::peer::AskError;
use mcp_session::protocol::{
    CreateMessageParams, ElicitAction, ElicitFormParams, ElicitResult, SamplingMessage,
};
use mcp_session::{Context, JsonSchema, Tool, ToolError};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn tools() -> [Tool; 4] {
    [
        Tool::new("test_sampling")
            .description("Asks the client's model.")
            .handler(sampling),
        Tool::new("test_elicitation")
            .description("Asks the user for a name and an address.")
            .handler(elicitation),
        Tool::new("test_elicitation_sep1034_defaults")
            .description("Asks the user by a form that is filled in already.")
            .handler(defaults),
        Tool::new("test_elicitation_sep1330_enums")
            .description("Asks the user to choose, in every way a form has.")
            .handler(enums),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Sampling {
    /// What the model is asked.
    prompt: String,
}

async fn sampling(asked: Sampling, ctx: Context) -> Result<String, ToolError> {
    let question = CreateMessageParams::new(vec![SamplingMessage::user(asked.prompt)], 100);
    let answer = ctx.sample("prompt", question).await?;
    Ok(format!("LLM response: {}", answer.content.text()))
}

#[derive(Deserialize, JsonSchema)]
struct Elicitation {
    /// What the user is asked.
    message: String,
}

// A form known in advance is better written as a type: see `Context::elicit`. These spell out
// their schemas, because the suite wants them to the letter.
async fn elicitation(asked: Elicitation, ctx: Context) -> Result<String, ToolError> {
    let form = json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    });
    let answer = ask(&ctx, asked.message, form).await?;
    Ok(format!("User response: {answer}"))
}

async fn defaults(ctx: Context) -> Result<String, ToolError> {
    let form = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "User name", "default": "John Doe"},
            "age": {"type": "integer", "description": "User age", "default": 30},
            "score": {"type": "number", "description": "User score", "default": 95.5},
            "status": {
                "type": "string",
                "description": "User status",
                "enum": ["active", "inactive", "pending"],
                "default": "active",
            },
            "verified": {"type": "boolean", "description": "Verification status", "default": true},
        },
        "required": [],
    });
    let answer = ask(&ctx, "Please review these details", form).await?;
    Ok(format!("Elicitation completed: {answer}"))
}

async fn enums(ctx: Context) -> Result<String, ToolError> {
    let options = ["option1", "option2", "option3"];
    let titled = |what: &str| {
        json!([
            {"const": "value1", "title": format!("First {what}")},
            {"const": "value2", "title": format!("Second {what}")},
            {"const": "value3", "title": format!("Third {what}")},
        ])
    };
    let form = json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled("Option")},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
        },
        "required": [],
    });
    let answer = ask(&ctx, "Please choose", form).await?;
    Ok(format!("Elicitation completed: {answer}"))
}

/// Asks, and puts what the user did into words.
async fn ask(ctx: &Context, message: impl Into<String>, form: Value) -> Result<String, AskError> {
    let answer = ctx
        .elicit_form("form", ElicitFormParams::new(message, form))
        .await?;
    Ok(told(answer))
}

fn told(answer: ElicitResult) -> String {
    match answer.action {
        ElicitAction::Accept => {
            let content = Value::Object(answer.content.unwrap_or_default());
            format!("action=accept, content={content}")
        }
        ElicitAction::Decline => "action=decline".to_owned(),
        ElicitAction::Cancel => "action=cancel".to_owned(),
    }
}
