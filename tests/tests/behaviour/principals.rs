//! What belongs to a principal in the stateless era: one session, and durable changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_session::protocol::{Era, ProtocolVersion};
use mcp_session::session::Opening;
use mcp_session::testing::Client;
use mcp_session::{
    BoxError, Context, EndReason, Family, Limits, Principal, Refused, Resource, Server, Session,
    Tool, ToolError, Variant,
};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{named, parts, serve, serve_within, template};

fn principal(subject: &str) -> Principal {
    Principal::new("https://issuer.example", subject)
}

async fn stateless(server: &Server, subject: &str) -> Client {
    Client::builder(server)
        .version(ProtocolVersion::LATEST)
        .principal(principal(subject))
        .connect()
        .await
}

async fn names(client: &Client) -> Vec<String> {
    let tools = client.list_tools().await;
    tools.into_iter().map(|tool| tool.name).collect()
}

/// Adds a tool for its caller, the explicit way.
fn keep() -> Tool {
    Tool::new("keep")
        .description("Keeps a tool.")
        .handler(async |ctx: Context| {
            ctx.principal_scope()?
                .edit(|edit| edit.add_tool(named("kept")))
                .await?;
            Ok::<_, ToolError>("kept")
        })
}

/// Adds a tool to its session, which is refused in the stateless era.
fn slip() -> Tool {
    Tool::new("slip").description("Slips in a tool.").handler(
        async |session: Session| match session.edit(|edit| edit.add_tool(named("slipped"))) {
            Ok(()) => "slipped".to_owned(),
            Err(error) => {
                assert!(error.is_unkept());
                error.to_string()
            }
        },
    )
}

#[tokio::test(start_paused = true)]
async fn an_explicit_edit_stays_with_its_principal_and_nobody_else() {
    let server = serve(template().tool(keep()));
    let (ann, bob) = (
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
    );
    let builder = Client::builder(&server).principal(principal("ann"));
    let handshake = builder.connect().await;
    let before = bob.list_bytes("tools/list").await;
    ann.call_tool("keep", json!({})).await;
    assert_eq!(names(&ann).await, ["keep", "kept"]);
    assert_eq!(ann.call_tool("kept", json!({})).await.text(), "kept");
    // Over any connection of hers.
    let again = stateless(&server, "ann").await;
    assert_eq!(names(&again).await, ["keep", "kept"]);
    assert_eq!(bob.list_bytes("tools/list").await, before);
    assert_eq!(names(&Client::stateless(&server)).await, ["keep"]);
    // The eras never share a session.
    assert_eq!(names(&handshake).await, ["keep"]);
    assert_eq!(handshake.notifications().await, []);
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_passing_is_refused_and_names_the_explicit_way() {
    let server = serve(template().tool(slip()).tool(keep()));
    let ann = stateless(&server, "ann").await;
    let said = ann.call_tool("slip", json!({})).await.text();
    assert!(said.contains("ctx.principal_scope()"), "{said}");
    let nobody = Client::stateless(&server);
    let said = nobody.call_tool("slip", json!({})).await.text();
    assert!(said.contains("authenticate"), "{said}");
    let said = nobody.call_tool("keep", json!({})).await.text();
    assert!(said.contains("anonymous"), "{said}");
    assert_eq!(names(&ann).await, ["slip", "keep"]);
}

/// Sessions in the order they were first seen.
#[derive(Default)]
struct Seen(std::sync::Mutex<Vec<Session>>);

impl Seen {
    fn add(&self, session: Session) -> usize {
        let mut seen = self.0.lock().unwrap();
        let known = seen.iter().position(|known| *known == session);
        known.unwrap_or_else(|| {
            seen.push(session);
            seen.len() - 1
        })
    }
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_principal_share_a_session_and_different_principals_do_not() {
    let seen: Arc<Seen> = Arc::default();
    let noted = Arc::clone(&seen);
    let note = Tool::new("note")
        .description("-")
        .handler(move |session: Session| {
            let noted = Arc::clone(&noted);
            async move {
                assert_eq!(session.variant(), Variant::DEFAULT);
                noted.add(session).to_string()
            }
        });
    let server = serve(template().tool(note));
    let (ann, again, bob) = (
        stateless(&server, "ann").await,
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
    );
    let mut said = Vec::new();
    for client in [&ann, &again, &bob, &ann] {
        said.push(client.call_tool("note", json!({})).await.text());
    }
    assert_eq!(said, ["0", "0", "1", "0"]);
}

#[tokio::test(start_paused = true)]
async fn the_hook_runs_once_per_principal_and_its_edits_follow_the_newest_revision() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let hook = move |session: Session| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            session.edit(|edit| {
                edit.hide_tool("secret")?;
                edit.add_tool(named("own"))
            })?;
            Ok(())
        }
    };
    let server = serve(template().tool(named("secret")).on_open(hook));
    let ann = stateless(&server, "ann").await;
    for _ in 0..3 {
        assert_eq!(names(&ann).await, ["own"]);
    }
    for tool in ["secret", "more"] {
        let next = named(tool).title("New");
        server
            .publish(Variant::DEFAULT, |edit| edit.add_tool(next))
            .await
            .unwrap();
    }
    assert_eq!(names(&ann).await, ["more", "own"]);
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    stateless(&server, "bob").await.list_tools().await;
    assert_eq!(opened.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_hook_does_is_laid_over_durable_changes_old_and_new() {
    let hook = async |session: Session| {
        session.edit(|edit| {
            if edit.hide_tool("durable").is_ok() {
                edit.add_tool(named("found"))?;
            }
            edit.add_tool(named("own").title("Of the hook"))
        })?;
        Ok(())
    };
    let server = serve(template().tool(named("tool")).on_open(hook));
    let ann = server.principal(&principal("ann"));
    ann.edit(|edit| edit.add_tool(named("durable")))
        .await
        .unwrap();
    let client = stateless(&server, "ann").await;
    assert_eq!(names(&client).await, ["tool", "found", "own"]);
    // What is not the principal's own is not there to be edited.
    let missing = ann.edit(|edit| edit.hide_tool("found")).await;
    assert!(missing.unwrap_err().is_edit());
    let edited = ann.edit(|edit| {
        edit.hide_tool("tool")?;
        edit.add_tool(named("later"))?;
        edit.add_tool(named("own").title("Of the principal"))
    });
    edited.await.unwrap();
    let tools = client.list_tools().await;
    let titles: Vec<_> = tools
        .iter()
        .map(|tool| (&*tool.name, tool.title.as_deref()))
        .collect();
    let expected = [
        ("later", None),
        ("own", Some("Of the hook")),
        ("found", None),
    ];
    assert_eq!(titles, expected);
}

#[tokio::test(start_paused = true)]
async fn durable_changes_outlive_the_session_and_every_revision() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let hook = move |_: Session| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(()) }
    };
    let template = template().tool(named("a")).tool(keep()).on_open(hook);
    let server = serve_within(Limits::default().idle(Duration::from_secs(60)), template);
    let ann = stateless(&server, "ann").await;
    ann.call_tool("keep", json!({})).await;
    let scope = server.principal(&principal("ann"));
    scope.edit(|edit| edit.hide_tool("a")).await.unwrap();
    let hers = server.sessions().of(&principal("ann")).into_iter();
    let mut hers = hers.filter(|session| session.opening().era() == Era::Stateless);
    let session = hers.next().unwrap();
    // Who rests for too long is put away.
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(session.end_reason(), Some(EndReason::Idle));
    stateless(&server, "bob").await.list_tools().await;
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    assert_eq!(names(&ann).await, ["keep", "kept"]);
    assert_eq!(opened.load(Ordering::Relaxed), 3, "a new session");
    // Hidden stays hidden, even what goes and comes back.
    for back in [false, true] {
        let publish = server.publish(Variant::DEFAULT, |edit| {
            if back {
                edit.add_tool(named("a"))
            } else {
                edit.hide_tool("a")
            }
        });
        publish.await.unwrap();
        assert_eq!(names(&ann).await, ["keep", "kept"]);
    }
    scope.edit(|edit| edit.show_tool("a")).await.unwrap();
    assert_eq!(names(&ann).await, ["keep", "a", "kept"]);
}

