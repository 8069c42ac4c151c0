//! What is hidden answers byte for byte like what never was.

use mcp_session::testing::Client;
use mcp_session::{Prompt, Resource, ResourceTemplate, Server, Session};
use serde_json::{Value, json};

use super::{both, is_stateless, named, serve, template};

/// Every session hides its tool, prompt, resource and resource template called `hidden`.
fn hiding() -> Server {
    let prompt = |name: &str| {
        Prompt::new(name)
            .argument("x", "-")
            .complete("x", ["1"])
            .handler(async || "-")
    };
    let resource = |uri: &str| Resource::new(uri, uri).text("-");
    let files = |scheme: &str| {
        let uris = format!("{scheme}://{{path}}");
        ResourceTemplate::new(uris, scheme)
            .complete("path", ["1"])
            .handler(async || "-")
    };
    let hook = async |session: Session| {
        session.edit(|edit| {
            edit.hide_tool("hidden")?;
            edit.hide_prompt("hidden")?;
            edit.hide_resource("x:hidden")?;
            edit.hide_resource("open://hidden")?;
            edit.hide_resource_template("hidden://{path}")
        })?;
        Ok(())
    };
    let template = template().tool(named("hidden")).tool(named("shown"));
    let template = template.prompt(prompt("hidden")).prompt(prompt("shown"));
    let template = template
        .resource(resource("x:hidden"))
        .resource(resource("open://hidden"));
    serve(
        template
            .resource(files("hidden"))
            .resource(files("open"))
            .on_open(hook),
    )
}

async fn answer(client: &Client, method: &str, mut params: Value) -> String {
    if is_stateless(client) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut lines = client.raw_request(&line.to_string()).await;
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_is_hidden_answers_like_what_is_unknown() {
    let requests: [(&str, fn(&str) -> Value); 7] = [
        ("tools/call", |name| json!({"name": name, "arguments": {}})),
        ("tools/call", |name| json!({"name": name})),
        ("prompts/get", |name| json!({"name": name})),
        ("resources/read", |name| json!({"uri": format!("x:{name}")})),
        (
            "resources/read",
            |name| json!({"uri": format!("{name}://path")}),
        ),
        ("completion/complete", |name| {
            let reference = json!({"type": "ref/prompt", "name": name});
            json!({"ref": reference, "argument": {"name": "x", "value": ""}})
        }),
        ("completion/complete", |name| {
            let reference = json!({"type": "ref/resource", "uri": format!("{name}://{{path}}")});
            json!({"ref": reference, "argument": {"name": "path", "value": ""}})
        }),
    ];
    let server = hiding();
    both(&server, async |client| {
        for (method, params) in requests {
            let hidden = answer(&client, method, params("hidden")).await;
            let unknown = answer(&client, method, params("absent")).await;
            assert!(unknown.contains("\"error\""), "{unknown}");
            assert_eq!(hidden.replace("hidden", "absent"), unknown, "{method}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hidden_resource_is_not_served_by_a_template_either() {
    let server = hiding();
    both(&server, async |client| {
        assert!(client.try_read_resource("open://else").await.is_ok());
        let error = client.try_read_resource("open://hidden").await.unwrap_err();
        assert_eq!(&*error.message, "resource not found");
        if !is_stateless(&client) {
            let subscribe = async |uri: &str| {
                client
                    .request("resources/subscribe", json!({"uri": uri}))
                    .await
            };
            assert!(subscribe("open://else").await.is_ok());
            assert_eq!(subscribe("open://hidden").await.unwrap_err().code, -32002);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_hidden_is_in_no_list() {
    let server = hiding();
    both(&server, async |client| {
        for method in ["tools/list", "prompts/list", "resources/templates/list"] {
            let page = client.list_bytes(method).await.concat();
            assert!(!page.contains("hidden"), "{page}");
        }
        assert!(client.list_resources().await.is_empty());
        assert_eq!(client.list_tools().await.len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn hiding_in_the_middle_of_a_call_lets_it_finish_and_refuses_the_next() {
    let tool = mcp_session::Tool::new("once")
        .description("-")
        .handler(async |session: Session| {
            session.edit(|edit| edit.hide_tool("once")).unwrap();
            tokio::task::yield_now().await;
            "finished"
        });
    let server = serve(template().tool(tool));
    let client = Client::handshake(&server).await;
    assert_eq!(client.call_tool("once", json!({})).await.text(), "finished");
    let error = client.try_call_tool("once", json!({})).await.unwrap_err();
    assert_eq!(&*error.message, "unknown tool: once");
}
