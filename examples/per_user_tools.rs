//! Tools that depend on who is calling, and a tool that unlocks another for one session.
//!
//! ```text
//! cargo run --example per_user_tools                  then use …/mcp?user=ada and …/mcp?user=bob
//! USER=ada cargo run --example per_user_tools -- --stdio
//! ```
//!
//! `on_open` runs before a client is told anything, in both eras: once per handshake session; in
//! the stateless era once per principal, and per request of who has none. So each caller's list is complete at first sight, and
//! what others have saved can be neither seen nor called.
//!
//! Ada has saved two queries and Bob one. Try to call Ada's `query_overdue` as Bob: the answer is
//! the one for a tool that never was. Then call `unlock_expert`: a handshake session is told that
//! its list has changed and finds `expert`, nobody else does. A stateless client is refused with
//! the remedy, because 2026-07-28 does not let a list depend on earlier requests.
//!
//! A name in a URL proves nothing about who is calling. It stands in here for a verified
//! principal; over stdio that is the local user.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use std::{collections::HashMap, sync::Arc};

use mcp_session::{Server, Session, Template, Tool, ToolError, tool};
use mcp_session_examples::{Listen, Result, curl, serve};
use serde_json::json;

/// A query somebody has saved.
struct Query {
    name: String,
    question: String,
}

/// The saved queries, by user: what would be a database.
struct Queries(HashMap<String, Vec<Query>>);

impl Queries {
    fn sample() -> Self {
        let query = |name: &str, question: &str| Query {
            name: name.to_owned(),
            question: question.to_owned(),
        };
        let ada = vec![
            query("overdue", "Which invoices are overdue?"),
            query("top_customers", "Who bought most this year?"),
        ];
        let bob = vec![query("stock", "What is left on stock?")];
        Self(HashMap::from([
            ("ada".to_owned(), ada),
            ("bob".to_owned(), bob),
        ]))
    }

    // Async, as it would be with a database.
    async fn of(&self, user: &str) -> &[Query] {
        self.0.get(user).map_or(&[], Vec::as_slice)
    }
}

impl Query {
    /// A tool made while the program runs.
    fn tool(&self) -> Tool {
        let question = self.question.clone();
        Tool::new(format!("query_{}", self.name))
            .description(format!("Answers: {question}"))
            .read_only()
            .handler(move || {
                let answer = format!("{question} That would be told here.");
                async move { answer }
            })
    }
}

/// Who is calling: the verified principal, or what the URL says.
fn user(session: &Session) -> &str {
    let named = || session.opening().query("user");
    let principal = session.principal().map(|principal| principal.subject());
    principal.or_else(named).unwrap_or("nobody")
}

/// Say who is calling.
#[tool(read_only)]
async fn whoami(session: Session) -> String {
    user(&session).to_owned()
}

/// Unlock the expert tool, for this session only.
#[tool]
async fn unlock_expert(session: Session) -> Result<&'static str, ToolError> {
    let expert = Tool::new("expert")
        .description("Does what only experts may do.")
        .handler(async || "done, expertly");
    // One notification, to this client only. In the stateless era the error names the remedy.
    session.edit(|edit| {
        edit.add_tool(expert)?;
        edit.hide_tool("unlock_expert")
    })?;
    Ok("`expert` is there now")
}

fn template(queries: Queries) -> mcp_session::Result<Template> {
    let queries = Arc::new(queries);
    Template::builder("per_user_tools", "1.0.0")
        .tool(whoami)
        .tool(unlock_expert)
        .on_open(move |session| {
            let queries = Arc::clone(&queries);
            async move {
                let saved = queries.of(user(&session)).await;
                session.edit(|edit| {
                    saved
                        .iter()
                        .try_for_each(|query| edit.add_tool(query.tool()))
                })?;
                Ok(())
            }
        })
        .build()
}

#[tokio::main]
async fn main() -> Result {
    let listen = Listen::from_args()?;
    let server = Server::new(template(Queries::sample())?);
    serve(server, listen, |url| {
        println!("per_user_tools is served at {url}?user=ada, {url}?user=bob and so on\n");
        println!("To call a query of Ada's:");
        println!(
            "{}",
            curl(&format!("{url}?user=ada"), "query_overdue", &json!({}))
        );
    })
    .await
}
