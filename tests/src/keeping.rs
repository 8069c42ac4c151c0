//! A server that remembers: once for whoever calls, and once under a handle.

use serde::{Deserialize, Serialize};

use mcp_session::handle::HandleRules;
use mcp_session::{
    Context, Handle, HandleKind, Json, JsonSchema, Template, ToolError, server::TemplateBuilder,
    tool,
};

/// What handles stand for here.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Basket {
    /// What is in it, in the order in which it came.
    pub items: Vec<String>,
}

impl HandleKind for Basket {
    const NAME: &str = "basket";
    const PREFIX: &str = "bsk";
    const SOURCE: &str = "call `new_basket`";
}

/// Remembers a note of whoever calls.
#[tool]
async fn remember(note: String, ctx: Context) -> Result<&'static str, ToolError> {
    ctx.principal_scope()?.state().set("note", &note).await?;
    Ok("remembered")
}

/// Says the note again.
#[tool]
async fn recall(ctx: Context) -> Result<String, ToolError> {
    let note: Option<String> = ctx.principal_scope()?.state().get("note").await?;
    Ok(note.unwrap_or_else(|| "nothing".to_owned()))
}

/// Takes a new, empty basket.
#[tool]
async fn new_basket(ctx: Context) -> Result<Handle<Basket>, ToolError> {
    Ok(ctx.handles().create(Basket::default()).await?)
}

/// Puts something into a basket.
#[tool]
async fn add_item(
    /// The basket to put it into.
    basket: Handle<Basket>,
    sku: String,
) -> Result<Json<Basket>, ToolError> {
    Ok(Json(basket.update(|b| b.items.push(sku.clone())).await?))
}

/// Shows what is in a basket.
#[tool(read_only)]
async fn show(basket: Handle<Basket>) -> Result<Json<Basket>, ToolError> {
    Ok(Json(basket.get().await?))
}

/// The tools, with these rules for baskets.
pub fn builder(rules: HandleRules<Basket>) -> TemplateBuilder {
    Template::builder("keeping", "1.0.0")
        .tool(remember)
        .tool(recall)
        .tool(new_basket)
        .tool(add_item)
        .tool(show)
        .handles(rules.list_tool("list_baskets").close_tool("close_basket"))
}

/// The tools, with the usual rules.
///
/// # Errors
///
/// When what is registered above breaks a rule.
pub fn template() -> mcp_session::Result<Template> {
    builder(HandleRules::new()).build()
}
