//! Proves what web pages are let to do.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::http::support::{Answer, Client, initialize, server};

const ORIGIN: &str = "https://app.example.com";

async fn preflight(client: &Client, origin: &str, asked: &str) -> Answer {
    let builder = http::Request::builder()
        .method(Method::OPTIONS)
        .uri("/mcp")
        .header("host", "localhost")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", asked);
    client.send(builder, "").await
}

#[tokio::test]
async fn pages_of_allowed_origins_may_ask_and_read_once_that_is_switched_on() {
    let (server, _) = server();
    let client = Client::modern(server.http().allow_origin(ORIGIN).cors());
    let asked = "content-type, Mcp-Param-Region, x-other, mcp-param-(b)";
    let answer = preflight(&client, ORIGIN, asked).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(
        answer.header("access-control-allow-origin").as_deref(),
        Some(ORIGIN)
    );
    let allowed = answer.header("access-control-allow-headers").unwrap();
    let names: Vec<_> = allowed.split(", ").collect();
    for name in [
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
        "content-type",
        "authorization",
        "mcp-param-region",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"x-other"));
    assert!(
        answer
            .header("access-control-allow-methods")
            .unwrap()
            .contains("DELETE")
    );

    let message = initialize("2025-11-25");
    let mut builder = Client::modern(server.http()).headers(Method::POST, &Value::Null);
    builder
        .headers_mut()
        .unwrap()
        .remove("mcp-protocol-version");
    let answer = client
        .send(builder.header("origin", ORIGIN), &message.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("access-control-allow-origin").as_deref(),
        Some(ORIGIN)
    );
    assert!(
        answer
            .header("access-control-expose-headers")
            .unwrap()
            .contains("mcp-session-id")
    );
    assert_eq!(answer.header("vary").as_deref(), Some("origin"));
    assert!(answer.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn refusals_can_be_read_too_but_not_by_strangers() {
    let (server, _) = server();
    let client = Client::modern(server.http().allow_origin(ORIGIN).cors());
    let builder = client
        .headers(Method::PUT, &Value::Null)
        .header("origin", ORIGIN);
    let answer = client.send(builder, "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers.contains_key("access-control-allow-origin"));
    let stranger = preflight(&client, "https://evil.example.com", "content-type").await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
    assert!(!stranger.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn nothing_of_it_is_there_unless_switched_on() {
    let (server, _) = server();
    let client = Client::modern(server.http().allow_origin(ORIGIN));
    let asked = preflight(&client, ORIGIN, "content-type").await;
    assert_eq!(asked.status, StatusCode::METHOD_NOT_ALLOWED);
    let message = client.call(1, "plain", 0);
    let builder = client
        .headers(Method::POST, &message)
        .header("origin", ORIGIN);
    let answer = client.send(builder, &message.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let names = answer.headers.keys().map(http::HeaderName::as_str);
    assert_eq!(
        names
            .filter(|name| name.starts_with("access-control"))
            .count(),
        0
    );
    assert!(!answer.headers.contains_key("vary"));
}
