//! What is easy to get wrong: found by reading the server against the specification, and each
//! proven here so that it stays right.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod ending;
mod honesty;
mod keeping;
mod opening;
mod panics;

use mcp_session::server::TemplateBuilder;
use mcp_session::{Server, Template, Tool};

fn template() -> TemplateBuilder {
    Template::builder("traps", "1.0.0").tool(named("plain"))
}

fn serve(template: TemplateBuilder) -> Server {
    Server::new(template.build().unwrap())
}

fn named(name: &'static str) -> Tool {
    Tool::new(name)
        .description("-")
        .handler(move || async move { name })
}
