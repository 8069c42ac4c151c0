//! Changing one session's view.

use mcp_session::testing::Client;
use mcp_session::{Error, Family, Prompt, Resource, Server, Session, Tool, ToolError};
use serde_json::json;

use super::{both, named, serve, template};

async fn names(client: &Client) -> Vec<String> {
    client
        .list_tools()
        .await
        .into_iter()
        .map(|tool| tool.name)
        .collect()
}

async fn methods(client: &Client) -> Vec<String> {
    client
        .notifications()
        .await
        .into_iter()
        .map(|said| said.method)
        .collect()
}

const TOOLS_CHANGED: &str = "notifications/tools/list_changed";

fn offering() -> Server {
    let edits = Tool::new("edits")
        .description("-")
        .handler(async |session: Session| {
            session.edit(|edit| {
                edit.hide_tool("a")?;
                edit.add_tool(named("own"))
            })?;
            Ok::<_, ToolError>("edited")
        });
    let template = template().tool(named("a")).tool(named("b")).tool(edits);
    let prompt = Prompt::new("hello").handler(async || "Hello.");
    serve(
        template
            .prompt(prompt)
            .resource(Resource::new("x:a", "a").text("-")),
    )
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_one_notification_per_family_and_seen_at_once() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let other = Client::handshake(&server).await;
    assert_eq!(client.call_tool("edits", json!({})).await.text(), "edited");
    assert_eq!(methods(&client).await, [TOOLS_CHANGED]);
    assert_eq!(names(&client).await, ["b", "edits", "own"]);
    assert_eq!(client.call_tool("own", json!({})).await.text(), "own");
    let edited = client.session().edit(|edit| {
        edit.hide_prompt("hello")?;
        edit.add_tool(named("more"))?;
        edit.add_tool(named("and more"))?;
        edit.add_resource(Resource::new("x:b", "b").text("-"))
    });
    assert!(
        edited.unwrap_err().is_registration(),
        "a space has no place in a name"
    );
    let edited = client.session().edit(|edit| {
        edit.hide_prompt("hello")?;
        edit.add_tool(named("more"))?;
        edit.add_tool(named("and_more"))?;
        edit.add_resource(Resource::new("x:b", "b").text("-"))
    });
    edited.unwrap();
    let mut told = methods(&client).await;
    told.sort();
    let families = ["prompts", "resources", "tools"];
    assert_eq!(
        told,
        families.map(|family| format!("notifications/{family}/list_changed"))
    );
    assert_eq!(names(&other).await, ["a", "b", "edits"]);
    assert_eq!(methods(&other).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_nothing_tells_nobody() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let before = client.list_bytes("tools/list").await;
    let session = client.session();
    session.edit(|_| Ok(())).unwrap();
    session.edit(|edit| edit.add_tool(named("a"))).unwrap();
    session.edit(|edit| edit.show_tool("b")).unwrap();
    let edited = session.edit(|edit| {
        edit.add_tool(named("brief"))?;
        edit.hide_tool("b")?;
        edit.hide_tool("brief")?;
        edit.show_tool("b")
    });
    edited.unwrap();
    assert_eq!(methods(&client).await, [""; 0]);
    assert_eq!(client.list_bytes("tools/list").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_failed_edit_changes_nothing_at_all() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let before = client.list_bytes("tools/list").await;
    let edited = client.session().edit(|edit| {
        edit.add_tool(named("own"))?;
        edit.hide_tool("a")?;
        edit.hide_tool("never there")
    });
    let error = edited.unwrap_err();
    assert!(error.is_edit());
    assert_eq!(
        error.to_string(),
        "this edit cannot be made: there is no tool `never there`"
    );
    assert_eq!(methods(&client).await, [""; 0]);
    assert_eq!(client.list_bytes("tools/list").await, before);
    assert_eq!(
        client
            .try_call_tool("own", json!({}))
            .await
            .unwrap_err()
            .code,
        -32602
    );
}

#[tokio::test(start_paused = true)]
async fn every_check_of_the_template_is_made_of_an_edit() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let bad: [(&str, Tool); 3] = [
        (
            "name",
            Tool::new("no spaces")
                .description("-")
                .handler(async || "-"),
        ),
        (
            "schema",
            Tool::new("schema")
                .description("-")
                .input_schema(json!({"type": "array"}))
                .handler(async || "-"),
        ),
        (
            "dependency",
            Tool::new("dependency")
                .description("-")
                .handler(async |_: mcp_session::Dep<Vec<u8>>| "-"),
        ),
    ];
    for (what, tool) in bad {
        let error = client
            .session()
            .edit(|edit| edit.add_tool(tool))
            .unwrap_err();
        assert!(
            error.is_registration() && error.mistakes().len() == 1,
            "{what}: {error}"
        );
    }
    assert_eq!(methods(&client).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_family_that_was_not_declared_cannot_be_added_to() {
    let server = serve(template().declare(Family::Tools));
    let client = Client::handshake(&server).await;
    let prompt = || Prompt::new("hello").handler(async || "Hello.");
    let error = client
        .session()
        .edit(|edit| edit.add_prompt(prompt()))
        .unwrap_err();
    assert!(
        error.is_edit() && error.to_string().contains("TemplateBuilder::declare"),
        "{error}"
    );
    client
        .session()
        .edit(|edit| edit.add_tool(named("first")))
        .unwrap();
    assert_eq!(names(&client).await, ["first"]);
    assert_eq!(methods(&client).await, [TOOLS_CHANGED]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_a_stateless_handler_is_refused_with_the_remedy() {
    let server = offering();
    let client = Client::stateless(&server);
    let said = client.call_tool("edits", json!({})).await.error();
    assert!(
        said.contains("cannot be kept") && said.contains("on_open"),
        "{said}"
    );
    assert_eq!(names(&client).await, ["a", "b", "edits"]);
}

#[tokio::test(start_paused = true)]
async fn on_open_may_edit_in_every_scope_and_nobody_is_told() {
    let hook = async |session: Session| {
        session.edit(|edit| {
            edit.hide_tool("a")?;
            edit.add_tool(named("own"))
        })?;
        Ok(())
    };
    let server = serve(template().tool(named("a")).tool(named("b")).on_open(hook));
    both(&server, async |client| {
        assert_eq!(names(&client).await, ["b", "own"]);
        assert_eq!(client.call_tool("own", json!({})).await.text(), "own");
        assert_eq!(
            client.try_call_tool("a", json!({})).await.unwrap_err().code,
            -32602
        );
        assert_eq!(methods(&client).await, [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_edited_before_its_client_comes() {
    let server = offering();
    let mut builder = Some(Client::builder(&server));
    let client = builder.take().unwrap().attach();
    client.session().edit(|edit| edit.hide_tool("a")).unwrap();
    assert_eq!(methods(&client).await, [""; 0]);
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "late", "version": "1"},
    });
    client.request("initialize", params).await.unwrap();
    assert_eq!(names(&client).await, ["b", "edits"]);
}

#[tokio::test(start_paused = true)]
async fn replacing_keeps_the_place_and_showing_brings_back_the_original() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let before = client.list_bytes("tools/list").await;
    let session = client.session();
    let other = Tool::new("a")
        .description("Another a.")
        .handler(async || "replaced");
    session.edit(|edit| edit.add_tool(other)).unwrap();
    assert_eq!(names(&client).await, ["a", "b", "edits"]);
    assert_eq!(client.call_tool("a", json!({})).await.text(), "replaced");
    session.edit(|edit| edit.show_tool("a")).unwrap();
    assert_eq!(client.call_tool("a", json!({})).await.text(), "a");
    assert_eq!(client.list_bytes("tools/list").await, before);
    assert_eq!(methods(&client).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_refuses_edits() {
    let server = offering();
    let client = Client::handshake(&server).await;
    let session = client.session();
    client.close().await;
    let error: Error = session.edit(|edit| edit.hide_tool("a")).unwrap_err();
    assert!(error.is_ended());
}

#[tokio::test(start_paused = true)]
async fn a_background_task_may_edit_after_the_request_is_answered() {
    let later = Tool::new("later")
        .description("-")
        .handler(async |session: Session| {
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                session.edit(|edit| edit.add_tool(named("own"))).unwrap();
            });
        });
    let server = serve(template().tool(later));
    let client = Client::handshake(&server).await;
    client.call_tool("later", json!({})).await;
    client.notification(TOOLS_CHANGED).await;
    assert_eq!(names(&client).await, ["later", "own"]);
}
