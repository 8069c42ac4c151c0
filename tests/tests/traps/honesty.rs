//! Nothing is told of what is hidden, and nothing is asked of clients that cannot answer.

use mcp_session::protocol::{InputRequest, InputRequiredResult};
use mcp_session::testing::Client;
use mcp_session::{Resource, Session, Tool};
use serde_json::json;

use super::{serve, template};

#[tokio::test(start_paused = true)]
async fn nobody_hears_of_a_resource_that_is_hidden_from_them() {
    let hiding = async |session: Session| {
        session.edit(|edit| edit.hide_resource("x:secret"))?;
        Ok(())
    };
    let resource = |uri: &str| Resource::new(uri, uri).text("-");
    let template = template()
        .resource(resource("x:secret"))
        .resource(resource("x:open"))
        .on_open(hiding);
    let server = serve(template);
    let uris = ["x:secret", "x:open", "x:unknown"];

    let client = Client::stateless(&server);
    let listening = client
        .listen(json!({"resourceSubscriptions": uris}))
        .await
        .unwrap();
    for uri in uris {
        server.notifier().resource_updated(uri);
    }
    let heard = listening.heard().await;
    let heard: Vec<_> = heard.iter().map(|note| &note.params["uri"]).collect();
    assert_eq!(heard, [&json!("x:open")]);

    let client = Client::handshake(&server).await;
    for uri in ["x:open"] {
        let params = json!({"uri": uri});
        client.request("resources/subscribe", params).await.unwrap();
    }
    let session = client.session();
    session.edit(|edit| edit.hide_resource("x:open")).unwrap();
    client.notifications().await;
    server.notifier().resource_updated("x:open");
    session.resource_updated("x:open");
    assert_eq!(client.notifications().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_asked_by_hand_for_what_it_did_not_declare() {
    let asks = |name: &'static str, method: &'static str| {
        Tool::new(name)
            .description("-")
            .handler(move || async move {
                InputRequiredResult::new().ask("q", InputRequest::new(method, None))
            })
    };
    let nothing = Tool::new("nothing")
        .description("-")
        .handler(async || InputRequiredResult::new());
    let template = template()
        .tool(asks("elicit", "elicitation/create"))
        .tool(asks("sample", "sampling/createMessage"))
        .tool(asks("roots", "roots/list"))
        .tool(nothing);
    let client = Client::stateless(&serve(template));
    for (tool, needed) in [
        ("elicit", json!({"elicitation": {}})),
        ("sample", json!({"sampling": {}})),
        ("roots", json!({"roots": {}})),
    ] {
        let error = client.try_call_tool(tool, json!({})).await.unwrap_err();
        assert_eq!(error.code, -32021, "{tool}: {error}");
        let data = serde_json::to_value(&error).unwrap()["data"].clone();
        assert_eq!(data, json!({"requiredCapabilities": needed}));
    }
    let error = client.try_call_tool("nothing", json!({})).await;
    assert_eq!(error.unwrap_err().code, -32603);
}
