//! Proves whom a notifier tells, and how many may listen.

use futures_util::FutureExt;
use http::StatusCode;
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::Limits;
use mcp_session::{Principal, Resource, Server, Template};
use serde_json::json;

use crate::http::support::{Answer, Client, Events, kind};

const URI: &str = "note:///today";

fn server() -> Server {
    let note = Resource::new(URI, "today").handler(async || "Fine.");
    let template = Template::builder("notes", "1.0.0").resource(note);
    let as_principal = |name| Caller::new(Principal::new("test", name));
    Server::builder(template.build().unwrap())
        .authenticate(
            BearerTokens::new()
                .token("ann-token", as_principal("ann"))
                .token("bob-token", as_principal("bob")),
        )
        .limits(Limits::default().listens(5).listens_per_principal(2))
        .build()
        .unwrap()
}

fn modern(server: &Server, token: &'static str) -> Client {
    let client = Client::modern(server.http());
    Client {
        token: Some(token),
        ..client
    }
}

async fn listen(client: &Client) -> Answer {
    let wish = json!({"notifications": {"resourceSubscriptions": [URI]}});
    client
        .post(client.message(1, "subscriptions/listen", wish))
        .await
}

async fn handshake(server: &Server, token: &'static str) -> (Client, Events) {
    let client = Client::handshake_as(server.http(), token).await;
    let subscribe = client.message(1, "resources/subscribe", json!({"uri": URI}));
    assert_eq!(client.post(subscribe).await.status, StatusCode::OK);
    let events = client.get(None).await.events;
    (client, events)
}

/// True when the stream has something to say, which is that the resource has changed.
fn is_told(stream: &mut Events) -> bool {
    let said = stream.message().now_or_never().flatten();
    said.is_some_and(|said| {
        kind(&said) == "notifications/resources/updated" && said["params"]["uri"] == URI
    })
}

#[tokio::test]
async fn a_notifier_tells_a_session_a_principal_or_everybody() {
    let server = server();
    let (ann, mut ann_stands) = handshake(&server, "ann-token").await;
    let (_bob, mut bob_stands) = handshake(&server, "bob-token").await;
    let mut ann_listens = listen(&modern(&server, "ann-token")).await.events;
    let mut bob_listens = listen(&modern(&server, "bob-token")).await.events;
    for stream in [&mut ann_listens, &mut bob_listens] {
        stream.message().await.unwrap();
    }
    let mut told = || {
        let streams = [
            &mut ann_stands,
            &mut ann_listens,
            &mut bob_stands,
            &mut bob_listens,
        ];
        streams.map(is_told)
    };
    let everybody = server.notifier();
    everybody.resource_updated(URI);
    assert_eq!(told(), [true; 4]);
    everybody.resource_updated("note:///tomorrow");
    assert_eq!(told(), [false; 4]);

    let to_ann = everybody.for_principal(&Principal::new("test", "ann"));
    to_ann.resource_updated(URI);
    assert_eq!(told(), [true, true, false, false]);

    let sessions = server.sessions().list();
    let of_ann = sessions
        .iter()
        .find(|session| Some(session.id().as_str()) == ann.session.as_deref());
    let to_session = everybody.for_session(of_ann.unwrap());
    to_session.resource_updated(URI);
    assert_eq!(told(), [true, false, false, false]);

    // From any thread, and harmless when there is nobody any more.
    ann.delete().await;
    std::thread::spawn(move || to_session.resource_updated(URI))
        .join()
        .unwrap();
}

#[tokio::test]
async fn a_principal_listens_on_so_many_streams_and_no_more() {
    let server = server();
    let (ann, bob) = (modern(&server, "ann-token"), modern(&server, "bob-token"));
    let first = listen(&ann).await;
    let second = listen(&ann).await;
    assert!(first.is_stream() && second.is_stream());
    let third = listen(&ann).await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(third.header("retry-after").is_some());
    assert!(listen(&bob).await.is_stream(), "others are not concerned");
    drop(first);
    assert!(listen(&ann).await.is_stream(), "a place is free again");
}
