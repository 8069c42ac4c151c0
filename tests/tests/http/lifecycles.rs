//! Proves how sessions over HTTP rest, park, wake and end, and that their hooks are told of it
//! once and in order.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::protocol::ProtocolVersion;
use mcp_session::server::{Limits, TemplateBuilder};
use mcp_session::session::SessionState;
use mcp_session::{BoxError, EndReason, Principal, Server, Session, Template, Tool};
use parking_lot::Mutex;
use serde_json::json;

use crate::http::support::{Client, initialize, pass, said};

/// What hooks were told, in order.
type Told = Arc<Mutex<Vec<String>>>;

const LIMITS: [u64; 3] = [60, 100, 1_000];

fn limits() -> Limits {
    let [handshake, idle, retention] = LIMITS.map(Duration::from_secs);
    Limits::default()
        .handshake(handshake)
        .idle(idle)
        .retention(retention)
}

fn template() -> TemplateBuilder {
    let stuck = Tool::new("stuck")
        .description("Never answers.")
        .handler(async || std::future::pending::<&str>().await);
    let panics = Tool::new("panics")
        .description("Panics.")
        .handler(async |session: Session| {
            assert!(session.end_reason().is_some(), "on purpose");
            "never"
        });
    Template::builder("lives", "1")
        .tool(stuck)
        .tool(panics)
        .tool(
            Tool::new("plain")
                .description("-")
                .handler(async || "plain"),
        )
}

/// A server whose hooks note what they are told.
fn noting(template: TemplateBuilder, limits: Limits) -> (Server, Told) {
    let told = Told::default();
    let note = || {
        let told = Arc::clone(&told);
        move |what: String| {
            told.lock().push(what);
            std::future::ready(Ok::<(), BoxError>(()))
        }
    };
    let (closed, changed, parked, resumed, failed) = (note(), note(), note(), note(), note());
    let template = template
        .on_close(move |session: Session, reason| {
            assert_eq!(session.end_reason(), Some(reason));
            closed(format!("closed: {reason}"))
        })
        .on_state_changed(move |_, from, to| changed(format!("{from} to {to}")))
        .on_park(move |_| parked("parked".to_owned()))
        .on_resume(move |_| resumed("resumed".to_owned()))
        .on_error(move |_, fault| failed(format!("failed: {fault}")));
    let server = Server::builder(template.build().unwrap()).limits(limits);
    (server.build().unwrap(), told)
}

async fn secs(seconds: u64) {
    // In steps, so that whoever looks after sessions now and then looks that often.
    for _ in 0..seconds.div_ceil(5) {
        pass(Duration::from_secs(5)).await;
    }
}

fn only(server: &Server) -> Session {
    server.sessions().list().remove(0)
}

async fn list(client: &Client) -> StatusCode {
    let list = client.message(9, "tools/list", json!({}));
    client.post(list).await.status
}