#[tokio::test(start_paused = true)]
async fn only_the_principals_own_streams_are_told_and_only_once() {
    let server = serve(template().tool(named("tool")).declare(Family::Resources));
    let (ann, bob, nobody) = (
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
        Client::stateless(&server),
    );
    let wish = json!({"toolsListChanged": true, "resourcesListChanged": true});
    let hers = ann.listen(wish.clone()).await.unwrap();
    let his = bob.listen(wish.clone()).await.unwrap();
    let theirs = nobody.listen(wish).await.unwrap();
    let scope = server.principal(&principal("ann"));
    for number in 0..50 {
        let tool = named(&format!("tool{number}"));
        scope.edit(|edit| edit.add_tool(tool)).await.unwrap();
    }
    let heard = hers.heard().await;
    assert!((1..=50).contains(&heard.len()), "{}", heard.len());
    assert_eq!(heard[0].method, "notifications/tools/list_changed");
    assert_eq!((his.heard().await, theirs.heard().await), (vec![], vec![]));
    let file = Resource::new("x:a", "a").text("-");
    scope.edit(|edit| edit.add_resource(file)).await.unwrap();
    let heard = hers.heard().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].method, "notifications/resources/list_changed");
    // What changes nothing, or fails, is not told.
    scope.edit(|_| Ok(())).await.unwrap();
    let failed = scope.edit(|edit| {
        edit.hide_tool("tool")?;
        edit.hide_tool("never there")
    });
    failed.await.unwrap_err();
    assert_eq!(hers.heard().await, []);
    assert_eq!(names(&ann).await.len(), 51);
    // A revision is told to everybody who sees a difference.
    scope.edit(|edit| edit.hide_tool("tool")).await.unwrap();
    assert_eq!(hers.heard().await.len(), 1);
    let changed = named("tool").title("Changed");
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(changed))
        .await
        .unwrap();
    let heard = (hers.heard().await.len(), his.heard().await.len());
    assert_eq!((heard, theirs.heard().await.len()), ((0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn lists_of_a_principal_are_private_and_those_of_nobody_are_public() {
    let server = serve(template().tool(named("tool")));
    let ann = stateless(&server, "ann").await;
    let page = ann.request("tools/list", json!({})).await.unwrap();
    assert_eq!(
        (&page["cacheScope"], &page["ttlMs"]),
        (&json!("private"), &json!(0))
    );
    let nobody = Client::stateless(&server);
    let page = nobody.request("tools/list", json!({})).await.unwrap();
    assert_eq!(page["cacheScope"], "public");
}

#[tokio::test(start_paused = true)]
async fn opening_runs_once_for_all_who_wait_and_survives_who_gives_up() {
    let (gate, opened) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (waited, counted) = (Arc::clone(&gate), Arc::clone(&opened));
    let hook = move |session: Session| {
        counted.fetch_add(1, Ordering::Relaxed);
        let waited = Arc::clone(&waited);
        async move {
            waited.acquire().await?.forget();
            session.edit(|edit| edit.hide_tool("secret"))?;
            Ok(())
        }
    };
    let server = serve(template().tool(named("secret")).on_open(hook));
    let (first, second) = (
        stateless(&server, "ann").await,
        stateless(&server, "ann").await,
    );
    let mut given_up = first.start("tools/list", json!({})).await;
    let waiting = [
        first.start("tools/list", json!({})).await,
        second.start("tools/list", json!({})).await,
    ];
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.cancel(given_up.id()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    gate.add_permits(1);
    for waiting in waiting {
        assert_eq!(waiting.result().await.unwrap()["tools"], json!([]));
    }
    assert!(!given_up.is_answered());
    assert_eq!(opened.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_asked_about_again_with_the_next_request() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    let hook = move |_: Session| {
        let count = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            assert_ne!(count, 1, "on purpose");
            let refusal = || BoxError::from(Refused::new("the house is full"));
            (count > 1).then_some(()).ok_or_else(refusal)
        }
    };
    let server = serve(template().tool(named("tool")).on_open(hook));
    let ann = stateless(&server, "ann").await;
    let expected = [
        "the session was refused: the house is full",
        "the session could not be opened",
    ];
    for expected in expected {
        let error = ann.request("tools/list", json!({})).await.unwrap_err();
        assert_eq!(parts(&error), (-32603, expected));
    }
    assert_eq!(names(&ann).await, ["tool"]);
}

#[tokio::test(start_paused = true)]
async fn each_variant_has_changes_of_its_own() {
    let other = template().tool(named("other")).build().unwrap();
    let server = Server::builder(template().tool(keep()).build().unwrap())
        .variant("other", other)
        .select(|opening: &Opening| match opening.principal() {
            Some(principal) if principal.subject() == "ann" => "other",
            _ => Variant::DEFAULT,
        })
        .build()
        .unwrap();
    let (ann, bob) = (
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
    );
    bob.call_tool("keep", json!({})).await;
    let scope = server.principal(&principal("ann"));
    let edited = scope.edit(|edit| edit.add_tool(named("unseen"))).await;
    edited.unwrap();
    let scope = scope.of_variant("other");
    let edited = scope.edit(|edit| edit.add_tool(named("seen"))).await;
    edited.unwrap();
    assert_eq!(names(&ann).await, ["other", "seen"]);
    assert_eq!(names(&bob).await, ["keep", "kept"]);
    let unknown = scope.of_variant("unknown").edit(|_| Ok(())).await;
    assert!(unknown.unwrap_err().is_configuration());
}

#[tokio::test(start_paused = true)]
async fn who_rests_makes_room_and_who_is_active_does_not() {
    let limits = Limits::default().sessions(2);
    let server = serve_within(limits, template().tool(named("tool")));
    let (ann, bob, eve) = (
        stateless(&server, "ann").await,
        stateless(&server, "bob").await,
        stateless(&server, "eve").await,
    );
    let wish = json!({"toolsListChanged": true});
    let hers = ann.listen(wish.clone()).await.unwrap();
    names(&bob).await;
    let other = eve.listen(wish).await.unwrap();
    let error = bob.request("tools/list", json!({})).await.unwrap_err();
    assert_eq!(
        parts(&error),
        (-32603, "the server takes no more sessions now")
    );
    let scope = server.principal(&principal("ann"));
    scope.edit(|edit| edit.hide_tool("tool")).await.unwrap();
    assert_eq!(hers.heard().await.len(), 1, "it is in use");
    drop(other.cancel().await);
    eve.settle().await;
    assert_eq!(names(&bob).await, ["tool"]);
}

#[tokio::test(start_paused = true)]
async fn edits_that_arrive_together_are_all_kept() {
    let server = serve(template().declare(Family::Tools));
    let ann = stateless(&server, "ann").await;
    let edits = (0..20).map(|number| {
        let scope = server.principal(&principal("ann"));
        tokio::spawn(async move {
            let tool = named(&format!("tool{number}"));
            scope.edit(|edit| edit.add_tool(tool)).await.unwrap();
        })
    });
    futures_util::future::join_all(edits).await;
    assert_eq!(names(&ann).await.len(), 20);
}
