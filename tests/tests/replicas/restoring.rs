//! Proves that a session goes on at another replica as it was.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use mcp_session::server::{Consistency, Limits};
use mcp_session::testing::{Fault, Operation};
use mcp_session::{BoxError, EndReason, Server, Session, Tool};
use serde_json::json;

use super::support::{Replicas, Told, call, messages, settle, template, tools, try_call};
use crate::http::support::{Client, pass};

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_at_another_replica_with_all_it_has() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    call(&a, "install", "ann").await;
    call(&a, "hide", "hide").await;
    assert_eq!(call(&a, "count", "").await, "1");
    let level = a.message(2, "logging/setLevel", json!({"level": "debug"}));
    assert_eq!(a.post(level).await.status, StatusCode::OK);
    let subscribe = a.message(3, "resources/subscribe", json!({"uri": "memo://a"}));
    assert_eq!(a.post(subscribe).await.status, StatusCode::OK);

    let b = replicas.at(&a, 1);
    let names = tools(&b).await;
    assert_eq!(names, ["install", "count", "speak", "greet_ann"]);
    assert_eq!(call(&b, "greet_ann", "").await, "hello ann");
    assert_eq!(call(&b, "count", "").await, "2");
    let spoken = try_call(&b, "speak", "").await;
    let id = mcp_session::session::SessionId::from(b.session.as_deref().unwrap());
    let session = replicas.servers[1].sessions().get(&id).unwrap();
    assert_eq!(session.stats().subscriptions, 1);
    assert_eq!(session.client().unwrap().info().unwrap().name, "test");
    let spoken = messages(spoken).await;
    assert_eq!(spoken[0]["params"]["data"], "a detail", "{spoken:?}");
    assert_eq!(replicas.told(), ["resumed"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_requests_restore_it_once() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    let before = replicas.store.round_trips();
    let lists = join_all((0..100).map(|id| {
        let b = b.clone();
        async move { b.post(b.message(id, "tools/list", json!({}))).await.status }
    }));
    assert!(lists.await.iter().all(|status| *status == StatusCode::OK));
    // It looks, says that it holds it, looks again, and sees who else holds it.
    assert_eq!(replicas.store.round_trips() - before, 4);
    assert_eq!(replicas.told(), ["resumed"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_changes_nothing_needs_no_store() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    settle(&[&a, &b]).await;
    let before = replicas.store.round_trips();
    for client in [&a, &b, &a, &b] {
        tools(client).await;
        call(client, "speak", "").await;
    }
    assert_eq!(replicas.store.round_trips(), before);
}

#[tokio::test(start_paused = true)]
async fn every_request_looks_where_that_was_chosen() {
    let replicas = Replicas::new(1);
    let template = template(&Told::default()).build().unwrap();
    let server = Server::builder(template)
        .store(std::sync::Arc::clone(&replicas.store))
        .consistency(Consistency::ReadPerRequest)
        .build()
        .unwrap();
    let a = replicas.client().await;
    let b = Client {
        service: server.http(),
        ..a.clone()
    };
    tools(&b).await;
    let before = replicas.store.asked(Operation::Load);
    tools(&b).await;
    tools(&b).await;
    assert_eq!(replicas.store.asked(Operation::Load) - before, 2);
    call(&a, "install", "ann").await;
    assert!(tools(&b).await.contains(&"greet_ann".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_looked_for_once_a_second() {
    let replicas = Replicas::new(1);
    let a = replicas.client().await;
    let mut guess = a.clone();
    guess.session = Some("guessed".to_owned());
    let before = replicas.store.asked(Operation::Touch);
    for _ in 0..10 {
        let answer = guess.post(guess.message(1, "ping", json!({}))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(replicas.store.asked(Operation::Touch) - before, 1);
    pass(Duration::from_secs(2)).await;
    guess.post(guess.message(1, "ping", json!({}))).await;
    assert_eq!(replicas.store.asked(Operation::Touch) - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_a_503_and_nothing_is_lost() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    let b = replicas.at(&a, 1);
    settle(&[&a]).await;
    replicas.store.always(Fault::Refused);
    let answer = b.post(b.message(1, "ping", json!({}))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    let refused = Client {
        session: None,
        ..a.clone()
    };
    let opened = refused
        .post(crate::http::support::initialize("2025-11-25"))
        .await;
    assert_eq!(opened.status, StatusCode::SERVICE_UNAVAILABLE);
    // The change is made here, and is not said to be kept.
    let changed = try_call(&a, "install", "ann").await;
    assert_eq!(changed.status, StatusCode::SERVICE_UNAVAILABLE);

    replicas.store.always(None);
    assert_eq!(tools(&a).await.len(), 5);
    assert!(tools(&b).await.contains(&"greet_ann".to_owned()));
    assert_eq!(replicas.servers[0].sessions().len(), 1);
}

fn own(session: &Session, ephemeral: bool) -> mcp_session::Result<()> {
    let tool = Tool::new("own").description("-").handler(async || "own");
    let tool = if ephemeral { tool.ephemeral() } else { tool };
    session.edit(|edit| edit.add_tool(tool))
}

#[tokio::test(start_paused = true)]
async fn a_closure_is_refused_unless_it_is_made_again() {
    let told = Told::default();
    let made = |told: &Told| {
        template(told)
            .tool(Tool::new("closure").description("-").handler(
                async |session: Session| match own(&session, false) {
                    Ok(()) => "added".to_owned(),
                    Err(error) => format!("{} {error}", error.is_unkept()),
                },
            ))
            .tool(
                Tool::new("ephemeral")
                    .description("-")
                    .handler(async |session: Session| own(&session, true).is_ok().to_string()),
            )
            .on_resume(move |session| {
                let added = own(&session, true).map_err(BoxError::from);
                std::future::ready(added)
            })
            .build()
            .unwrap()
    };
    let mut replicas = Replicas::new(0);
    for _ in 0..2 {
        replicas.start(made(&told), Limits::default());
    }
    let a = replicas.client().await;
    let refused = call(&a, "closure", "").await;
    assert!(refused.starts_with("true "), "{refused}");
    assert!(refused.contains("ephemeral") && refused.contains("install"));
    assert_eq!(call(&a, "ephemeral", "").await, "true");
    let b = replicas.at(&a, 1);
    assert_eq!(call(&b, "own", "").await, "own");
    assert_eq!(tools(&a).await, tools(&b).await);
}

#[tokio::test(start_paused = true)]
async fn what_the_template_has_now_is_what_a_restored_session_is_over() {
    let mut replicas = Replicas::new(1);
    let a = replicas.client().await;
    call(&a, "install", "ann").await;
    call(&a, "hide", "speak").await;
    let newer = template(&replicas.told).tool(
        Tool::new("newer")
            .description("-")
            .handler(async || "newer"),
    );
    replicas.start(newer.build().unwrap(), Limits::default());
    let b = replicas.at(&a, 1);
    let names = tools(&b).await;
    assert_eq!(names, ["install", "hide", "count", "newer", "greet_ann"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_replica_cannot_make_stays_for_those_that_can() {
    let mut replicas = Replicas::new(1);
    let a = replicas.client().await;
    call(&a, "install", "ann").await;
    let told = Told::default();
    let hide = Tool::new("hide").description("-").handler(
        async |name: super::support::NameArgs, session: Session| {
            let hidden = session.edit(|edit| edit.hide_tool(&name.name));
            hidden.map_or_else(|error| error.to_string(), |()| "hidden".to_owned())
        },
    );
    let other = Tool::new("count").description("-").handler(async || "0");
    let without = mcp_session::Template::builder("replicas", "1")
        .tool(hide)
        .tool(other)
        .build()
        .unwrap();
    replicas.start(without, Limits::default());
    let b = replicas.at(&a, 1);
    assert_eq!(tools(&b).await, ["hide", "count"]);
    assert_eq!(call(&b, "hide", "count").await, "hidden");
    let names = tools(&a).await;
    assert_eq!(names, ["install", "hide", "speak", "greet_ann"]);
    drop(told);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_hands_sessions_over() {
    let replicas = Replicas::new(2);
    let a = replicas.client().await;
    call(&a, "install", "ann").await;
    let id = mcp_session::session::SessionId::from(a.session.as_deref().unwrap());
    let session = replicas.servers[0].sessions().get(&id).unwrap();
    replicas.servers[0].shutdown().await;
    assert_eq!(session.end_reason(), Some(EndReason::Shutdown));
    let b = replicas.at(&a, 1);
    assert_eq!(call(&b, "greet_ann", "").await, "hello ann");
    assert_eq!(replicas.told(), ["resumed"]);
}
