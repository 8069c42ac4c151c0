//! A command-line tool that is also an MCP server: the same functions for people and for models.
//!
//! ```text
//! cargo run --example stdio_cli -- wc README.md         counts lines, words and bytes
//! cargo run --example stdio_cli -- head README.md 3     prints the first lines
//! cargo run --example stdio_cli -- mcp                  serves both over stdio
//! ```
//!
//! In a client's configuration the command is the program and `mcp` its argument. Paths are
//! resolved below the directory the program was started in, and never leave it: try
//! `wc ../secret`, or a link that leads out.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use std::{fmt, path::PathBuf};

use mcp_session::catalog::SafeRoot;
use mcp_session::{Dep, Json, JsonSchema, Server, Template, ToolError, tool};
use mcp_session_examples::{Failure, Listen, Result, serve};
use serde::Serialize;

const USAGE: &str = "usage: stdio_cli wc FILE | head FILE [LINES] | mcp";

/// What is in a file.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Counts {
    lines: usize,
    words: usize,
    bytes: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lines,
            words,
            bytes,
        } = self;
        write!(f, "{lines} lines, {words} words, {bytes} bytes")
    }
}

/// Count the lines, words and bytes of a text file.
// The answer has a schema: programs read it as JSON, models as a text.
#[tool(read_only)]
async fn wc(
    /// Relative to the server's directory.
    path: String,
    root: Dep<SafeRoot>,
) -> Result<Json<Counts>, ToolError> {
    Ok(Json(count(&read(&root, &path).await?)))
}

/// Read the first lines of a text file.
#[tool(read_only)]
async fn head(
    /// Relative to the server's directory.
    path: String,
    /// How many lines to read.
    #[default = 10]
    lines: usize,
    root: Dep<SafeRoot>,
) -> Result<String, ToolError> {
    Ok(first(&read(&root, &path).await?, lines))
}

fn count(text: &str) -> Counts {
    Counts {
        lines: text.lines().count(),
        words: text.split_whitespace().count(),
        bytes: text.len(),
    }
}

fn first(text: &str, lines: usize) -> String {
    text.lines().take(lines).collect::<Vec<_>>().join("\n")
}

/// The text of a file below `root`. Its errors may be shown to anybody: they name no other path
/// than the one that was asked for.
async fn read(root: &SafeRoot, path: &str) -> Result<String, ToolError> {
    let file: PathBuf = root.resolve(path)?;
    let text = tokio::fs::read_to_string(file).await;
    text.map_err(|error| ToolError::new(format!("`{path}` cannot be read: {error}")))
}

#[tokio::main]
async fn main() -> Result {
    let root = SafeRoot::new(".")?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["wc", path] => println!("{}", count(&text(&root, path).await?)),
        ["head", path] => println!("{}", first(&text(&root, path).await?, 10)),
        ["head", path, lines] => {
            let wrong = |_| Failure::new(format!("`{lines}` is no number of lines"));
            let lines = lines.parse().map_err(wrong)?;
            println!("{}", first(&text(&root, path).await?, lines));
        }
        ["mcp"] => {
            let template = Template::builder("stdio_cli", "1.0.0")
                .provide(root)
                .tool(wc)
                .tool(head)
                .build()?;
            // A `println!` in a handler would not hurt: standard output is taken out of its reach.
            serve(Server::new(template), Listen::Stdio, |_| ()).await?;
        }
        _ => return Err(Failure::new(USAGE)),
    }
    Ok(())
}

/// [`read`], with the same words for people as for models.
async fn text(root: &SafeRoot, path: &str) -> Result<String> {
    let read = read(root, path).await;
    read.map_err(|error| Failure::new(error.to_string()))
}
