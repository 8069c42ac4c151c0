//! Tools that change what the server offers, to whoever comes next.

use mcp_session::{Context, Edit, Prompt, Tool, ToolError, Variant};

const TOOL: &str = "test_toggled_tool";
const PROMPT: &str = "test_toggled_prompt";

pub(crate) fn tools() -> [Tool; 2] {
    [
        Tool::new("test_trigger_tool_change")
            .description("Adds a tool to the server, or takes it away again.")
            .handler(async |ctx: Context| publish(ctx, toggle_tool).await),
        Tool::new("test_trigger_prompt_change")
            .description("Adds a prompt to the server, or takes it away again.")
            .handler(async |ctx: Context| publish(ctx, toggle_prompt).await),
    ]
}

/// A new revision of the template: sessions that are open keep what they have, and open
/// `subscriptions/listen` streams are told.
async fn publish(
    ctx: Context,
    toggle: fn(&mut Edit<'_>) -> mcp_session::Result<()>,
) -> Result<&'static str, ToolError> {
    let server = ctx
        .server()
        .ok_or_else(|| ToolError::new("the server is ending"))?;
    server.publish(Variant::DEFAULT, toggle).await?;
    Ok("Changed.")
}

fn toggle_tool(edit: &mut Edit<'_>) -> mcp_session::Result<()> {
    // Only what is there can be hidden.
    if edit.hide_tool(TOOL).is_ok() {
        return Ok(());
    }
    let tool = Tool::new(TOOL).description("Comes and goes.");
    edit.add_tool(tool.handler(async || "Still here."))
}

fn toggle_prompt(edit: &mut Edit<'_>) -> mcp_session::Result<()> {
    if edit.hide_prompt(PROMPT).is_ok() {
        return Ok(());
    }
    let prompt = Prompt::new(PROMPT).description("Comes and goes.");
    edit.add_prompt(prompt.handler(async || "Still here."))
}
