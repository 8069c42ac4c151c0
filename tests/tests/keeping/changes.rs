//! What a principal is offered for good, in a store that several servers share.

use std::{sync::Arc, time::Duration};

use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::server::{Refusal, SessionEvent, TemplateBuilder};
use mcp_session::store::{MemoryStore, Owner, Store as _};
use mcp_session::testing::{self, Fault, FaultyStore, Operation};
use mcp_session::{Context, Limits, Result, Server, Session, Template, Tool, ToolError, Variant};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::support::{Client, now};
use crate::keeping::{client, principal};

#[derive(Serialize, Deserialize)]
struct Saved {
    name: String,
    said: String,
}

fn saved(name: &str, said: &str) -> Saved {
    let (name, said) = (name.to_owned(), said.to_owned());
    Saved { name, said }
}

fn make(saved: Saved) -> Result<Tool> {
    let Saved { name, said } = saved;
    let tool = Tool::new(name).description("Says what was saved.");
    Ok(tool.handler(move || {
        let said = said.clone();
        async move { said }
    }))
}

fn named(name: &str) -> Tool {
    make(saved(name, name)).unwrap()
}

/// Installs a tool for its caller.
fn keep() -> Tool {
    Tool::new("keep")
        .description("Keeps a tool.")
        .handler(async |ctx: Context| {
            let scope = ctx.principal_scope()?;
            let kept = saved("kept", "kept!");
            scope.edit(|edit| edit.install("tool", &kept)).await?;
            Ok::<_, ToolError>("kept")
        })
}

fn template() -> TemplateBuilder {
    Template::builder("changes", "1.0.0")
        .tool(named("a"))
        .tool(named("b"))
        .tool(keep())
        .tool_factory("tool", make)
}

fn serve_with(template: TemplateBuilder, store: &Arc<FaultyStore>, limits: Limits) -> Server {
    let server = Server::builder(template.build().unwrap())
        .store(Arc::clone(store))
        .limits(limits);
    let ann = Caller::new(principal("ann"));
    let server = server.authenticate(BearerTokens::new().token("ann", ann));
    server.build().unwrap()
}

fn serve(store: &Arc<FaultyStore>) -> Server {
    serve_with(template(), store, Limits::default())
}

/// A store that outlives every server here, and what lies in it.
fn durable() -> (Arc<FaultyStore>, Arc<MemoryStore>) {
    let memory = Arc::new(MemoryStore::new());
    let store = FaultyStore::over(Arc::clone(&memory)).durable();
    (Arc::new(store), memory)
}

async fn stateless(server: &Server, subject: &str) -> testing::Client {
    client(server, ProtocolVersion::LATEST, subject).await
}

async fn names(client: &testing::Client) -> Vec<String> {
    let tools = client.list_tools().await;
    tools.into_iter().map(|tool| tool.name).collect()
}

async fn install(server: &Server, subject: &str, name: &str, said: &str) -> Result<()> {
    let scope = server.principal(&principal(subject));
    scope
        .edit(|edit| edit.install("tool", &saved(name, said)))
        .await
}

