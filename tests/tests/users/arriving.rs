//! Opening a session costs a stranger more than the server.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Method, StatusCode};
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::AtCapacity;
use mcp_session::{Limits, Principal, Server, Session, Template};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::http::support::{
    Answer, Client, LATEST_HANDSHAKE, answered, initialize, pass, seen, soon,
};
use crate::users::{named, with_token};

const PLACES: usize = 20;

/// A server whose `on_open` counts who gets so far, and waits for a gate where it is asked to.
struct Waiting {
    server: Server,
    begun: Arc<Semaphore>,
    /// The most sessions there ever were together, open or about to be.
    most: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

fn waiting(limits: Limits) -> Waiting {
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let most: Arc<AtomicUsize> = Arc::default();
    let known: Arc<OnceLock<Server>> = Arc::default();
    let hook = {
        let (begun, gate) = (begun.clone(), gate.clone());
        let (most, known) = (Arc::clone(&most), Arc::clone(&known));
        let under_way: Arc<AtomicUsize> = Arc::default();
        move |session: Session| {
            let (begun, gate) = (begun.clone(), gate.clone());
            let under_way = Counted(Arc::clone(&under_way));
            let together = under_way.one_more() + known.get().unwrap().sessions().len();
            most.fetch_max(together, Ordering::SeqCst);
            async move {
                begun.add_permits(1);
                match session.opening().header("x-wait") {
                    Some(_) => gate.acquire().await?.forget(),
                    None => tokio::task::yield_now().await,
                }
                drop(under_way);
                Ok(())
            }
        }
    };
    let template = Template::builder("full", "1")
        .tool(named("plain"))
        .on_open(hook);
    let names = ["ann", "bob"].into_iter();
    let tokens = names.fold(BearerTokens::new(), |all, name| {
        all.token(name, Caller::new(Principal::new("test", name)))
    });
    let server = Server::builder(template.build().unwrap())
        .limits(limits)
        .authenticate(tokens)
        .build()
        .unwrap();
    known.set(server.clone()).unwrap();
    Waiting {
        server,
        begun,
        most,
        gate,
    }
}

/// One opening that is under way, however it ends.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one_more(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An `initialize`, on its way.
fn opening(
    server: &Server,
    token: &'static str,
    waits: bool,
) -> mcp_session::transport::http::HttpFuture {
    use tower_service::Service;

    let mut client = stranger(server, token);
    let message = initialize(LATEST_HANDSHAKE);
    let mut request = client.headers(Method::POST, &message);
    if waits {
        request = request.header("x-wait", "yes");
    }
    let body = http_body_util::Full::new(bytes::Bytes::from(message.to_string()));
    client.service.call(request.body(body).unwrap())
}

fn stranger(server: &Server, token: &'static str) -> Client {
    Client {
        version: LATEST_HANDSHAKE,
        ..with_token(server, token)
    }
}

async fn list(client: &Client) -> StatusCode {
    client
        .post(client.message(1, "tools/list", json!({})))
        .await
        .status
}

/// Openings that are under way count: a place is taken before anything is waited for, and comes
/// back however the opening ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_openings_begin_than_there_are_places_and_who_is_there_notices_nothing() {
    let limits = [
        (
            Limits::default().sessions(PLACES + 1),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            Limits::default().per_principal(PLACES + 1),
            StatusCode::TOO_MANY_REQUESTS,
        ),
    ];
    for (limits, refusal) in limits {
        let Waiting {
            server,
            begun,
            most,
            gate,
        } = waiting(limits.at_capacity(AtCapacity::Refuse));
        let resident = Client::handshake_as(server.http(), "ann").await;
        seen(&begun).await;
        let knocks: Vec<_> = (0..200)
            .map(|_| tokio::spawn(answered(opening(&server, "ann", true))))
            .collect();
        for _ in 0..PLACES {
            seen(&begun).await;
        }
        let (mut refused, mut under_way) = (0, Vec::new());
        while refused < 200 - PLACES {
            tokio::task::yield_now().await;
            refused = knocks.iter().filter(|knock| knock.is_finished()).count();
        }
        for knock in knocks {
            if knock.is_finished() {
                let answer: Answer = knock.await.unwrap();
                assert_eq!(answer.status, refusal);
                assert!(answer.header("retry-after").is_some());
            } else {
                under_way.push(knock);
            }
        }
        assert_eq!((under_way.len(), begun.available_permits()), (PLACES, 0));
        assert_eq!(list(&resident).await, StatusCode::OK);

        // Half of those clients go away, and as many others come.
        for gone in under_way.drain(..PLACES / 2) {
            gone.abort();
            assert!(gone.await.is_err());
        }
        gate.add_permits(PLACES / 2);
        for stays in under_way {
            assert_eq!(stays.await.unwrap().status, StatusCode::OK);
        }
        for _ in 0..PLACES / 2 {
            let answer = soon(answered(opening(&server, "ann", false))).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        let one_more = answered(opening(&server, "ann", false)).await;
        assert_eq!(one_more.status, refusal);
        assert_eq!(server.sessions().len(), PLACES + 1);
        assert_eq!(
            most.load(Ordering::SeqCst),
            PLACES + 1,
            "never one too many"
        );
        assert_eq!(list(&resident).await, StatusCode::OK);
    }
}

/// A client that takes its time does not take the place of others for ever: neither in its
/// body, nor in `on_open`, nor after the answer.
#[tokio::test(start_paused = true)]
async fn a_half_open_session_gives_its_place_back_in_time() {
    let limits = Limits::default()
        .sessions(1)
        .handshake(Duration::from_secs(60))
        .at_capacity(AtCapacity::Refuse);
    let Waiting { server, begun, .. } = waiting(limits);
    // A body that never comes takes no place.
    let mut slow = {
        use tower_service::Service;
        let never = futures_util::stream::pending::<
            Result<http_body::Frame<bytes::Bytes>, std::io::Error>,
        >();
        let request = stranger(&server, "ann").headers(Method::POST, &Value::Null);
        let body = http_body_util::StreamBody::new(never);
        server.http().call(request.body(body).unwrap())
    };
    assert!((&mut slow).now_or_never().is_none());
    let stuck = tokio::spawn(answered(opening(&server, "ann", true)));
    seen(&begun).await;
    let refused = answered(opening(&server, "bob", false)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    pass(Duration::from_secs(61)).await;
    assert_eq!(stuck.await.unwrap().json().await["error"]["code"], -32603);
    assert_eq!(answered(slow).await.status, StatusCode::REQUEST_TIMEOUT);

    // This one is answered, and never says a word again.
    assert_eq!(
        answered(opening(&server, "ann", false)).await.status,
        StatusCode::OK
    );
    let refused = answered(opening(&server, "bob", false)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..9 {
        pass(Duration::from_secs(10)).await;
    }
    assert_eq!(
        answered(opening(&server, "bob", false)).await.status,
        StatusCode::OK
    );
    assert_eq!(server.sessions().len(), 1);
}

/// Where a session at rest makes room for a new one, that is gone before the new one begins.
#[tokio::test(start_paused = true)]
async fn who_makes_room_has_gone_before_the_next_comes() {
    let Waiting { server, most, .. } = waiting(Limits::default().sessions(PLACES));
    for _ in 0..PLACES {
        Client::handshake_as(server.http(), "ann").await;
    }
    pass(Duration::from_secs(11)).await;
    let knocks = (0..200).map(|_| tokio::spawn(answered(opening(&server, "bob", false))));
    let answers = futures_util::future::join_all(knocks).await;
    let opened = answers.into_iter().filter(|answer| {
        let answer = answer.as_ref().unwrap();
        answer.status == StatusCode::OK
    });
    assert_eq!(opened.count(), PLACES, "the new ones are in use");
    assert_eq!(server.sessions().len(), PLACES);
    assert_eq!(most.load(Ordering::SeqCst), PLACES, "never one too many");
}

/// Nothing is allocated for who has no valid credential, or does not say `initialize` properly.
#[tokio::test]
async fn junk_opens_nothing() {
    let Waiting { server, begun, .. } = waiting(Limits::default());
    for _ in 0..200 {
        let answer = answered(opening(&server, "junk", false)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let ann = stranger(&server, "ann");
    let mut wrong = initialize(LATEST_HANDSHAKE);
    wrong["params"]["protocolVersion"] = json!(7);
    let mut unnamed = initialize(LATEST_HANDSHAKE);
    unnamed["params"]
        .as_object_mut()
        .unwrap()
        .remove("clientInfo");
    for message in [
        wrong,
        unnamed,
        json!([initialize(LATEST_HANDSHAKE)]),
        json!({}),
    ] {
        assert_eq!(
            ann.post(message.clone()).await.status,
            StatusCode::BAD_REQUEST,
            "{message}"
        );
    }
    assert_eq!((server.stats().opened, server.sessions().len()), (0, 0));
    assert_eq!(begun.available_permits(), 0);
}
