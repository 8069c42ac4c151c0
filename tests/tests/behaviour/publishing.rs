//! New revisions of a template: who sees them, and who is told.

use mcp_session::testing::Client;
use mcp_session::{Error, Family, Prompt, Server, Variant};
use serde_json::json;

use super::{named, serve, template};

async fn names(client: &Client) -> Vec<String> {
    client
        .list_tools()
        .await
        .into_iter()
        .map(|tool| tool.name)
        .collect()
}

fn offering() -> Server {
    serve(
        template()
            .tool(named("old"))
            .prompt(Prompt::new("hello").handler(async || "Hello.")),
    )
}

#[tokio::test(start_paused = true)]
async fn open_handshake_sessions_keep_theirs_and_later_ones_get_the_new_one() {
    let server = offering();
    let open = Client::handshake(&server).await;
    let stateless = Client::stateless(&server);
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(named("new")))
        .await
        .unwrap();
    assert_eq!(names(&open).await, ["old"]);
    assert_eq!(
        open.try_call_tool("new", json!({})).await.unwrap_err().code,
        -32602
    );
    assert_eq!(open.notifications().await, [], "nothing changed for it");
    assert_eq!(
        names(&Client::handshake(&server).await).await,
        ["old", "new"]
    );
    assert_eq!(names(&stateless).await, ["old", "new"]);
    assert_eq!(stateless.call_tool("new", json!({})).await.text(), "new");
}

#[tokio::test(start_paused = true)]
async fn listen_streams_are_told_once_and_only_of_what_they_asked_for() {
    let server = offering();
    let (one, two) = (Client::stateless(&server), Client::stateless(&server));
    let tools = one.listen(json!({"toolsListChanged": true})).await.unwrap();
    let prompts = two
        .listen(json!({"promptsListChanged": true}))
        .await
        .unwrap();
    let publish = server.publish(Variant::DEFAULT, |edit| {
        edit.add_tool(named("a"))?;
        edit.add_tool(named("b"))?;
        edit.hide_tool("old")
    });
    publish.await.unwrap();
    let heard = tools.heard().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].method, "notifications/tools/list_changed");
    assert_eq!(heard[0].subscription().as_ref(), Some(tools.id()));
    assert_eq!(prompts.heard().await, []);
    assert_eq!(names(&one).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_changes_nothing_tells_nobody() {
    let server = offering();
    let client = Client::stateless(&server);
    let stream = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    let before = client.list_bytes("tools/list").await;
    server.publish(Variant::DEFAULT, |_| Ok(())).await.unwrap();
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(named("old")))
        .await
        .unwrap();
    let publish = server.publish(Variant::DEFAULT, |edit| {
        edit.add_tool(named("brief"))?;
        edit.hide_tool("brief")
    });
    publish.await.unwrap();
    assert_eq!(stream.heard().await, []);
    assert_eq!(client.list_bytes("tools/list").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_failed_publication_publishes_nothing() {
    let server = offering();
    let client = Client::stateless(&server);
    let stream = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    let publish = server.publish(Variant::DEFAULT, |edit| {
        edit.add_tool(named("new"))?;
        edit.hide_tool("never there")
    });
    assert!(publish.await.unwrap_err().is_edit());
    let error: Error = server.publish("beta", |_| Ok(())).await.unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(names(&client).await, ["old"]);
    assert_eq!(stream.heard().await, []);
}

#[tokio::test(start_paused = true)]
async fn what_replaces_an_entry_takes_its_place() {
    let server = serve(
        template()
            .tool(named("a"))
            .tool(named("b"))
            .tool(named("c")),
    );
    let other = named("b").title("Another b");
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(other))
        .await
        .unwrap();
    let client = Client::stateless(&server);
    let tools = client.list_tools().await;
    let titles: Vec<_> = tools
        .iter()
        .map(|tool| (&*tool.name, tool.title.as_deref()))
        .collect();
    assert_eq!(titles, [("a", None), ("b", Some("Another b")), ("c", None)]);
}

#[tokio::test(start_paused = true)]
async fn publications_that_arrive_together_are_all_kept() {
    let server = serve(template().declare(Family::Tools));
    let publications = (0..20).map(|number| {
        let server = server.clone();
        tokio::spawn(async move {
            let tool = named(&format!("tool{number}"));
            server
                .publish(Variant::DEFAULT, |edit| edit.add_tool(tool))
                .await
                .unwrap();
        })
    });
    futures_util::future::join_all(publications).await;
    assert_eq!(Client::stateless(&server).list_tools().await.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_view_hides_the_change_is_not_told() {
    let server = serve(
        template()
            .tool(named("secret"))
            .tool(named("open"))
            .on_open(async |session: mcp_session::Session| {
                session.edit(|edit| edit.hide_tool("secret"))?;
                Ok(())
            }),
    );
    let client = Client::stateless(&server);
    let stream = client
        .listen(json!({"toolsListChanged": true}))
        .await
        .unwrap();
    let changed = named("secret").title("Still secret");
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(changed))
        .await
        .unwrap();
    assert_eq!(stream.heard().await, []);
    server
        .publish(Variant::DEFAULT, |edit| edit.add_tool(named("more")))
        .await
        .unwrap();
    assert_eq!(stream.heard().await.len(), 1);
}