#[tokio::test(start_paused = true)]
async fn what_one_server_changes_the_other_offers_to_the_same_principal_alone() {
    let (store, _) = durable();
    let (here, there) = (serve(&store), serve(&store));
    let ann = stateless(&here, "ann").await;
    ann.call_tool("keep", json!({})).await;
    let hers = here.principal(&principal("ann"));
    let edited = hers.edit(|edit| {
        edit.install("tool", &saved("b", "another b"))?;
        edit.hide_tool("a")
    });
    edited.await.unwrap();
    assert_eq!(names(&ann).await, ["b", "keep", "kept"]);
    let elsewhere = stateless(&there, "ann").await;
    assert_eq!(names(&elsewhere).await, ["b", "keep", "kept"]);
    assert_eq!(
        elsewhere.list_bytes("tools/list").await,
        ann.list_bytes("tools/list").await
    );
    for (tool, said) in [("kept", "kept!"), ("b", "another b")] {
        assert_eq!(elsewhere.call_tool(tool, json!({})).await.text(), said);
    }
    let hidden = elsewhere.try_call_tool("a", json!({})).await;
    assert_eq!(hidden.unwrap_err().code, -32602);
    // Nobody else sees any of it, nor does the other era.
    for server in [&here, &there] {
        assert_eq!(
            names(&stateless(server, "bob").await).await,
            ["a", "b", "keep"]
        );
        let version = ProtocolVersion::LATEST_HANDSHAKE;
        let handshake = client(server, version, "ann").await;
        assert_eq!(names(&handshake).await, ["a", "b", "keep"]);
        assert_eq!(
            names(&testing::Client::stateless(server)).await,
            ["a", "b", "keep"]
        );
    }
    // What the other server changes on top is kept with it, and what is taken back is gone.
    let hers = there.principal(&principal("ann"));
    let edited = hers.edit(|edit| {
        edit.hide_tool("kept")?;
        edit.show_tool("a")
    });
    edited.await.unwrap();
    let third = serve(&store);
    assert_eq!(
        names(&stateless(&third, "ann").await).await,
        ["a", "b", "keep"]
    );
    hers.edit(|edit| edit.show_tool("b")).await.unwrap();
    let owner = Owner::principal("changes", &principal("ann"));
    let left = store.list(&owner, None, 10).await.unwrap();
    assert_eq!(left, [], "nothing is left to keep");
    let fourth = serve(&store);
    let ann = stateless(&fourth, "ann").await;
    assert_eq!(ann.call_tool("b", json!({})).await.text(), "b");
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_once_per_live_session() {
    let (store, _) = durable();
    let limits = || Limits::default().idle(Duration::from_secs(60));
    let (here, there) = (
        serve_with(template(), &store, limits()),
        serve_with(template(), &store, limits()),
    );
    install(&here, "ann", "mine", "mine").await.unwrap();
    assert_eq!(store.round_trips(), 3, "load, create, and who shows it");
    // However many requests wait for it.
    let clients = [
        stateless(&there, "ann").await,
        stateless(&there, "ann").await,
    ];
    let lists = clients.iter().chain(&clients).map(names);
    for list in futures_util::future::join_all(lists).await {
        assert_eq!(list, ["a", "b", "keep", "mine"]);
    }
    for client in &clients {
        client.call_tool("mine", json!({})).await;
    }
    let published = there.publish(Variant::DEFAULT, |edit| edit.add_tool(named("new")));
    published.await.unwrap();
    assert_eq!(names(&clients[0]).await, ["a", "b", "keep", "new", "mine"]);
    assert_eq!(store.round_trips(), 5, "that it shows it, and one load");
    // Nor are those asked about who cannot have changed anything.
    testing::Client::handshake(&there).await.list_tools().await;
    names(&testing::Client::stateless(&there)).await;
    assert_eq!(store.round_trips(), 5);
    // A session that was put away learns what others did meanwhile.
    let hers = here.principal(&principal("ann"));
    hers.edit(|edit| edit.hide_tool("a")).await.unwrap();
    assert_eq!(
        store.round_trips(),
        9,
        "load, save, who shows it, and a look there"
    );
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(names(&clients[0]).await, ["b", "keep", "new", "mine"]);
    // What changes nothing is not written.
    let saved = store.asked(Operation::Save);
    hers.edit(|_| Ok(())).await.unwrap();
    install(&here, "ann", "mine", "mine").await.unwrap();
    assert_eq!(store.asked(Operation::Save), saved);
}

#[tokio::test(start_paused = true)]
async fn the_hook_runs_over_what_was_loaded() {
    let (store, _) = durable();
    let hook = async |session: Session| {
        session.edit(|edit| {
            edit.hide_tool("mine")?;
            // It is made anew with each session, so it may be a function.
            edit.add_tool(named("own"))
        })?;
        Ok(())
    };
    install(&serve(&store), "ann", "mine", "-").await.unwrap();
    let server = serve_with(template().on_open(hook), &store, Limits::default());
    let ann = stateless(&server, "ann").await;
    assert_eq!(names(&ann).await, ["a", "b", "keep", "own"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_is_refused_with_the_remedy() {
    let (store, memory) = durable();
    let server = serve(&store);
    let hers = server.principal(&principal("ann"));
    for tool in [named("own"), named("own").ephemeral()] {
        let error = hers.edit(|edit| edit.add_tool(tool)).await.unwrap_err();
        assert!(error.is_unkept());
        let said = error.to_string();
        assert!(
            said.contains("`Edit::install`") && said.contains("`on_open`"),
            "{said}"
        );
    }
    assert_eq!(memory.bytes(), 0);
    // Where nothing outlives the process, a function is as good as anything.
    let server = Server::new(template().build().unwrap());
    let hers = server.principal(&principal("ann"));
    hers.edit(|edit| edit.add_tool(named("own"))).await.unwrap();
    assert_eq!(
        names(&stateless(&server, "ann").await).await,
        ["a", "b", "keep", "own"]
    );
}

#[tokio::test(start_paused = true)]
async fn edits_of_two_servers_that_arrive_together_are_all_kept() {
    let (store, _) = durable();
    // An engine answers later, so that edits come between each other.
    store.always(Fault::Late(Duration::from_millis(1)));
    let servers = [serve(&store), serve(&store)];
    let live = stateless(&servers[0], "ann").await;
    names(&live).await;
    let edits = (0..20).map(|number| {
        let server = servers[number % 2].clone();
        let edit = async move { install(&server, "ann", &format!("tool{number}"), "-").await };
        tokio::spawn(edit)
    });
    for edited in futures_util::future::join_all(edits).await {
        edited.unwrap().unwrap();
    }
    let third = serve(&store);
    assert_eq!(names(&stateless(&third, "ann").await).await.len(), 23);
    // Of two who change the same, the later one counts.
    install(&servers[0], "ann", "tool0", "first").await.unwrap();
    install(&servers[1], "ann", "tool0", "second")
        .await
        .unwrap();
    let fourth = serve(&store);
    let ann = stateless(&fourth, "ann").await;
    assert_eq!(ann.call_tool("tool0", json!({})).await.text(), "second");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_a_clear_refusal_and_nothing_is_offered_instead() {
    let (store, _) = durable();
    let limits = Limits::default().handshake(Duration::from_secs(7));
    let server = serve_with(template(), &store, limits);
    let hers = server.principal(&principal("ann"));
    hers.edit(|edit| edit.hide_tool("a")).await.unwrap();
    let mut events = server.events();
    let ann = stateless(&server, "ann").await;
    for fault in [Fault::Refused, Fault::Never] {
        store.always(fault);
        let before = now();
        let error = ann.request("tools/list", json!({})).await.unwrap_err();
        let said = "what is kept of you cannot be reached now: try again";
        assert_eq!((error.code, &*error.message), (-32603, said));
        let took = before.elapsed();
        assert!(took <= Duration::from_secs(7), "{took:?}");
        let refused = SessionEvent::Refused {
            principal: Some(principal("ann")),
            reason: Refusal::Unavailable,
        };
        assert_eq!(events.next().await, Some(refused));
        let edited = hers.edit(|edit| edit.show_tool("a")).await;
        assert!(edited.unwrap_err().is_unavailable());
    }
    let sessions = server.sessions().of(&principal("ann")).into_iter();
    let left = sessions.filter(|session| session.opening().era() == Era::Stateless);
    assert_eq!(left.count(), 0);
    let http = Client {
        token: Some("ann"),
        ..Client::modern(server.http())
    };
    store.always(Fault::Refused);
    let answer = http.post(http.message(1, "tools/list", json!({}))).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after").as_deref(), Some("5"));
    // Whom the store does not concern is served all the while.
    assert_eq!(
        names(&testing::Client::stateless(&server)).await,
        ["a", "b", "keep"]
    );
    store.always(None);
    assert_eq!(names(&ann).await, ["b", "keep"]);
    // A session that is open goes on.
    store.always(Fault::Refused);
    assert_eq!(names(&ann).await, ["b", "keep"]);
    let answer = http.post(http.message(2, "tools/list", json!({}))).await;
    let list: Value = answer.json().await;
    assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_shows_where_it_was_made() {
    let (store, _) = durable();
    let server = serve(&store);
    let ann = stateless(&server, "ann").await;
    assert_eq!(names(&ann).await, ["a", "b", "keep"]);
    store.next(Operation::Create, Fault::Lost);
    let edited = install(&server, "ann", "mine", "-").await;
    assert!(edited.unwrap_err().is_unavailable());
    assert_eq!(names(&ann).await, ["a", "b", "keep", "mine"]);
    store.next(Operation::Save, Fault::Refused);
    let edited = install(&server, "ann", "never", "-").await;
    assert!(edited.unwrap_err().is_unavailable());
    assert_eq!(names(&ann).await, ["a", "b", "keep", "mine"]);
    store.next(Operation::Save, Fault::Conflict);
    install(&server, "ann", "again", "-").await.unwrap();
    assert_eq!(names(&ann).await, ["a", "b", "keep", "mine", "again"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_whose_caller_gives_up_is_made_everywhere_or_nowhere() {
    let (store, _) = durable();
    let server = serve(&store);
    let ann = stateless(&server, "ann").await;
    names(&ann).await;
    store.next(Operation::Create, Fault::Late(Duration::from_secs(1)));
    let edit = install(&server, "ann", "mine", "-");
    let given_up = tokio::time::timeout(Duration::from_millis(500), edit).await;
    assert!(given_up.is_err());
    assert_eq!(names(&ann).await, ["a", "b", "keep"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(names(&ann).await, ["a", "b", "keep", "mine"]);
    // One that waits for its turn is not made at all.
    store.next(Operation::Load, Fault::Late(Duration::from_secs(1)));
    let first = tokio::spawn({
        let server = server.clone();
        async move { install(&server, "ann", "first", "-").await }
    });
    tokio::task::yield_now().await;
    let edit = install(&server, "ann", "second", "-");
    let given_up = tokio::time::timeout(Duration::from_millis(500), edit).await;
    assert!(given_up.is_err());
    first.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(names(&ann).await, ["a", "b", "keep", "mine", "first"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_version_cannot_make_it_keeps_for_those_who_can() {
    let (store, _) = durable();
    let newer = |store| {
        let template = template().tool_factory("newer", make);
        serve_with(template, store, Limits::default())
    };
    let server = newer(&store);
    let hers = server.principal(&principal("ann"));
    let edited = hers.edit(|edit| {
        edit.install("newer", &saved("mine", "mine"))?;
        edit.install("newer", &saved("a", "another a"))
    });
    edited.await.unwrap();
    let older = serve(&store);
    let ann = stateless(&older, "ann").await;
    // What was replaced does not come back.
    assert_eq!(names(&ann).await, ["b", "keep"]);
    let hers = older.principal(&principal("ann"));
    hers.edit(|edit| edit.hide_tool("b")).await.unwrap();
    install(&older, "ann", "more", "-").await.unwrap();
    assert_eq!(names(&ann).await, ["keep", "more"]);
    let again = newer(&store);
    let ann = stateless(&again, "ann").await;
    assert_eq!(names(&ann).await, ["a", "keep", "mine", "more"]);
    assert_eq!(ann.call_tool("a", json!({})).await.text(), "another a");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_a_principal_is_bounded() {
    let (store, memory) = durable();
    let server = serve_with(template(), &store, Limits::default().state_bytes(300));
    install(&server, "ann", "mine", "-").await.unwrap();
    let bytes = memory.bytes();
    let edited = install(&server, "ann", "more", &"x".repeat(300)).await;
    let error = edited.unwrap_err();
    assert!(error.is_full());
    assert!(
        error.to_string().contains("`Limits::state_bytes`"),
        "{error}"
    );
    assert_eq!(memory.bytes(), bytes);
    // Others have room of their own.
    install(&server, "bob", "mine", "-").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_the_principals_own_streams_are_told() {
    let (store, _) = durable();
    let server = serve(&store);
    let (ann, bob) = (
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
    );
    let wish = json!({"toolsListChanged": true});
    let hers = ann.listen(wish.clone()).await.unwrap();
    let his = bob.listen(wish).await.unwrap();
    install(&server, "ann", "mine", "-").await.unwrap();
    let heard = hers.heard().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].method, "notifications/tools/list_changed");
    install(&server, "ann", "mine", "-").await.unwrap();
    assert_eq!((hers.heard().await, his.heard().await), (vec![], vec![]));
}
