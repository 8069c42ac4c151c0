//! Proves that a shutdown leaves nothing behind, and that what a proxy may read differently is
//! refused.

use http::Method;
use mcp_session::{Server, Session};
use serde_json::json;
use tokio::sync::mpsc;

use crate::http::support::{Client, Probe, initialize, seen, server};

#[tokio::test(start_paused = true)]
async fn a_stateless_call_is_dropped_at_the_end_of_the_drain() {
    let (server, probe) = server();
    let client = Client::modern(server.http());
    let answer = client.post(client.call(1, "wait", 1)).await;
    assert!(answer.is_stream());
    seen(&probe.started).await;
    server.shutdown().await;
    seen(&probe.abandoned).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_opens_during_a_shutdown_ends_with_it() {
    let probe = Probe::new();
    let (started, gate) = (probe.started.clone(), probe.gate.clone());
    let opens = move |_: Session| {
        let (started, gate) = (started.clone(), gate.clone());
        async move {
            started.add_permits(1);
            gate.acquire().await?.forget();
            Ok(())
        }
    };
    let template = mcp_session::Template::builder("slow", "1.0.0").on_open(opens);
    let server = Server::new(template.build().unwrap());
    let client = Client::modern(server.http());
    let starting = tokio::spawn(client.start(&initialize("2025-11-25")));
    seen(&probe.started).await;
    server.shutdown().await;
    probe.gate.add_permits(1);
    starting.await.unwrap().unwrap();
    assert!(server.sessions().is_empty());
}

#[tokio::test]
async fn a_version_that_is_there_twice_is_a_mismatch() {
    let (server, _) = server();
    let client = Client::modern(server.http());
    let message = client.message(1, "tools/list", json!({}));
    let twice = client
        .headers(Method::POST, &message)
        .header("mcp-protocol-version", "2025-11-25");
    let answer = client.send(twice, &message.to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json().await["error"]["code"], -32020);
}

#[tokio::test]
async fn a_stateless_notification_is_served_by_the_variant_of_its_url() {
    let (tell, mut told) = mpsc::channel(4);
    let hearing = |variant: &'static str| {
        let tell = tell.clone();
        let template = mcp_session::Template::builder(variant, "1.0.0");
        let hear = move |_, _: Session| {
            let tell = tell.clone();
            async move { tell.send(variant).await.unwrap() }
        };
        template
            .notification("com.example/note", hear)
            .build()
            .unwrap()
    };
    let server = Server::builder(hearing("plain"))
        .variant("beta", hearing("beta"))
        .select(|opening| match opening.path() {
            Some("/mcp") => "beta",
            _ => "default",
        })
        .build()
        .unwrap();
    let client = Client::modern(server.http());
    let mut note = client.message(1, "com.example/note", json!({}));
    note.as_object_mut().unwrap().remove("id");
    assert_eq!(client.post(note).await.status, 202);
    assert_eq!(told.recv().await, Some("beta"));
}
