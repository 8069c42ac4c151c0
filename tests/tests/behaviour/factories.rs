//! Entries that registered factories make, and entries that are not to be kept.

use mcp_session::catalog::{IntoPrompt as _, IntoResource as _, IntoTool as _, ResourceEntry};
use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::Client;
use mcp_session::{
    BoxError, Context, JsonSchema, Principal, Prompt, Resource, ResourceTemplate, Result, Server,
    Session, Tool, ToolError, Variant, prompt, resource, tool,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{both, is_stateless, named, serve, template};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Saved {
    name: String,
    said: String,
}

fn saved(name: &str) -> Saved {
    let said = format!("{name}!");
    let name = name.to_owned();
    Saved { name, said }
}

fn saved_tool(saved: Saved) -> Result<Tool> {
    let Saved { name, said } = saved;
    Ok(Tool::new(name)
        .description("Says what was saved.")
        .handler(move || {
            let said = said.clone();
            async move { said }
        }))
}

fn saved_resource(saved: Saved) -> Result<ResourceEntry, BoxError> {
    let Saved { name, said } = saved;
    if name.is_empty() {
        return Err("nothing was saved".into());
    }
    if said == "family" {
        let family = ResourceTemplate::new(format!("{name}:{{which}}"), "family");
        return Ok(family.handler(async || "one of them").into());
    }
    Ok(Resource::new(format!("{name}:it"), name).text(said).into())
}

/// A server whose sessions install things, where their era lets them.
fn offering() -> Server {
    let install = Tool::new("install")
        .description("Installs a tool.")
        .handler(async |saved: Saved, ctx: Context, session: Session| {
            if ctx.principal().is_some() {
                let scope = ctx.principal_scope()?;
                scope.edit(|edit| edit.install("tool", &saved)).await?;
            } else {
                session.edit(|edit| edit.install("tool", &saved))?;
            }
            Ok::<_, ToolError>("installed")
        });
    let template = template()
        .tool(install)
        .tool_factory("tool", saved_tool)
        .prompt_factory("prompt", |name: String| {
            Prompt::new(name).handler(async || "Hello.")
        })
        .resource_factory("resource", saved_resource);
    serve(template)
}

async fn client(server: &Server, version: ProtocolVersion, subject: &str) -> Client {
    let principal = Principal::new("https://issuer.example", subject);
    let builder = Client::builder(server).version(version);
    let builder = match version {
        ProtocolVersion::LATEST => builder.principal(principal),
        _ => builder,
    };
    builder.connect().await
}

async fn names(client: &Client) -> Vec<String> {
    let tools = client.list_tools().await;
    tools.into_iter().map(|tool| tool.name).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_factory_makes_is_listed_called_and_told_in_both_eras() {
    let server = offering();
    for version in [ProtocolVersion::LATEST_HANDSHAKE, ProtocolVersion::LATEST] {
        let ann = client(&server, version, "ann").await;
        let bob = client(&server, version, "bob").await;
        let mut stream = None;
        if is_stateless(&ann) {
            let wish = json!({"toolsListChanged": true});
            stream = Some(ann.listen(wish).await.unwrap());
        }
        ann.call_tool("install", json!(saved("mine"))).await;
        let told = match &stream {
            Some(stream) => stream.heard().await,
            None => ann.notifications().await,
        };
        let told: Vec<_> = told.into_iter().map(|said| said.method).collect();
        assert_eq!(told, ["notifications/tools/list_changed"], "{version}");
        assert_eq!(names(&ann).await, ["install", "mine"]);
        assert_eq!(ann.call_tool("mine", json!({})).await.text(), "mine!");
        assert_eq!(names(&bob).await, ["install"]);
        // The same once more is no change.
        ann.call_tool("install", json!(saved("mine"))).await;
        match &stream {
            Some(stream) => assert_eq!(stream.heard().await, []),
            None => assert_eq!(ann.notifications().await, []),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_and_a_publication_install_too() {
    let hook = async |session: Session| {
        session.edit(|edit| edit.install("tool", &saved("opened")))?;
        Ok(())
    };
    let server = serve(
        template()
            .tool_factory("tool", saved_tool)
            .prompt_factory("prompt", |name: String| {
                Prompt::new(name).handler(async || "Hello.")
            })
            .resource_factory("resource", saved_resource)
            .on_open(hook),
    );
    let published = server.publish(Variant::DEFAULT, |edit| {
        edit.install("tool", &saved("published"))?;
        edit.install("prompt", "hello")?;
        edit.install("resource", &saved("one"))?;
        let said = "family".to_owned();
        let name = "many".to_owned();
        edit.install("resource", &Saved { name, said })
    });
    published.await.unwrap();
    both(&server, async |client| {
        assert_eq!(names(&client).await, ["published", "opened"]);
        let prompts = client.request("prompts/list", json!({})).await.unwrap();
        assert_eq!(prompts["prompts"][0]["name"], "hello");
        for (uri, text) in [("one:it", "one!"), ("many:a", "one of them")] {
            let read = client.request("resources/read", json!({"uri": uri})).await;
            assert_eq!(read.unwrap()["contents"][0]["text"], text);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_an_error_that_names_the_factory_and_harms_nobody() {
    let template = template()
        .tool(named("there"))
        .tool_factory("tool", saved_tool)
        .tool_factory("panics", |_: ()| -> Tool { panic!("on purpose") })
        .tool_factory("refuses", |_: ()| Err::<Tool, _>("there is no such query"))
        .resource_factory("resource", saved_resource);
    let server = serve(template);
    let client = Client::handshake(&server).await;
    let session = client.session();
    let before = client.list_bytes("tools/list").await;
    let failed = |factory: &'static str, params| {
        let edited = session.edit(|edit| {
            edit.hide_tool("there")?;
            edit.install(factory, &params)
        });
        let error = edited.unwrap_err();
        assert!(error.is_edit());
        format!("{error:?}")
    };
    let expected = [
        ("none", json!(null), "is not registered"),
        ("panics", json!(null), "panicked"),
        (
            "refuses",
            json!(null),
            "made nothing: there is no such query",
        ),
        (
            "tool",
            json!({"name": "a", "said": [1]}),
            "does not take these parameters: `said`: invalid type: array, expected a string",
        ),
        (
            "resource",
            json!({"name": "", "said": ""}),
            "made nothing: nothing was saved",
        ),
    ];
    for (factory, params, problem) in expected {
        let said = failed(factory, params);
        assert_eq!(said, format!("the factory `{factory}` {problem}"));
    }
    let said = failed("tool", json!({"name": "no spaces", "said": ""}));
    assert!(said.contains("tool `no spaces`"), "{said}");
    assert_eq!(client.notifications().await, []);
    assert_eq!(client.list_bytes("tools/list").await, before);
    // The session works on.
    let edited = session.edit(|edit| edit.install("tool", &saved("mine")));
    edited.unwrap();
    assert_eq!(names(&client).await, ["there", "mine"]);
}

#[tokio::test(start_paused = true)]
async fn names_given_twice_and_no_names_are_mistakes_of_the_template() {
    let prompt = |name: String| Prompt::new(name).handler(async || "Hello.");
    let built = template()
        .tool_factory("one", saved_tool)
        .prompt_factory("one", prompt)
        .resource_factory("", saved_resource)
        .build();
    let error = built.unwrap_err();
    let mistakes: Vec<_> = error.mistakes().iter().map(ToString::to_string).collect();
    let expected = [
        "factory `one`: registered twice",
        "factory ``: it has no name",
    ];
    assert_eq!(mistakes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_factory_declares_the_family_of_what_it_makes() {
    let server = serve(template().tool_factory("tool", saved_tool));
    let client = Client::handshake(&server).await;
    assert_eq!(names(&client).await, [""; 0]);
    let session = client.session();
    session
        .edit(|edit| edit.install("tool", &saved("mine")))
        .unwrap();
    assert_eq!(names(&client).await, ["mine"]);
    let error = session.edit(|edit| edit.add_prompt(Prompt::new("p").handler(async || "-")));
    assert!(error.unwrap_err().is_edit());
}

/// Today's appointments.
#[tool]
async fn calendar() -> &'static str {
    "none"
}

/// Says hello.
#[prompt]
async fn hello() -> &'static str {
    "Hello."
}

/// One note.
#[resource("note://{name}")]
async fn note(name: String) -> String {
    name
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_not_to_be_kept_is_offered_like_any_other() {
    let server = serve(
        template()
            .tool(named("there"))
            .prompt(hello)
            .resource(note)
            .resource(Resource::new("x:a", "a").text("a")),
    );
    let client = Client::handshake(&server).await;
    let edited = client.session().edit(|edit| {
        edit.add_tool(calendar.ephemeral())?;
        edit.add_tool(named("there").ephemeral())?;
        edit.add_tool(Tool::new("brief").ephemeral().handler(async || "-"))?;
        edit.add_prompt(hello.ephemeral())?;
        edit.add_prompt(Prompt::new("p").ephemeral().handler(async || "-"))?;
        edit.add_resource(note.ephemeral())?;
        edit.add_resource(Resource::new("x:b", "b").ephemeral().text("b"))?;
        let family = ResourceTemplate::new("y:{which}", "y").ephemeral();
        edit.add_resource(family.handler(async || "-"))
    });
    edited.unwrap();
    assert_eq!(names(&client).await, ["there", "calendar", "brief"]);
    let said = client.call_tool("calendar", json!({})).await;
    assert_eq!(said.text(), "none");
}