#[tokio::test(start_paused = true)]
async fn a_silent_session_is_parked_then_thawed_by_the_next_request_and_ends_only_much_later() {
    let (server, told) = noting(template(), limits());
    let client = Client::handshake(server.http()).await;
    let session = only(&server);
    session.edit(|edit| edit.hide_tool("stuck")).unwrap();
    secs(30).await;
    assert_eq!(session.lifecycle(), SessionState::Idle);
    secs(200).await;
    assert_eq!(session.lifecycle(), SessionState::Parked);
    let answer = client
        .post(client.message(1, "tools/list", json!({})))
        .await;
    assert_eq!(
        answer.json().await["result"]["tools"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(session.lifecycle(), SessionState::Active);
    secs(900).await;
    assert_eq!(session.lifecycle(), SessionState::Parked);
    secs(200).await;
    assert_eq!(session.end_reason(), Some(EndReason::Idle));
    assert_eq!(session.lifecycle(), SessionState::Terminated);
    assert_eq!(list(&client).await, StatusCode::NOT_FOUND);
    assert!(server.sessions().is_empty());
    let expected = [
        "opening to active",
        "active to idle",
        "idle to parked",
        "parked",
        "parked to active",
        "resumed",
        "active to idle",
        "idle to parked",
        "parked",
        "parked to terminating",
        "closed: idle",
    ];
    assert_eq!(*told.lock(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_and_a_running_call_keep_a_session_active() {
    let (server, _) = noting(template(), limits());
    let (listening, calling) = (
        Client::handshake(server.http()).await,
        Client::handshake(server.http()).await,
    );
    let stream = listening.get(None).await;
    let call = calling.post(calling.call(1, "stuck", 0)).await;
    secs(3_000).await;
    let states: Vec<_> = server
        .sessions()
        .list()
        .iter()
        .map(Session::lifecycle)
        .collect();
    assert_eq!(states, [SessionState::Active; 2]);
    drop((stream, call));
    secs(900).await;
    assert_eq!(
        list(&listening).await,
        StatusCode::OK,
        "silence begins at the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_after_its_handshake_is_not_waited_for_as_long_as_others() {
    let (server, told) = noting(template(), limits());
    let client = Client::modern(server.http());
    let answer = client.post(initialize("2025-11-25")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let stays = Client::handshake(server.http()).await;
    secs(90).await;
    assert_eq!(server.sessions().len(), 1);
    assert_eq!(told.lock().last().unwrap(), "closed: idle");
    assert_eq!(list(&stays).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_no_longer_than_its_lifetime_however_busy() {
    let (server, told) = noting(template(), limits().lifetime(Duration::from_secs(500)));
    let client = Client::handshake(server.http()).await;
    let call = client.start(&client.call(1, "stuck", 0));
    let call = tokio::spawn(call);
    secs(520).await;
    assert!(server.sessions().is_empty());
    assert_eq!(told.lock().last().unwrap(), "closed: lifetime");
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_fails_or_panics_holds_up_nothing() {
    let hang = async |_: Session, _| std::future::pending().await;
    let panics = async |_: Session| panic!("this panic is part of the test");
    let template = template().on_close(hang).on_park(panics);
    let server = Server::builder(template.build().unwrap());
    let server = server
        .limits(limits().hook(Duration::from_secs(7)))
        .build()
        .unwrap();
    let client = Client::handshake(server.http()).await;
    let session = only(&server);
    secs(150).await;
    assert_eq!(session.lifecycle(), SessionState::Parked);
    client.delete().await;
    assert_eq!(session.lifecycle(), SessionState::Terminating);
    secs(10).await;
    assert_eq!(session.lifecycle(), SessionState::Terminated);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_tool_is_told_to_on_error_and_ends_nothing() {
    let (server, told) = noting(template(), limits());
    for client in [
        Client::handshake(server.http()).await,
        Client::modern(server.http()),
    ] {
        pass(Duration::ZERO).await;
        told.lock().clear();
        let answer = client.post(client.call(1, "panics", 0)).await.json().await;
        assert_eq!(answer["result"]["isError"], true);
        pass(Duration::ZERO).await;
        assert_eq!(told.lock()[0], "failed: tools/call: panicked");
        let answer = client.post(client.call(2, "plain", 0)).await.json().await;
        assert_eq!(said(&answer), "plain");
    }
}

/// A client of the stateless era that comes as a principal.
async fn principal(server: &Server, name: &str) -> mcp_session::testing::Client {
    mcp_session::testing::Client::builder(server)
        .version(ProtocolVersion::LATEST)
        .principal(Principal::new("test", name))
        .connect()
        .await
}

/// One way for a session to end: how a server is brought to it, and the reason.
type Way = (
    &'static str,
    fn(Server) -> futures_util::future::BoxFuture<'static, ()>,
    EndReason,
);

#[rustfmt::skip]
const WAYS: &[Way] = &[
    ("client", |server| async move {
        Client::handshake(server.http()).await.delete().await;
    }.boxed(), EndReason::Client),
    ("idle", |server| async move {
        Client::handshake(server.http()).await;
        secs(1_100).await;
    }.boxed(), EndReason::Idle),
    ("handshake", |server| async move {
        Client::modern(server.http()).post(initialize("2025-11-25")).await;
        secs(100).await;
    }.boxed(), EndReason::Idle),
    ("lifetime", |server| async move {
        let client = Client::handshake(server.http()).await;
        let stream = client.get(None).await;
        secs(2_100).await;
        drop(stream);
    }.boxed(), EndReason::Lifetime),
    ("evicted", |server| async move {
        Client::handshake(server.http()).await;
        secs(50).await;
        Client::handshake(server.http()).await;
    }.boxed(), EndReason::Evicted),
    ("revoked", |server| async move {
        Client::handshake(server.http()).await;
        server.sessions().end(only(&server).id());
    }.boxed(), EndReason::Revoked),
    ("replaced", |server| async move {
        Client::handshake(server.http()).await;
        server.sessions().end_as(only(&server).id(), EndReason::Replaced);
    }.boxed(), EndReason::Replaced),
    ("shutdown", |server| async move {
        let client = Client::handshake(server.http()).await;
        let stream = client.get(None).await;
        server.shutdown().await;
        drop(stream);
    }.boxed(), EndReason::Shutdown),
    ("server dropped", |server| async move {
        Client::handshake(server.http()).await;
        drop(server);
    }.boxed(), EndReason::Shutdown),
    ("byte stream closed", |server| async move {
        let client = mcp_session::testing::Client::handshake(&server).await;
        client.close().await;
    }.boxed(), EndReason::Transport),
    ("byte stream dropped", |server| async move {
        drop(server.duplex(tokio::io::empty(), tokio::io::sink()));
        let client = mcp_session::testing::Client::handshake(&server).await;
        drop(client);
        pass(Duration::from_secs(30)).await;
    }.boxed(), EndReason::Transport),
    ("call that panicked", |server| async move {
        let client = Client::handshake(server.http()).await;
        client.post(client.call(1, "panics", 0)).await;
        client.delete().await;
    }.boxed(), EndReason::Client),
    ("deleted twice", |server| async move {
        let client = Client::handshake(server.http()).await;
        let call = tokio::spawn(client.start(&client.call(1, "stuck", 0)));
        pass(Duration::ZERO).await;
        let session = only(&server);
        tokio::join!(client.delete(), client.delete());
        assert!(!server.sessions().end(session.id()));
        call.await.unwrap().unwrap();
    }.boxed(), EndReason::Client),
    ("principal at rest", |server| async move {
        let ann = principal(&server, "ann").await;
        ann.list_tools().await;
        secs(1_100).await;
        // Somebody comes, and who rested for too long is put away.
        principal(&server, "ben").await.list_tools().await;
    }.boxed(), EndReason::Idle),
    ("principal's shutdown", |server| async move {
        let ann = principal(&server, "ann").await;
        ann.list_tools().await;
        server.shutdown().await;
    }.boxed(), EndReason::Shutdown),
    ("principal's server dropped", |server| async move {
        let ann = principal(&server, "ann").await;
        ann.call_tool("panics", json!({})).await;
        ann.close().await;
        drop(server);
    }.boxed(), EndReason::Shutdown),
    ("stateless request", |server| async move {
        let client = Client::modern(server.http());
        client.post(client.call(1, "plain", 0)).await;
    }.boxed(), EndReason::Request),
    ("stateless request that panics", |server| async move {
        let client = Client::modern(server.http());
        client.post(client.call(1, "panics", 0)).await;
    }.boxed(), EndReason::Request),
    ("stateless client that vanishes", |server| async move {
        let client = Client::modern(server.http());
        let mut call = client.start(&client.call(1, "stuck", 0));
        assert!((&mut call).now_or_never().is_none());
        drop(call);
    }.boxed(), EndReason::Request),
];

#[tokio::test(start_paused = true)]
async fn every_way_to_end_runs_on_close_once_with_its_reason() {
    for (name, way, reason) in WAYS {
        let limits = limits().lifetime(Duration::from_secs(2_000));
        let limits = if *name == "evicted" {
            limits.sessions(1)
        } else {
            limits
        };
        let (server, told) = noting(template(), limits);
        let kept = (!name.ends_with("server dropped")).then(|| server.clone());
        way(server).await;
        pass(Duration::ZERO).await;
        let told = told.lock();
        let ends: Vec<_> = told
            .iter()
            .filter(|what| what.starts_with("closed"))
            .collect();
        assert_eq!(ends, [&format!("closed: {reason}")], "{name}: {told:?}");
        if kept.is_none_or(|server| server.sessions().is_empty()) {
            assert_eq!(told.last(), Some(ends[0]), "{name}: the end is told last");
        }
    }
}

type Hook = fn(Session) -> futures_util::future::BoxFuture<'static, Result<(), BoxError>>;

/// One way for an opening to fail: the hook, whether its client waits, and the reason in the
/// handshake era and in the stateless one.
type Failing = (Hook, bool, [EndReason; 2]);

#[tokio::test(start_paused = true)]
async fn an_opening_that_fails_is_closed_too_in_both_eras() {
    use EndReason::{Error, Refused, Request, Transport};
    let refuses: Hook = |_| async { Err("full".into()) }.boxed();
    let panics: Hook = |_| async { panic!("this panic is part of the test") }.boxed();
    let hangs: Hook = |_| std::future::pending().boxed();
    let ways: [Failing; 4] = [
        (refuses, true, [Refused, Refused]),
        (panics, true, [Error, Error]),
        (hangs, true, [Error, Request]),
        (hangs, false, [Transport, Request]),
    ];
    for (hook, waits, reasons) in ways {
        for (modern, reason) in [false, true].into_iter().zip(reasons) {
            let (server, told) = noting(template().on_open(hook), limits());
            let client = Client::modern(server.http());
            let message = if modern {
                client.message(1, "tools/list", json!({}))
            } else {
                initialize("2025-11-25")
            };
            let version = if modern { client.version } else { "2025-11-25" };
            let client = Client { version, ..client };
            let mut answer = client.start(&message).boxed();
            // In the stateless era the hook has no deadline of its own: there the client gives up.
            let gives_up = !waits || reason == Request;
            if (&mut answer).now_or_never().is_none() && !gives_up {
                answer.await.unwrap();
            } else {
                drop(answer);
            }
            pass(Duration::ZERO).await;
            let told = told.lock();
            let mut ends = told.iter().filter(|what| what.starts_with("closed"));
            let closed = format!("closed: {reason}");
            assert_eq!((told.last(), ends.next()), (Some(&closed), Some(&closed)));
            assert_eq!(ends.next(), None, "{modern}: {told:?}");
            assert!(server.sessions().is_empty());
        }
    }
}
