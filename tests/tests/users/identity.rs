//! What a server knows of its callers, and what it never mixes up.

use std::{collections::HashMap, sync::Arc};

use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::testing;
use mcp_session::{Context, Principal, Server, Session, Template, Tool, ToolError, tool};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::http::support::{Client, initialize, said};
use crate::users::{named, with_token};

/// What the program itself keeps, by principal: what would be a database.
type Kept = Arc<Mutex<HashMap<String, Vec<String>>>>;

#[derive(Debug, Deserialize, JsonSchema)]
struct Note {
    name: String,
}

/// A server that keeps a tool for its caller, in whatever way the era has for it.
fn keeping() -> Server {
    let kept = Kept::default();
    let subject = |session: &Session| session.principal().unwrap().subject().to_owned();
    let keep = {
        let kept = Arc::clone(&kept);
        Tool::new("keep").description("Keeps a tool.").handler(
            move |note: Note, session: Session, ctx: Context| {
                let kept = Arc::clone(&kept);
                async move {
                    let of_handshake = session.opening().era() == Era::Handshake;
                    if of_handshake {
                        let mut kept = kept.lock();
                        kept.entry(subject(&session)).or_default().push(note.name);
                    } else {
                        let scope = ctx.principal_scope()?;
                        scope.edit(|edit| edit.add_tool(named(&note.name))).await?;
                    }
                    Ok::<_, ToolError>("kept")
                }
            },
        )
    };
    let load = move |session: Session| {
        let own = kept.lock().get(&subject(&session)).cloned();
        async move {
            let own = own.unwrap_or_default();
            session.edit(|edit| own.iter().try_for_each(|name| edit.add_tool(named(name))))?;
            Ok(())
        }
    };
    let template = Template::builder("kept", "1").tool(keep).on_open(load);
    Server::new(template.build().unwrap())
}

/// A "session" is not a conversation: many clients open one for every call. What is keyed by
/// the principal is there for them all the same.
#[tokio::test(start_paused = true)]
async fn a_client_that_opens_a_session_for_every_call_finds_what_is_its_principals() {
    let server = keeping();
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let once = async |name: &str, tool: &str, arguments| {
            let principal = Principal::new("test", name);
            let client = testing::Client::builder(&server).version(version);
            let client = client.principal(principal).connect().await;
            let outcome = client.try_call_tool(tool, arguments).await;
            let said = outcome.map(|outcome| outcome.text());
            let tools = client.list_tools().await;
            client.close().await;
            let names = tools.into_iter().map(|tool| tool.name);
            (said, names.collect::<Vec<_>>())
        };
        for (name, note) in [("ann", "first"), ("bob", "his"), ("ann", "second")] {
            let (said, _) = once(name, "keep", json!({"name": note})).await;
            assert_eq!(said.unwrap(), "kept");
        }
        for (name, tool, own) in [
            ("ann", "first", vec!["keep", "first", "second"]),
            ("ann", "second", vec!["keep", "first", "second"]),
            ("bob", "his", vec!["keep", "his"]),
        ] {
            let (said, listed) = once(name, tool, json!({})).await;
            assert_eq!(
                (&*said.unwrap(), listed),
                (tool, own.iter().map(|name| (*name).to_owned()).collect()),
                "{version}"
            );
        }
        assert!(once("bob", "first", json!({})).await.0.is_err());
    }
}

/// So many clients make so many calls each, some at a time.
const CLIENTS: usize = 100;
const ROUNDS: usize = 50;
const AT_ONCE: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

/// Says in its progress and in its answer what it was told.
fn echo() -> Tool {
    let echo = async |said: Text, ctx: Context| {
        ctx.progress(1.0).message(said.text.as_str()).send();
        tokio::task::yield_now().await;
        said.text
    };
    Tool::new("echo").description("-").handler(echo)
}

/// A call of either era, as text: a hundred thousand of them are not to be made of values.
fn call(stateless: bool, id: usize, text: &str) -> String {
    let era = if stateless {
        r#","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#
    } else {
        ""
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{text}"}},"_meta":{{"progressToken":{id}{era}}}}}}}"#
    ) + "\n"
}

/// The number behind a key of a message.
fn number(line: &str, key: &str) -> Option<usize> {
    let (_, rest) = line.split_once(key)?;
    rest.split(|other: char| !other.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// One client: half of them are of each era, all of them use the same ids.
async fn calls(server: Server, client: usize) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(far);
    let serving = tokio::spawn(server.duplex(read, write).serve());
    let (read, mut write) = tokio::io::split(near);
    let mut lines = BufReader::new(read).lines();
    let stateless = client % 2 == 1;
    if !stateless {
        let hello = format!("{}\n", initialize("2025-11-25"));
        write.write_all(hello.as_bytes()).await.unwrap();
        lines.next_line().await.unwrap().unwrap();
    }
    for round in 0..ROUNDS {
        let text = |id: usize| format!("{client}/{round}/{id}");
        let batch: String = (0..AT_ONCE)
            .map(|id| call(stateless, id, &text(id)))
            .collect();
        write.write_all(batch.as_bytes()).await.unwrap();
        let mut answered = 0;
        while answered < AT_ONCE {
            let line = lines.next_line().await.unwrap().unwrap();
            let told = number(&line, "\"progressToken\":");
            let id = told.or_else(|| number(&line, "\"id\":")).unwrap();
            assert!(line.contains(&format!("\"{}\"", text(id))), "{line}");
            answered += usize::from(told.is_none());
        }
    }
    drop((write, lines));
    serving.await.unwrap().unwrap();
}

/// Clients choose their ids as they like, so many choose the same: a hundred thousand calls, of
/// both eras and interleaved, and every answer and every progress report is its own caller's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_calls_with_equal_ids_never_cross() {
    let template = Template::builder("echo", "1").tool(echo());
    let server = Server::new(template.build().unwrap());
    let clients = (0..CLIENTS).map(|client| tokio::spawn(calls(server.clone(), client)));
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
}

/// Says what the credential of this very request may do.
#[tool]
async fn may_write(ctx: Context) -> String {
    ctx.has_scope("write").to_string()
}

/// Deletes everything.
#[tool(guard("write"))]
async fn wipe() -> &'static str {
    "wiped"
}

/// A session belongs to a principal, never to a token: another token of the same principal goes
/// on with it, and is all that handlers are told of.
#[tokio::test]
async fn handlers_see_the_credential_of_this_request_and_none_of_another() {
    let ann = || Caller::new(Principal::new("test", "ann"));
    let tokens = BearerTokens::new()
        .token("reads", ann().scopes(["read"]))
        .token("writes", ann().scopes(["read", "write"]));
    let template = Template::builder("scopes", "1").tool(may_write).tool(wipe);
    let server = Server::builder(template.build().unwrap()).authenticate(tokens);
    let server = server.build().unwrap();
    let session = Client::handshake_as(server.http(), "reads").await;
    for client in [session, with_token(&server, "reads")] {
        for (token, may) in [("reads", false), ("writes", true), ("reads", false)] {
            let client = Client {
                token: Some(token),
                ..client.clone()
            };
            let answer = client.post(client.call(1, "may_write", 0)).await;
            assert_eq!(said(&answer.json().await), may.to_string(), "{token}");
            let wiped = client.post(client.call(2, "wipe", 0)).await;
            assert_eq!(wiped.status.is_success(), may, "{token}");
        }
    }
    assert_eq!(server.sessions().len(), 1);
}
