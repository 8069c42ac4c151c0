//! Proves that sessions of principals take the same places as handshake sessions, are looked after
//! like them, and end as they do: for a reason, told once.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture, future::join_all};
use http::StatusCode;
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::protocol::Era;
use mcp_session::server::{AtCapacity, Limits, Refusal, SessionEvent, TemplateBuilder};
use mcp_session::session::SessionState;
use mcp_session::{BoxError, EndReason, Principal, Server, Session, Template, Tool, Variant};
use parking_lot::Mutex;
use serde_json::json;

use crate::http::support::{Answer, Client, initialize, kind, pass};

const TOKENS: [&str; 3] = ["ann", "ben", "eve"];
const REST: Duration = Duration::from_secs(11);

/// Who ended, and why, in order.
type Told = Arc<Mutex<Vec<String>>>;

fn of(name: &str) -> Principal {
    Principal::new("test", name)
}

fn template() -> TemplateBuilder {
    let plain = Tool::new("plain").description("-");
    let stuck = Tool::new("stuck").description("-");
    Template::builder("places", "1")
        .tool(plain.handler(async || "plain"))
        .tool(stuck.handler(async || std::future::pending::<&str>().await))
}

fn noting(template: TemplateBuilder, limits: Limits) -> (Server, Told) {
    let told = Told::default();
    let noted = Arc::clone(&told);
    let template = template.on_close(move |session: Session, reason| {
        let name = session.principal().map_or("nobody", Principal::subject);
        noted.lock().push(format!("{name}: {reason}"));
        std::future::ready(Ok::<(), BoxError>(()))
    });
    let tokens = TOKENS.into_iter().fold(BearerTokens::new(), |all, name| {
        all.token(name, Caller::new(of(name)))
    });
    let server = Server::builder(template.build().unwrap())
        .limits(limits)
        .authenticate(tokens);
    (server.build().unwrap(), told)
}

/// A client of the stateless era, whose principal has a session once it has asked for anything.
fn modern(server: &Server, token: &'static str) -> Client {
    Client {
        token: Some(token),
        ..Client::modern(server.http())
    }
}

async fn ask(client: &Client) -> Answer {
    client
        .post(client.message(1, "tools/list", json!({})))
        .await
}

async fn opened(server: &Server, token: &'static str) -> Session {
    assert_eq!(ask(&modern(server, token)).await.status, StatusCode::OK);
    modern_session(server, token).expect("it is there")
}

fn modern_session(server: &Server, token: &str) -> Option<Session> {
    let all = server.sessions().of(&of(token)).into_iter();
    let mut modern = all.filter(|session| session.opening().era() == Era::Stateless);
    modern.next()
}

