//! Proves which status each bad request gets, and that its body says why.

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use mcp_session::server::Limits;
use mcp_session::{Server, Session};
use serde_json::{Value, json};
use tower_service::Service;

use crate::http::support::{Answer, Client, Probe, answered, initialize, server, template};

/// Changes headers of an otherwise good `tools/list`, and gives what comes of it.
async fn with(client: &Client, method: Method, changes: &[(&str, Option<&str>)]) -> Answer {
    let message = client.message(1, "tools/list", json!({}));
    let mut builder = client.headers(method, &message);
    let headers = builder.headers_mut().unwrap();
    for (name, value) in changes {
        let name: http::HeaderName = name.parse().unwrap();
        match value {
            Some(value) => drop(headers.insert(name, value.parse().unwrap())),
            None => drop(headers.remove(name)),
        }
    }
    client.send(builder, &message.to_string()).await
}

/// The error of a refusal, which never has an id.
async fn refusal(answer: Answer) -> Value {
    let body = answer.json().await;
    assert_eq!(body.get("id"), None, "{body}");
    assert_eq!(body["jsonrpc"], "2.0");
    body["error"].clone()
}

/// A method, what is different about the headers, the status, and a word of why.
type Refused = (
    Method,
    &'static [(&'static str, Option<&'static str>)],
    u16,
    &'static str,
);

const REFUSED: &[Refused] = &[
    (
        Method::POST,
        &[("host", Some("evil.example.com"))],
        403,
        "evil.example.com",
    ),
    (
        Method::GET,
        &[("host", Some("evil.example.com"))],
        403,
        "allow_host",
    ),
    (Method::POST, &[("host", None)], 403, "no host"),
    (
        Method::POST,
        &[("origin", Some("http://evil.example.com"))],
        403,
        "allow_origin",
    ),
    (Method::POST, &[("origin", Some("null"))], 403, "null"),
    (Method::PUT, &[], 405, "POST"),
    (Method::HEAD, &[], 405, "POST"),
    (Method::OPTIONS, &[], 405, "POST"),
    (
        Method::POST,
        &[("content-length", Some("4194305"))],
        413,
        "4194304",
    ),
    (
        Method::POST,
        &[("content-type", None)],
        415,
        "application/json",
    ),
    (
        Method::POST,
        &[("content-type", Some("text/plain"))],
        415,
        "application/json",
    ),
    (
        Method::POST,
        &[("content-type", Some("application/json; charset=utf-16"))],
        415,
        "UTF-8",
    ),
    (
        Method::POST,
        &[("accept", Some("application/json"))],
        406,
        "text/event-stream",
    ),
    (
        Method::POST,
        &[("accept", Some("text/event-stream"))],
        406,
        "application/json",
    ),
    (
        Method::POST,
        &[("accept", Some("*/*, text/event-stream;q=0"))],
        406,
        "text/event-stream",
    ),
    (
        Method::POST,
        &[("accept", Some("text/html"))],
        406,
        "application/json",
    ),
    (
        Method::GET,
        &[("accept", Some("application/json"))],
        406,
        "text/event-stream",
    ),
    // Host comes before method, method before type, type before what is accepted.
    (Method::PUT, &[("host", Some("evil"))], 403, "evil"),
    (
        Method::POST,
        &[("content-length", Some("9999999")), ("content-type", None)],
        413,
        "4194304",
    ),
    (
        Method::POST,
        &[("content-type", None), ("accept", Some("a/b"))],
        415,
        "application/json",
    ),
];

#[tokio::test]
async fn every_refusal_has_its_status_and_says_why() {
    let (server, _) = server();
    let clients = [
        Client::modern(server.http()),
        Client::handshake(server.http()).await,
    ];
    for client in clients {
        for (method, changes, status, why) in REFUSED {
            let answer = with(&client, method.clone(), changes).await;
            assert_eq!(answer.status.as_u16(), *status, "{method} {changes:?}");
            assert_eq!(answer.status == 405, answer.headers.contains_key("allow"));
            let error = refusal(answer).await;
            assert_eq!(error["code"], -32600);
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(why), "{method} {changes:?}: {message}");
        }
    }
}

