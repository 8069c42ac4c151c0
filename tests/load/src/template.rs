//! The server that is measured: one tool that does next to nothing, and as many more to be listed.

use mcp_session::{Server, Template, Tool, tool};
use serde_json::{Value, json};

/// How many tools make a list of 1,000, with `add`.
pub const LISTED: usize = 999;

/// Add two numbers.
#[tool(read_only)]
async fn add(a: i64, b: i64) -> String {
    a.saturating_add(b).to_string()
}

/// A server with `add` and so many tools more.
///
/// # Errors
///
/// None, unless a tool here is mistaken.
pub fn server(tools: usize) -> mcp_session::Result<Server> {
    let template = Template::builder("measured", "1.0.0").tool(add);
    let template = (0..tools).fold(template, |template, number| template.tool(listed(number)));
    Ok(Server::new(template.build()?))
}

fn listed(number: usize) -> Tool {
    Tool::new(name(number))
        .description(description(number))
        .input_schema(schema())
        .raw_handler(|_, _| async { "nothing found" })
}

/// The name of a tool that is there to be listed.
pub fn name(number: usize) -> String {
    format!("find_{number:04}")
}

/// What a tool says that is there to be listed.
pub fn description(number: usize) -> String {
    format!("Finds what is on shelf {number}.")
}

/// A schema of a usual size.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "words": {"type": "string", "description": "What to find", "minLength": 1},
            "limit": {"type": "integer", "description": "How much to show", "minimum": 1, "maximum": 50},
            "sort": {"type": "string", "description": "What to show first", "enum": ["age", "name", "size"]},
            "tags": {"type": "array", "description": "What it has to carry", "items": {"type": "string"}},
        },
        "required": ["words"],
    })
}