async fn secs(seconds: u64) {
    // In steps, so that whoever looks after sessions now and then looks that often.
    for _ in 0..seconds.div_ceil(5) {
        pass(Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn either_kind_makes_room_for_either_and_its_end_is_told_once() {
    let (server, told) = noting(template(), Limits::default().sessions(2));
    opened(&server, "ann").await;
    pass(REST).await;
    opened(&server, "ben").await;
    let client = Client::handshake_as(server.http(), "eve").await;
    pass(Duration::ZERO).await;
    assert_eq!(*told.lock(), ["ann: evicted"]);
    pass(REST).await;
    opened(&server, "ben").await;
    opened(&server, "ann").await;
    pass(Duration::ZERO).await;
    assert_eq!(*told.lock(), ["ann: evicted", "eve: evicted"]);
    assert_eq!(ask(&client).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.sessions().len(), 2);
    assert_eq!(server.stats().ended(EndReason::Evicted), 2);
    assert_eq!(server.stats().opened, 4);
}

#[tokio::test(start_paused = true)]
async fn one_in_use_is_never_evicted() {
    let (server, told) = noting(template(), Limits::default().sessions(1));
    let ann = modern(&server, "ann");
    let call = ann.post(ann.call(1, "stuck", 0)).await;
    pass(REST).await;
    let refused = ask(&modern(&server, "ben")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after").as_deref(), Some("5"));
    let refused = Client::modern(server.http());
    let refused = Client {
        token: Some("ben"),
        version: "2025-11-25",
        ..refused
    };
    let refused = refused.post(initialize("2025-11-25")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.lock().is_empty());
    drop(call);
    pass(Duration::ZERO).await;
    opened(&server, "ben").await;
    pass(Duration::ZERO).await;
    assert_eq!(*told.lock(), ["ann: evicted"]);
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_openings_hold_for_both_kinds_and_refusals_are_told() {
    let limits = Limits::default().openings_per_second(1).sessions(2);
    let limits = limits.at_capacity(AtCapacity::Refuse).per_principal(1);
    let (server, _) = noting(template(), limits);
    let mut events = server.events();
    let session = opened(&server, "ann").await;
    let too_fast = ask(&modern(&server, "ben")).await;
    assert_eq!(too_fast.status, StatusCode::TOO_MANY_REQUESTS);
    pass(Duration::from_secs(1)).await;
    let second = Client {
        token: Some("ann"),
        version: "2025-11-25",
        ..Client::modern(server.http())
    };
    let second = second.post(initialize("2025-11-25")).await;
    assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS);
    pass(Duration::from_secs(1)).await;
    opened(&server, "ben").await;
    pass(Duration::from_secs(1)).await;
    let full = ask(&modern(&server, "eve")).await;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(full.json().await["id"], 1);
    let mut seen = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            SessionEvent::Refused { principal, reason } => {
                seen.push((principal.unwrap().subject().to_owned(), reason));
            }
            SessionEvent::Opened {
                session: id,
                principal,
            } => {
                assert!(id != *session.id() || principal == Some(of("ann")));
            }
            _ => {}
        }
    }
    let expected = [
        ("ben", Refusal::TooFast),
        ("ann", Refusal::PrincipalFull),
        ("eve", Refusal::ServerFull),
    ];
    let expected = expected.map(|(name, reason)| (name.to_owned(), reason));
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_hangs_panics_or_refuses_ends_its_session_for_that_reason() {
    type Hook = fn(Session) -> BoxFuture<'static, Result<(), BoxError>>;
    let hooks: [(Hook, &str); 3] = [
        (|_| std::future::pending().boxed(), "ann: error"),
        (
            |_| async { panic!("this panic is part of the test") }.boxed(),
            "ann: error",
        ),
        (|_| async { Err("full".into()) }.boxed(), "ann: refused"),
    ];
    for (hook, expected) in hooks {
        let limits = Limits::default().handshake(Duration::from_secs(15));
        let (server, told) = noting(template().on_open(hook), limits);
        let ann = modern(&server, "ann");
        let asking = tokio::spawn(async move { ask(&ann).await.json().await });
        pass(Duration::from_secs(14)).await;
        assert_eq!(asking.is_finished(), told.lock().len() == 1);
        pass(Duration::from_secs(1)).await;
        let answer = asking.await.unwrap();
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        pass(Duration::ZERO).await;
        assert_eq!(*told.lock(), [expected]);
        assert!(server.sessions().is_empty());
        // The next request asks again.
        drop(tokio::spawn(ask_of(modern(&server, "ann"))));
        pass(Duration::from_secs(15)).await;
        assert_eq!(*told.lock(), [expected; 2]);
    }
}

async fn ask_of(client: Client) -> Answer {
    ask(&client).await
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_ends_them() {
    for drops in [false, true] {
        let (server, told) = noting(template(), Limits::default());
        let session = opened(&server, "ann").await;
        if drops {
            drop(server);
        } else {
            server.shutdown().await;
        }
        pass(Duration::ZERO).await;
        assert_eq!(*told.lock(), ["ann: shutdown"]);
        assert_eq!(session.end_reason(), Some(EndReason::Shutdown));
    }
}

#[tokio::test(start_paused = true)]
async fn silence_puts_one_away_and_its_durable_changes_stay() {
    let limits = Limits::default().idle(Duration::from_secs(100));
    let (server, told) = noting(template(), limits);
    let mut events = server.events();
    let session = opened(&server, "ann").await;
    let hide = server.principal(&of("ann"));
    hide.edit(|edit| edit.hide_tool("stuck")).await.unwrap();
    secs(20).await;
    assert_eq!(session.lifecycle(), SessionState::Idle);
    secs(60).await;
    opened(&server, "ann").await;
    secs(90).await;
    assert_eq!(session.end_reason(), None, "a request is a sign of life");
    secs(30).await;
    assert_eq!(*told.lock(), ["ann: idle"]);
    assert!(server.sessions().is_empty());
    assert_eq!(server.stats().ended(EndReason::Idle), 1);
    let tools = ask(&modern(&server, "ann")).await.json().await;
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 1);
    let mut parked = false;
    while let Some(Some(event)) = events.next().now_or_never() {
        parked |= matches!(
            event,
            SessionEvent::StateChanged {
                to: SessionState::Parked,
                ..
            }
        );
    }
    assert!(!parked, "nothing of it is worth keeping");
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_came_to_open_does_not_stay() {
    let limits = Limits::default().idle(Duration::from_secs(100));
    let (server, told) = noting(template().on_open(async |_| Ok(())), limits);
    let ann = modern(&server, "ann");
    let unknown = ann.post(ann.message(1, "no/such", json!({}))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    secs(90).await;
    assert_eq!(server.sessions().len(), 1);
    secs(30).await;
    assert!(server.sessions().is_empty());
    assert!(told.lock().is_empty(), "it never opened");
}

#[tokio::test(start_paused = true)]
async fn one_lives_no_longer_than_its_lifetime_however_busy() {
    let (server, told) = noting(
        template(),
        Limits::default().lifetime(Duration::from_secs(100)),
    );
    let ann = modern(&server, "ann");
    let call = ann.post(ann.call(1, "stuck", 0)).await;
    secs(90).await;
    assert!(told.lock().is_empty());
    secs(20).await;
    assert_eq!(*told.lock(), ["ann: lifetime"]);
    assert_eq!(call.events.rest().await, Vec::<serde_json::Value>::new());
    opened(&server, "ann").await;
}

#[tokio::test(start_paused = true)]
async fn the_access_of_a_principal_is_taken_away_in_both_eras_at_once() {
    let (server, told) = noting(template(), Limits::default());
    let handshake = Client::handshake_as(server.http(), "ann").await;
    let ann = modern(&server, "ann");
    let call = tokio::spawn(ann.start(&ann.call(1, "stuck", 0)));
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let listen = ann.message("l", "subscriptions/listen", wish);
    let mut listening = ann.post(listen).await.events;
    listening.message().await.unwrap();
    opened(&server, "ben").await;
    pass(Duration::ZERO).await;
    assert_eq!(server.sessions().of(&of("ann")).len(), 2);
    assert_eq!(server.sessions().end_all(&of("ann")), 2);
    call.await.unwrap().unwrap();
    let last = listening.rest().await;
    assert_eq!(last.iter().map(kind).collect::<Vec<_>>(), ["result"]);
    pass(Duration::ZERO).await;
    assert_eq!(*told.lock(), ["ann: revoked"; 2]);
    assert_eq!(ask(&handshake).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.sessions().of(&of("ann")), []);
    assert_eq!(server.stats().ended(EndReason::Revoked), 2);
    assert_eq!(server.sessions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_both_kinds_and_a_client_reaches_its_own_only() {
    let (server, _) = noting(template(), Limits::default());
    let session = opened(&server, "ann").await;
    Client::handshake_as(server.http(), "ann").await;
    let sessions = server.sessions();
    assert_eq!((sessions.len(), sessions.list().len()), (2, 2));
    assert_eq!(sessions.page(None, 9).len(), 2);
    assert_eq!(sessions.get(session.id()), Some(session.clone()));
    assert_eq!(server.stats().sessions, 2);
    assert!(sessions.validate().is_empty());
    // Its name is no `Mcp-Session-Id`.
    let id = session.id().as_str().to_owned();
    let posing = Client {
        session: Some(id),
        version: "2025-11-25",
        ..modern(&server, "ann")
    };
    assert_eq!(ask(&posing).await.status, StatusCode::NOT_FOUND);
    assert_eq!(posing.delete().await.status, StatusCode::NOT_FOUND);
    // Handshake sessions are moved to a revision when they are told to, and those of principals
    // are there.
    let publish = server.publish(Variant::DEFAULT, |edit| edit.hide_tool("stuck"));
    publish.await.unwrap();
    let moved = server.rebase(Variant::DEFAULT, mcp_session::catalog::Rebase::KeepOwn);
    assert_eq!(moved.await.unwrap(), 1);
    assert!(sessions.end_as(session.id(), EndReason::Replaced));
    assert_eq!(session.done().await, EndReason::Replaced);
    assert_ne!(opened(&server, "ann").await, session);
}

/// Looks at all sessions when it is dropped, as whoever looks at a bad moment does.
struct Looks(Server, Arc<Mutex<Vec<usize>>>);

impl Drop for Looks {
    fn drop(&mut self) {
        // A panic would stay inside: what was found is looked at later.
        let found = self.0.sessions().validate().len();
        self.1.lock().push(found);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_ended_is_not_found_any_more() {
    let limits = Limits::default()
        .retention(Duration::from_secs(100))
        .sessions(2);
    let template = template().build().unwrap();
    let server = Server::builder(template).limits(limits).build().unwrap();
    let looked = Arc::new(Mutex::new(Vec::new()));
    let own = async |server: &Server| {
        Client::handshake(server.http()).await;
        let list = server.sessions().list();
        let new = list
            .into_iter()
            .find(|session| session.stats().age.is_zero());
        let looks = Arc::new(Looks(server.clone(), Arc::clone(&looked)));
        let tool = Tool::new("own").description("-").handler(move || {
            let _looks = Arc::clone(&looks);
            async { "own" }
        });
        new.unwrap().edit(|edit| edit.add_tool(tool)).unwrap();
    };
    own(&server).await;
    secs(50).await;
    own(&server).await;
    // One is evicted, then others are overdue.
    own(&server).await;
    assert_eq!(*looked.lock(), [0]);
    secs(120).await;
    assert_eq!(*looked.lock(), [0; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_together_never_exceed_the_limit_and_places_come_back() {
    let (server, _) = noting(template(), Limits::default().sessions(2));
    for _ in 0..20 {
        let knocks = (0..30).map(|number: usize| {
            let (server, token) = (server.clone(), TOKENS[number % 3]);
            tokio::spawn(async move {
                let client = modern(&server, token);
                if number.is_multiple_of(5) {
                    let client = Client {
                        version: "2025-11-25",
                        ..client
                    };
                    client.post(initialize("2025-11-25")).await;
                } else {
                    ask(&client).await;
                }
                assert!(server.sessions().len() <= 2);
            })
        });
        join_all(knocks).await.into_iter().for_each(Result::unwrap);
        for session in server.sessions().list() {
            server.sessions().end(session.id());
        }
        assert!(server.sessions().is_empty());
    }
    for token in ["ann", "ben"] {
        opened(&server, token).await;
    }
    assert_eq!(server.sessions().len(), 2, "no place was lost");
}

#[test]
fn limits_under_which_no_session_could_last_are_refused() {
    let build = |limits: Limits| {
        let server = Server::builder(template().build().unwrap());
        server.limits(limits).build()
    };
    let zero = Duration::ZERO;
    for limits in [
        Limits::default().idle(zero),
        Limits::default().retention(zero),
        Limits::default().lifetime(zero),
    ] {
        assert!(build(limits).unwrap_err().is_configuration());
    }
    let short = Duration::from_millis(1);
    assert!(build(Limits::default().retention(short).lifetime(short)).is_ok());
}
