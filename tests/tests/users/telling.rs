//! What is told outside of any request arrives, and none of it is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use futures_util::FutureExt;
use mcp_session::{Family, Notifier, Server, Session, Template, Variant};
use serde_json::{Value, json};

use crate::http::support::{Client, Events, kind, pass};
use crate::users::{named, names};

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const CHANGED: &str = "notifications/tools/list_changed";
const UPDATED: &str = "notifications/resources/updated";

fn server() -> Server {
    let note = mcp_session::Resource::new("note:a", "a").text("-");
    let template = Template::builder("news", "1")
        .tool(named("plain"))
        .resource(note);
    Server::new(template.build().unwrap())
}

async fn publish(server: &Server, name: &str) {
    let published = server.publish(Variant::DEFAULT, |edit| edit.add_tool(named(name)));
    published.await.unwrap();
}

fn listen(client: &Client) -> Value {
    let wish = json!({"notifications": {
        "toolsListChanged": true, "resourceSubscriptions": ["note:a"],
    }});
    client.message("l", "subscriptions/listen", wish)
}

/// What the stream holds now, by kind.
fn held(stream: &mut Events) -> Vec<String> {
    let mut kinds = Vec::new();
    while let Some(Some(message)) = stream.message().now_or_never() {
        kinds.push(kind(&message).to_owned());
    }
    kinds
}

/// A notifier is the program's to keep: in a task that nobody's request has anything to do with,
/// it reaches the standing stream of one era and the listening one of the other.
#[tokio::test(start_paused = true)]
async fn a_task_that_runs_by_the_clock_reaches_clients_of_both_eras() {
    fn is_anybodys<T: Clone + Send + Sync + 'static>(_: &T) {}
    let server = server();
    let (old, new) = (
        Client::handshake(server.http()).await,
        Client::modern(server.http()),
    );
    let subscribe = old.message(1, "resources/subscribe", json!({"uri": "note:a"}));
    old.post(subscribe).await;
    let mut standing = old.get(None).await.events;
    let mut listening = new.post(listen(&new)).await.events;
    assert_eq!(held(&mut listening), [ACKNOWLEDGED]);
    assert!(held(&mut standing).is_empty());

    let (notifier, session): (Notifier, Session) =
        (server.notifier(), server.sessions().list().remove(0));
    is_anybodys(&notifier);
    is_anybodys(&session);
    tokio::spawn(async move {
        for number in 0..3 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            notifier.resource_updated("note:a");
            session
                .edit(|edit| edit.add_tool(named(&format!("{number}"))))
                .unwrap();
        }
    });
    for _ in 0..3 {
        pass(Duration::from_secs(60)).await;
        let mut told = held(&mut standing);
        told.sort();
        assert_eq!(told, [UPDATED, CHANGED]);
        assert_eq!(held(&mut listening), [UPDATED]);
    }
}

/// What is not deliverable is not promised: `listChanged` is declared where a family is there,
/// and acknowledged where it was asked for.
#[tokio::test]
async fn only_what_can_be_delivered_is_promised() {
    let template = Template::builder("few", "1").declare(Family::Prompts);
    let server = Server::new(template.build().unwrap());
    let client = mcp_session::testing::Client::handshake(&server).await;
    let capabilities = &client.initialized()["capabilities"];
    assert_eq!(capabilities["prompts"]["listChanged"], true);
    assert_eq!(
        (&capabilities["tools"], &capabilities["resources"]),
        (&Value::Null, &Value::Null)
    );
    let client = mcp_session::testing::Client::stateless(&server);
    let wish = json!({"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["x:a"]});
    let stream = client.listen(wish).await.unwrap();
    assert_eq!(stream.granted(), &json!({"promptsListChanged": true}));
}

/// From the moment a subscription is taken, nothing is lost: not before its acknowledgement was
/// sent, nor before it was read; and the acknowledgement is first.
#[tokio::test(start_paused = true)]
async fn what_happens_before_the_acknowledgement_is_read_is_told_behind_it() {
    let server = server();
    let client = Client::modern(server.http());
    let mut request = client.start(&listen(&client));
    let response = (&mut request).now_or_never();
    publish(&server, "early").await;
    server.notifier().resource_updated("note:a");
    let answered = match response {
        Some(response) => std::future::ready(response).boxed(),
        None => request.boxed(),
    };
    let mut stream = Events::of(answered.await.unwrap().into_body());
    pass(Duration::from_secs(1)).await;
    let mut told = held(&mut stream);
    assert_eq!(told.remove(0), ACKNOWLEDGED);
    told.sort();
    assert_eq!(told, [UPDATED, CHANGED]);
}

/// Who lists after the acknowledgement and again whenever it is told to knows everything in the
/// end, however the server changes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_follows_a_subscription_knows_everything_in_the_end() {
    let server = server();
    for round in 0..50 {
        let stop = Arc::new(AtomicBool::new(false));
        let publishing = {
            let (server, stop) = (server.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::SeqCst) {
                    publish(&server, &format!("{round}-{number}")).await;
                    number += 1;
                    tokio::task::yield_now().await;
                }
            })
        };
        let client = Client::modern(server.http());
        let list = async || {
            let message = client.message(1, "tools/list", json!({}));
            let page = client.post(message).await.json().await;
            names(&page).len()
        };
        let mut stream = client.post(listen(&client)).await.events;
        assert_eq!(kind(&stream.message().await.unwrap()), ACKNOWLEDGED);
        let mut known = list().await;
        stop.store(true, Ordering::SeqCst);
        publishing.await.unwrap();
        let all = list().await;
        while known < all {
            assert_eq!(kind(&stream.message().await.unwrap()), CHANGED);
            known = list().await;
        }
    }
}
