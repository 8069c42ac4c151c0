//! One replica: a server like any other, on a store that it shares.

use mcp_session::{Context, Elicited, JsonSchema, Session, Template, Tool, ToolError, tool};
use mcp_session_examples::{Listen, Replica, Result, serve_as};
use serde::Deserialize;

/// Learn a word: from then on there is a tool that says it, for this session only.
///
/// What is kept of the change is the name of a factory, and the word. So every replica can make
/// the tool.
#[tool]
async fn learn(word: String, session: Session) -> Result<String, ToolError> {
    session.edit(|edit| edit.install("say", &word))?;
    Ok(format!("there is a tool `say_{word}` now"))
}

/// Makes a tool that says a word.
fn say(word: String) -> mcp_session::Result<Tool> {
    Ok(Tool::new(format!("say_{word}"))
        .description("Says a word that was learnt.")
        .handler(move || std::future::ready(word.clone())))
}

/// Count: each call is one more.
#[tool]
async fn count(session: Session) -> Result<String, ToolError> {
    let state = session.state();
    let counted = state.update("count", |count: Option<u32>| count.unwrap_or(0) + 1);
    Ok(counted.await?.to_string())
}

#[derive(Deserialize, JsonSchema)]
struct Size {
    /// Small, medium or large.
    size: String,
}

/// Order something, of a size that is asked for.
#[tool]
async fn order(what: String, ctx: Context) -> Result<String, ToolError> {
    let asked = ctx.elicit::<Size>("size", format!("How large should the {what} be?"));
    match asked.await? {
        Elicited::Accept(answer) => Ok(format!("one {} {what}", answer.size)),
        Elicited::Decline | Elicited::Cancel => Ok("nothing was ordered".to_owned()),
    }
}

/// Runs with what is left of the command line, until whoever started it is gone.
pub(crate) async fn run(mut args: Vec<String>) -> Result {
    let replica = Replica::take(&mut args).await?;
    let name = replica.name().map(str::to_owned);
    let listen = Listen::parse(args)?;
    let template = Template::builder("cluster", "1.0.0")
        .tool_factory("say", say)
        .tool(learn)
        .tool(count)
        .tool(order)
        .build()?;
    let server = replica.server(template)?;
    let name = name.as_deref();
    serve_as(name, server, listen, |url| println!("it serves at {url}")).await
}
