//! Calls: what they answer, what they say on the way, and how they are called off.
#![expect(
    deprecated,
    reason = "logging is deprecated, and older clients still set its level"
)]

use rmcp::model::{
    CallToolRequest, ClientRequest, LoggingLevel, PingRequest, RequestMetaObject, ServerResult,
    SetLevelRequestParams,
};
use rmcp::service::{PeerRequestOptions, ServiceError};
use serde_json::{Value, json};

use crate::rmcp_client::client::request;
use crate::rmcp_client::{Client, Heard, every_way};

every_way! {
    structured_and_plain_answers_arrive
    failures_reach_the_model
    wrong_arguments_reach_the_model
    unknown_tools_are_refused
    progress_arrives_in_order
    logging_follows_the_level_asked_for
    cancelled_calls_stop
    pings_are_answered_where_they_exist
    many_calls_run_at_once
}

async fn structured_and_plain_answers_arrive(client: &mut Client) {
    let sum = client.call("add", json!({"a": 2, "b": 40})).await.unwrap();
    assert_eq!(sum.structured_content, Some(json!({"sum": 42})));
    assert_eq!(crate::rmcp_client::client::text_of(&sum), r#"{"sum":42}"#);
    assert_eq!(
        client.text("greet", json!({"name": "Åse"})).await,
        "Hello, Åse!"
    );
    let picture = client.call("picture", json!({})).await.unwrap();
    let image = picture.content[0].as_image().unwrap();
    assert_eq!(
        (image.data.as_str(), image.mime_type.as_str()),
        ("iVBORw0KGgo=", "image/png")
    );
}

async fn failures_reach_the_model(client: &mut Client) {
    assert_eq!(
        client.failure("fail", json!({})).await,
        "the kettle is empty"
    );
    assert_eq!(
        client.text("greet", json!({"name": "you"})).await,
        "Hello, you!"
    );
}

async fn wrong_arguments_reach_the_model(client: &mut Client) {
    let wrong = client.failure("add", json!({"a": "two", "b": 1})).await;
    assert!(
        wrong.contains("`a`") && wrong.contains("an integer"),
        "{wrong}"
    );
    let missing = client.failure("add", json!({"a": 2})).await;
    assert!(missing.contains("`b`"), "{missing}");
}

async fn unknown_tools_are_refused(client: &mut Client) {
    assert_eq!(client.refusal("nothing", json!({})).await, -32602);
}

async fn progress_arrives_in_order(client: &mut Client) {
    assert_eq!(client.text("count", json!({})).await, "counted");
    // rmcp runs each notification in a task of its own, so that only the set is certain.
    let mut steps = Vec::new();
    for _ in 0..3 {
        let Heard::Progress(step, total) = client.next_heard().await else {
            panic!("not progress");
        };
        assert_eq!(total, Some(3.0));
        steps.push(step);
    }
    steps.sort_by(f64::total_cmp);
    assert_eq!(steps, [1.0, 2.0, 3.0]);
}

async fn logging_follows_the_level_asked_for(client: &mut Client) {
    if client.way.has_handshake() {
        let warning = SetLevelRequestParams::new(LoggingLevel::Warning);
        client.rmcp.set_level(warning).await.unwrap();
        assert_eq!(client.text("chat", json!({})).await, "logged");
        assert_eq!(client.next_heard().await, Heard::Log(json!("careful")));
        let debug = SetLevelRequestParams::new(LoggingLevel::Debug);
        client.rmcp.set_level(debug).await.unwrap();
        client.text("chat", json!({})).await;
        let both = [client.next_heard().await, client.next_heard().await];
        assert!(both.contains(&Heard::Log(json!("details"))), "{both:?}");
        assert!(both.contains(&Heard::Log(json!("careful"))), "{both:?}");
    } else {
        // 2026-07-28, "Logging": nothing is sent unless the request names a level.
        client.text("chat", json!({})).await;
        let mut params = request("chat", json!({}));
        let mut meta = RequestMetaObject::default();
        meta.set_log_level(LoggingLevel::Warning);
        params.meta = Some(meta);
        client.rmcp.call_tool(params).await.unwrap();
        assert_eq!(client.next_heard().await, Heard::Log(json!("careful")));
    }
    assert!(client.heard_nothing_else());
}

async fn cancelled_calls_stop(client: &mut Client) {
    let hang = ClientRequest::CallToolRequest(CallToolRequest::new(request("hang", json!({}))));
    let options = PeerRequestOptions::no_options();
    let hanging = client
        .rmcp
        .send_cancellable_request(hang, options)
        .await
        .unwrap();
    assert_eq!(client.next_heard().await, Heard::Progress(1.0, None));
    hanging.cancel(Some("enough".to_owned())).await.unwrap();
    assert_eq!(client.text("freed", json!({})).await, "freed");
}

/// 2026-07-28 has no `ping`.
async fn pings_are_answered_where_they_exist(client: &mut Client) {
    let ping = ClientRequest::PingRequest(PingRequest::default());
    match client.rmcp.send_request(ping).await {
        Ok(ServerResult::EmptyResult(_)) => assert!(client.way.has_handshake()),
        Err(ServiceError::McpError(error)) => {
            assert_eq!(error.code.0, -32601);
            assert!(!client.way.has_handshake());
        }
        other => panic!("{other:?}"),
    }
}

async fn many_calls_run_at_once(client: &mut Client) {
    let calls = (0..40).map(|n| client.call("add", json!({"a": n, "b": n})));
    let sums = futures_util::future::join_all(calls).await;
    for (n, sum) in sums.into_iter().enumerate() {
        let sum: Option<Value> = sum.unwrap().structured_content;
        assert_eq!(sum, Some(json!({"sum": 2 * n})));
    }
}
