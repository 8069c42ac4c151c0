//! What belongs to one request, and nothing that was inferred from an earlier one.

use mcp_session::testing::Client;
use mcp_session::{Capability, Context, LogLevel, Prompt, Resource, Tool};
use serde_json::{Value, json};

use super::{both, is_stateless, named, serve, template};

#[tokio::test(start_paused = true)]
async fn a_stateless_client_is_what_it_says_in_this_request() {
    let tool = Tool::new("who")
        .description("-")
        .handler(async |ctx: Context| {
            let client = ctx.client();
            let name = client
                .info()
                .map_or("nobody", |info| &*info.name)
                .to_owned();
            format!(
                "{name} {} {}",
                client.can(Capability::Elicitation),
                ctx.session().client().is_some()
            )
        });
    let server = serve(template().tool(tool));
    let client = Client::stateless(&server);
    let say = async |info: Value, capabilities: Value| {
        let meta = json!({
            "io.modelcontextprotocol/clientInfo": info,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let params = json!({"name": "who", "_meta": meta});
        let result = client.request("tools/call", params).await.unwrap();
        result["content"][0]["text"].as_str().unwrap().to_owned()
    };
    let ann = json!({"name": "ann", "version": "1"});
    assert_eq!(say(ann, json!({"elicitation": {}})).await, "ann true false");
    let bob = json!({"name": "bob", "version": "1"});
    assert_eq!(say(bob, json!({})).await, "bob false false");
}

#[tokio::test(start_paused = true)]
async fn what_a_prompt_or_resource_needs_is_checked_before_it_runs() {
    let prompt = Prompt::new("needy")
        .needs(Capability::Elicitation)
        .handler(async || -> String { panic!("it must not run") });
    let resource = Resource::new("x:needy", "needy")
        .needs(Capability::Elicitation)
        .handler(async || -> String { panic!("it must not run") });
    let server = serve(template().prompt(prompt).resource(resource));
    both(&server, async |client| {
        let expected = if is_stateless(&client) {
            -32021
        } else {
            -32603
        };
        let error = client.try_get_prompt("needy", json!({})).await.unwrap_err();
        assert_eq!(error.code, expected);
        let error = client.try_read_resource("x:needy").await.unwrap_err();
        assert_eq!(error.code, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_sees_the_metadata_that_came_along() {
    let tool = Tool::new("meta")
        .description("-")
        .handler(async |ctx: Context| {
            let meta = ctx.meta();
            format!(
                "{:?} {:?}",
                meta.traceparent,
                meta.other.get("com.example/x")
            )
        });
    let server = serve(template().tool(tool));
    both(&server, async |client| {
        let meta = json!({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "com.example/x": 7});
        let params = json!({"name": "meta", "_meta": meta});
        let result = client.request("tools/call", params).await.unwrap();
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(said.contains("0af7651916cd43dd8448eb211c80319c") && said.contains("Number(7)"), "{said}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_log_messages_costs_messages_and_no_answer() {
    let flood = Tool::new("flood")
        .description("-")
        .handler(async |ctx: Context| {
            for number in 0..10_000 {
                ctx.log(LogLevel::Error, number);
            }
            "done"
        });
    let server = serve(template().tool(flood).tool(named("other")));
    both(&server, async |client| {
        let meta = json!({"io.modelcontextprotocol/logLevel": "debug"});
        let params = json!({"name": "flood", "_meta": meta});
        let call = client.start("tools/call", params).await;
        let other = client.start("tools/call", json!({"name": "other"})).await;
        assert_eq!(other.result().await.unwrap()["content"][0]["text"], "other");
        assert_eq!(call.result().await.unwrap()["content"][0]["text"], "done");
        let said = client.notifications().await;
        assert_eq!(said.len(), 256, "as many as may wait");
        assert_eq!(
            (&said[0].params["data"], &said[255].params["data"]),
            (&json!(0), &json!(255))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_in_flight_is_taken_whatever_the_era() {
    let wait = Tool::new("wait").description("-").handler(async || {
        std::future::pending::<()>().await;
    });
    let server = serve(template().tool(wait));
    let client = Client::handshake(&server).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = |meta: Value| {
        let params = json!({"name": "wait", "_meta": meta});
        json!({"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": params})
            .to_string()
    };
    client.send_line(&call(json!({}))).await;
    for meta in [json!({}), meta] {
        let lines = client.raw_request(&call(meta)).await;
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("a request with this id is still in flight"),
            "{lines:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_edit_leaves_the_session_as_it_was() {
    let server = serve(template().tool(named("tool")));
    let client = Client::handshake(&server).await;
    let session = client.session();
    let panicking = tokio::spawn(async move {
        session.edit(|edit| -> mcp_session::Result<()> {
            edit.hide_tool("tool")?;
            panic!("this panic is part of the test");
        })
    });
    assert!(panicking.await.is_err());
    assert_eq!(client.list_tools().await.len(), 1);
    client
        .session()
        .edit(|edit| edit.hide_tool("tool"))
        .unwrap();
    assert!(client.list_tools().await.is_empty());
}
