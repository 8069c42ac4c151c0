//! Tools that depend on who is calling, and a tool that unlocks another for its caller only.
//!
//! ```text
//! cargo run --example per_user_tools                  then call as Ada and as Bob
//! USER=ada cargo run --example per_user_tools -- --stdio
//! ```
//!
//! `on_open` runs before a client is told anything, in both eras: once per handshake session, and
//! once per user in the stateless era. So each caller's list is complete at first sight, and what
//! others have saved can be neither seen nor called.
//!
//! Ada has saved two queries and Bob one. Try to call Ada's `query_overdue` as Bob: the answer is
//! the one for a tool that never was. Then call `unlock_expert`, as Ada: nobody else finds
//! `expert`. A handshake session keeps it as long as it lives. 2026-07-28 does not let a list
//! depend on earlier requests, but it may depend on who is calling; so in the stateless era it is
//! Ada's from now on, over whatever connection.
//!
//! The tokens are fixed here. Over stdio the caller is the local user.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use std::{collections::HashMap, sync::Arc};

use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::Era;
use mcp_session::{Context, Edit, Principal, Server, Session, Template, Tool, ToolError, tool};
use mcp_session_examples::{Listen, Result, curl_as, serve};
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

/// Who is calling, which was verified.
fn user(session: &Session) -> &str {
    let principal = session.principal();
    principal.map_or("nobody", |principal| principal.subject())
}

/// Say who is calling.
#[tool(read_only)]
async fn whoami(principal: Principal) -> String {
    principal.subject().to_owned()
}

/// Unlock the expert tool, for whoever is calling and nobody else.
#[tool]
async fn unlock_expert(session: Session, ctx: Context) -> Result<&'static str, ToolError> {
    let unlock = |edit: &mut Edit<'_>| {
        edit.add_tool(
            Tool::new("expert")
                .description("Does what only experts may do.")
                .handler(async || "done, expertly"),
        )?;
        edit.hide_tool("unlock_expert")
    };
    // One notification either way, to this caller only.
    match session.opening().era() {
        Era::Handshake => session.edit(unlock)?,
        Era::Stateless => ctx.principal_scope()?.edit(unlock).await?,
    }
    Ok("`expert` is there now")
}

/// Who comes with which token.
fn tokens() -> BearerTokens {
    let caller = |name: &str| Caller::new(Principal::new("example", name));
    BearerTokens::new()
        .token("ada-token", caller("ada"))
        .token("bob-token", caller("bob"))
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
    let server = Server::builder(template(Queries::sample())?)
        .authenticate(tokens())
        .build()?;
    serve(server, listen, |url| {
        println!("per_user_tools is served at {url}\n");
        println!("To call a query of Ada's, as Ada and then as Bob:");
        for token in ["ada-token", "bob-token"] {
            println!("{}", curl_as(token, url, "query_overdue", &json!({})));
        }
    })
    .await
}