#[tokio::test]
async fn what_is_allowed_by_a_wildcard_or_not_mentioned_is_accepted() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let cases: &[&[(&str, Option<&str>)]] = &[
        &[],
        &[("accept", None)],
        &[("accept", Some("*/*"))],
        &[("accept", Some("application/*;q=0.2, text/*"))],
        &[("content-type", Some("Application/JSON; charset=UTF-8"))],
        &[("origin", Some("http://127.0.0.1:8000"))],
        &[("host", Some("[::1]:1"))],
    ];
    for changes in cases {
        let answer = with(&client, Method::POST, changes).await;
        assert_eq!(answer.status, StatusCode::OK, "{changes:?}");
    }
}

#[tokio::test]
async fn a_body_that_grows_too_long_is_cut_off_while_it_is_read() {
    let limits = Limits::default().message_bytes(1_000);
    let server = Server::builder(template(&Probe::new()))
        .limits(limits)
        .build()
        .unwrap();
    let client = Client::modern(server.http());
    let pieces = std::iter::repeat_with(|| {
        Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from_static(
            &[b' '; 400],
        )))
    });
    let body = StreamBody::new(futures_util::stream::iter(pieces));
    let message = client.message(1, "tools/list", json!({}));
    let request = client.headers(Method::POST, &message).body(body).unwrap();
    let answer = answered(server.http().call(request)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        refusal(answer).await["message"]
            .as_str()
            .unwrap()
            .contains("1000")
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let broken = Full::new(bytes::Bytes::from_static(b"{")).map_err(|never| match never {});
    let lost = StreamBody::new(futures_util::stream::iter([Err::<
        http_body::Frame<bytes::Bytes>,
        _,
    >(std::io::Error::other(
        "lost",
    ))]));
    let message = client.message(1, "tools/list", json!({}));
    let request = client.headers(Method::POST, &message).body(lost).unwrap();
    assert_eq!(
        answered(server.http().call(request)).await.status,
        StatusCode::BAD_REQUEST
    );
    let broken: http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error> = broken.boxed();
    let request = client.headers(Method::POST, &message).body(broken).unwrap();
    let answer = answered(server.http().call(request)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json().await["error"]["code"], -32700);
}

#[tokio::test]
async fn get_and_delete_are_not_for_the_stateless_era() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    for answer in [client.get(None).await, client.delete().await] {
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow").as_deref(), Some("POST"));
    }
}

#[tokio::test]
async fn a_session_must_be_named_and_known() {
    let (server, _) = server();
    let mut client = Client::handshake(server.http()).await;
    client.session = None;
    let list = client.message(1, "tools/list", json!({}));
    let unnamed = [
        client.post(list.clone()).await,
        client.get(None).await,
        client.delete().await,
    ];
    assert_eq!(unnamed.map(|answer| answer.status.as_u16()), [400; 3]);
    client.session = Some("unknown".into());
    let unknown = [
        client.post(list).await,
        client.get(None).await,
        client.delete().await,
    ];
    assert_eq!(unknown.map(|answer| answer.status.as_u16()), [404; 3]);
}

#[tokio::test]
async fn a_session_too_many_is_refused_for_now() {
    let limits = Limits::default().sessions(1);
    let server = Server::builder(template(&Probe::new()))
        .limits(limits)
        .build()
        .unwrap();
    let first = Client::handshake(server.http()).await;
    let mut second = first.clone();
    second.session = None;
    let answer = second.post(initialize("2025-11-25")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    let list: Vec<Session> = server.sessions().list();
    assert_eq!(list.len(), 1);
    assert_eq!(first.delete().await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        second.post(initialize("2025-11-25")).await.status,
        StatusCode::OK
    );
}
