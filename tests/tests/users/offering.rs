//! What a client is offered is right from the first list on, its own, and the same to list and to
//! call.

use http::Method;
use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::session::Opening;
use mcp_session::testing;
use mcp_session::{Context, Principal, Server, Session, Template, Tool, ToolError, Variant, tool};
use serde_json::{Value, json};

use crate::http::support::{Client, initialize, said};
use crate::users::named;
use crate::users::{names, with_token};

fn variant(tool: &str) -> Template {
    let template = Template::builder("family", "1").tool(named(tool));
    template.build().unwrap()
}

/// A family whose selector looks at everything that it may look at.
fn family() -> Server {
    let select = |opening: &Opening| {
        let by_path = opening.path().and_then(|path| path.strip_prefix("/mcp/"));
        let by_principal = || {
            let subject = opening.principal().map(Principal::subject);
            subject
                .filter(|subject| *subject == "tester")
                .map(|_| "beta")
        };
        let chosen = by_path
            .or_else(|| opening.query("variant"))
            .or_else(|| opening.header("x-variant"))
            .or_else(by_principal);
        chosen.unwrap_or(Variant::DEFAULT).to_owned()
    };
    let tokens = ["somebody", "tester"]
        .into_iter()
        .fold(BearerTokens::new(), |all, name| {
            all.token(name, Caller::new(Principal::new("test", name)))
        });
    let server = Server::builder(variant("plain")).variant("beta", variant("fancy"));
    server.select(select).authenticate(tokens).build().unwrap()
}

async fn sent(
    client: &Client,
    message: &Value,
    uri: &str,
    header: Option<&str>,
) -> crate::http::support::Answer {
    let mut request = client.headers(Method::POST, message).uri(uri);
    if let Some(header) = header {
        request = request.header("x-variant", header);
    }
    client.send(request, &message.to_string()).await
}

/// Clients that never look at a list again must find the right one at once: it is chosen by URL,
/// header or principal before they are told anything.
#[tokio::test]
async fn the_first_list_is_right_whatever_it_depends_on() {
    let server = family();
    let cases = [
        ("/mcp", None, "somebody", "plain"),
        ("/mcp/beta", None, "somebody", "fancy"),
        ("/mcp?variant=beta", None, "somebody", "fancy"),
        ("/mcp", Some("beta"), "somebody", "fancy"),
        ("/mcp", None, "tester", "fancy"),
        ("/mcp?variant=unknown", None, "tester", "plain"),
    ];
    for (uri, header, token, expected) in cases {
        let modern = with_token(&server, token);
        let list = modern.message(1, "tools/list", json!({}));
        let page = sent(&modern, &list, uri, header).await.json().await;
        assert_eq!(names(&page), [expected], "{uri} {header:?} {token}");
        let cache = (&page["result"]["cacheScope"], &page["result"]["ttlMs"]);
        assert_eq!(cache, (&json!("private"), &json!(0)));

        let mut client = Client {
            version: "2025-11-25",
            ..modern
        };
        let opened = sent(&client, &initialize("2025-11-25"), uri, header).await;
        client.session = opened.header("mcp-session-id");
        let list = client.message(1, "tools/list", json!({}));
        let page = client.post(list).await.json().await;
        assert_eq!(names(&page), [expected], "{uri} {header:?} {token}");
        let call = client.call(2, expected, 0);
        assert_eq!(said(&client.post(call).await.json().await), expected);
    }
}

/// `list_changed` is advice, and big clients do not take it: what was added is there to be called
/// all the same, in the session that is open.
#[tokio::test(start_paused = true)]
async fn what_is_added_in_mid_session_can_be_called_by_who_never_lists_again() {
    let server = Server::new(variant("plain"));
    let client = testing::Client::handshake(&server).await;
    client.list_tools().await;
    let edited = client.session().edit(|edit| {
        edit.add_tool(named("added"))?;
        edit.hide_tool("plain")
    });
    edited.unwrap();
    assert_eq!(client.call_tool("added", json!({})).await.text(), "added");
    let error = client.try_call_tool("plain", json!({})).await.unwrap_err();
    assert_eq!(error.code, -32602, "and what was hidden is not");
}

const SESSIONS: usize = 100;
const CHANGES: usize = 1_000;

/// Adds, replaces, hides and shows again, and leaves the session with one tool of its own.
async fn mutate(session: Session, number: usize) {
    for change in 0..CHANGES {
        let own = Tool::new("own")
            .description(format!("{number}.{change}"))
            .handler(async || "own");
        let edited = session.edit(|edit| match change % 4 {
            0 | 2 => edit.add_tool(own),
            1 => edit.hide_tool("plain"),
            _ => edit.show_tool("plain"),
        });
        edited.unwrap();
        tokio::task::yield_now().await;
    }
}

/// A hundred thousand changes of a hundred sessions at once: nobody sees a change of another's,
/// and who changed nothing sees the same bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_changes_at_once_are_each_seen_in_one_session() {
    let server = Server::new(variant("plain"));
    let untouched = testing::Client::handshake(&server).await;
    let before = untouched.list_bytes("tools/list").await;
    let sessions = (0..SESSIONS).map(|number| {
        let server = server.clone();
        tokio::spawn(async move {
            let client = testing::Client::handshake(&server).await;
            let changing = tokio::spawn(mutate(client.session(), number));
            // What is seen meanwhile is this session's own, whenever it is looked at.
            for _ in 0..20 {
                for tool in client.list_tools().await {
                    let said = tool.description.unwrap();
                    let own = said.starts_with(&format!("{number}."));
                    assert_eq!(own, tool.name == "own", "{number}: {said}");
                }
            }
            changing.await.unwrap();
            let tools = client.list_tools().await;
            let last = tools.last().unwrap().description.clone().unwrap();
            assert_eq!(
                (tools.len(), last),
                (2, format!("{number}.{}", CHANGES - 2))
            );
        })
    });
    for session in futures_util::future::join_all(sessions).await {
        session.unwrap();
    }
    assert_eq!(untouched.list_bytes("tools/list").await, before);
    assert_eq!(untouched.notifications().await, []);
}

/// Hides itself from its caller while it runs.
#[tool]
async fn vanish(ctx: Context) -> Result<&'static str, ToolError> {
    let scope = ctx.principal_scope()?;
    scope.edit(|edit| edit.hide_tool("vanish")).await?;
    tokio::task::yield_now().await;
    Ok("finished")
}

/// What goes away under a running call lets it finish, and is refused from then on like what
/// never was; in the stateless era too.
#[tokio::test(start_paused = true)]
async fn what_a_principal_loses_during_a_call_is_unknown_to_the_next() {
    let template = Template::builder("vanishing", "1").tool(vanish);
    let server = Server::new(template.build().unwrap());
    let ann = testing::Client::builder(&server)
        .version(mcp_session::protocol::ProtocolVersion::LATEST)
        .principal(Principal::new("test", "ann"))
        .connect()
        .await;
    assert_eq!(ann.call_tool("vanish", json!({})).await.text(), "finished");
    let hidden = ann.try_call_tool("vanish", json!({})).await.unwrap_err();
    let unknown = ann.try_call_tool("banish", json!({})).await.unwrap_err();
    let hidden = serde_json::to_string(&hidden).unwrap();
    let unknown = serde_json::to_string(&unknown).unwrap();
    assert_eq!(hidden, unknown.replace("banish", "vanish"));
    assert!(ann.list_tools().await.is_empty());
}
