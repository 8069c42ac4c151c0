//! Extensions: declared settings, methods and notifications of their own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mcp_session::protocol::{Era, Raw};
use mcp_session::testing::Client;
use mcp_session::{Context, Session, ToolError};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::channel;

use super::{both, is_stateless, parts, serve, template};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_method_is_answered_in_both_eras() {
    let method = async |params: Raw, ctx: Context| {
        let params: Value = params.decode()?;
        match params["fail"].as_bool() {
            Some(true) => Err(ToolError::new("as you wish")),
            _ => Ok(object(
                json!({"method": ctx.method(), "echo": params["echo"]}),
            )),
        }
    };
    let server = serve(template().method("com.example/echo", method));
    both(&server, async |client| {
        let result = client
            .request("com.example/echo", json!({"echo": [1]}))
            .await
            .unwrap();
        assert_eq!(
            (&result["method"], &result["echo"]),
            (&json!("com.example/echo"), &json!([1]))
        );
        assert_eq!(result.get("resultType").is_some(), is_stateless(&client));
        let error = client
            .request("com.example/echo", json!({"fail": true}))
            .await
            .unwrap_err();
        assert_eq!(parts(&error), (-32603, "as you wish"));
        assert_eq!(
            client
                .request("com.example/other", json!({}))
                .await
                .unwrap_err()
                .code,
            -32601
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_custom_notification_is_heard_with_the_session_it_came_in() {
    let (tell, mut told) = channel(8);
    let hear = move |params: Raw, session: Session| {
        let tell = tell.clone();
        async move {
            let _ = tell
                .send((params.as_str().to_owned(), session.id().clone()))
                .await;
        }
    };
    let server = serve(template().notification("com.example/seen", hear));
    let client = Client::handshake(&server).await;
    client.notify("com.example/seen", json!({"page": 3})).await;
    let expected = (r#"{"page":3}"#.to_owned(), client.session().id().clone());
    assert_eq!(told.recv().await.unwrap(), expected);
    client.notify("com.example/unheard", json!({})).await;
    client.settle().await;
    assert!(told.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stateless_notification_is_heard_in_a_session_of_its_own() {
    let (tell, mut told) = channel(8);
    let hear = move |_: Raw, session: Session| {
        let tell = tell.clone();
        async move {
            let _ = tell.send(session).await;
        }
    };
    let allowed = Arc::new(AtomicBool::new(true));
    let allows = Arc::clone(&allowed);
    let hook = move |_: Session| {
        let allowed = allows.load(Ordering::Relaxed);
        async move {
            if allowed {
                Ok(())
            } else {
                Err("not now".into())
            }
        }
    };
    let server = serve(
        template()
            .notification("com.example/seen", hear)
            .on_open(hook),
    );
    let modern = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    let (stateless, handshake) = (Client::stateless(&server), Client::handshake(&server).await);
    for (client, params) in [(&stateless, json!({})), (&handshake, modern.clone())] {
        client.notify("com.example/seen", params).await;
        let session = told.recv().await.unwrap();
        assert_eq!(session.opening().era(), Era::Stateless);
        assert_ne!(session, client.session());
    }
    allowed.store(false, Ordering::Relaxed);
    stateless.notify("com.example/seen", modern).await;
    stateless.settle().await;
    handshake.notify("com.example/seen", json!({})).await;
    assert_eq!(
        told.recv().await.unwrap(),
        handshake.session(),
        "only this one was let in"
    );
}

#[tokio::test(start_paused = true)]
async fn extensions_are_declared_where_the_revision_knows_them() {
    let template = template()
        .extension("com.example/audit", object(json!({"level": 2})))
        .experimental("wild", object(json!({"idea": true})));
    let server = serve(template);
    both(&server, async |client| {
        let said = if is_stateless(&client) {
            client.request("server/discover", json!({})).await.unwrap()
        } else {
            client.initialized().clone()
        };
        let declared = &said["capabilities"];
        let extensions = is_stateless(&client).then(|| json!({"com.example/audit": {"level": 2}}));
        assert_eq!(declared.get("extensions"), extensions.as_ref());
        assert_eq!(declared["experimental"], json!({"wild": {"idea": true}}));
    })
    .await;
}

#[test]
fn what_the_specification_defines_cannot_be_replaced() {
    let answer = async |_: Raw, _: Context| Ok(Map::new());
    let hear = async |_: Raw, _: Session| {};
    let built = template()
        .method("tools/list", answer)
        .method("com.example/twice", answer)
        .method("com.example/twice", answer)
        .notification("notifications/cancelled", hear)
        .extension("noprefix", Map::new())
        .build();
    assert_eq!(built.unwrap_err().mistakes().len(), 4);
}
