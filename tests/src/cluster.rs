//! A server with something of everything that a session can keep or be told: one replica of several.
//!
//! Whatever is numbered here is numbered by the client, so that it can tell what is missing and
//! what came twice.

use std::{fs::OpenOptions, io::Write as _, path::Path, sync::Arc, time::Duration};

use mcp_session::auth::{BearerTokens, Caller};
use mcp_session::server::TemplateBuilder;
use mcp_session::{
    Context, Elicited, EndReason, Handle, HandleKind, JsonSchema, LogLevel, Principal, Session,
    Template, Tool, ToolError, resource, tool,
};
use serde::{Deserialize, Serialize};

/// How many users there are; the token of the first one is `token-0`.
pub const USERS: usize = 8;

/// How many tools there are that do nothing but be hidden and shown; the first one is `plain_0`.
pub const PLAIN: usize = 4;

/// The URI of a note, without its number.
pub const NOTE: &str = "note:///";

/// The other tools that everybody is offered at first.
pub const TOOLS: [&str; 15] = [
    "learn",
    "hide",
    "show",
    "count",
    "counted",
    "visit",
    "visits",
    "mint",
    "put",
    "look",
    "ask",
    "narrate",
    "touch",
    "touch_all",
    "slow",
];

/// What makes tools that say a word.
const SAY: &str = "say";

/// What such a tool is made from.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    name: String,
    word: String,
}

/// A session learns a word: from then on it has a tool that says it.
#[tool]
async fn learn(name: String, word: String, session: Session) -> Result<String, ToolError> {
    let learnt = format!("learnt {name}");
    session.edit(|edit| edit.install(SAY, &Word { name, word }))?;
    Ok(learnt)
}

fn say(Word { name, word }: Word) -> mcp_session::Result<Tool> {
    Ok(Tool::new(format!("say_{name}"))
        .description(format!("Says {word}."))
        .handler(move || std::future::ready(word.clone())))
}

/// Hides a tool.
#[tool]
async fn hide(tool: String, session: Session) -> Result<&'static str, ToolError> {
    match session.edit(|edit| edit.hide_tool(&tool)) {
        Ok(()) => Ok("hidden"),
        // Somebody asks again who had no answer.
        Err(error) if error.is_edit() => Ok("was hidden"),
        Err(error) => Err(error.into()),
    }
}

/// Shows a tool again.
#[tool]
async fn show(tool: String, session: Session) -> Result<&'static str, ToolError> {
    session.edit(|edit| edit.show_tool(&tool))?;
    Ok("shown")
}

fn next(count: Option<u64>) -> u64 {
    count.unwrap_or(0) + 1
}

/// Counts for the session.
#[tool]
async fn count(session: Session) -> Result<String, ToolError> {
    Ok(session.state().update("count", next).await?.to_string())
}

/// How much was counted for the session.
#[tool(read_only)]
async fn counted(session: Session) -> Result<String, ToolError> {
    let count: Option<u64> = session.state().get("count").await?;
    Ok(count.unwrap_or(0).to_string())
}

/// Counts for the user.
#[tool]
async fn visit(ctx: Context) -> Result<String, ToolError> {
    let state = ctx.principal_scope()?.state();
    Ok(state.update("visits", next).await?.to_string())
}

/// How much was counted for the user.
#[tool(read_only)]
async fn visits(ctx: Context) -> Result<String, ToolError> {
    let visits: Option<u64> = ctx.principal_scope()?.state().get("visits").await?;
    Ok(visits.unwrap_or(0).to_string())
}

/// What handles stand for here.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Bag {
    items: Vec<String>,
}

impl HandleKind for Bag {
    const NAME: &str = "bag";
    const PREFIX: &str = "bag";
    const SOURCE: &str = "call `mint`";
}

/// Makes a bag.
#[tool]
async fn mint(ctx: Context) -> Result<Handle<Bag>, ToolError> {
    Ok(ctx.handles().create(Bag::default()).await?)
}

/// Puts something into a bag.
#[tool]
async fn put(bag: Handle<Bag>, item: String) -> Result<String, ToolError> {
    let bag = bag.update(|bag| bag.items.push(item.clone())).await?;
    Ok(bag.items.join(" "))
}

/// Says what is in a bag.
#[tool(read_only)]
async fn look(bag: Handle<Bag>) -> Result<String, ToolError> {
    Ok(bag.get().await?.items.join(" "))
}

#[derive(Deserialize, JsonSchema)]
struct Said {
    word: String,
}

/// Asks the user for a word.
#[tool]
async fn ask(what: String, ctx: Context) -> Result<String, ToolError> {
    Ok(match ctx.elicit::<Said>("word", &what).await? {
        Elicited::Accept(said) => format!("{what} {}", said.word),
        Elicited::Decline => format!("{what} declined"),
        Elicited::Cancel => format!("{what} cancelled"),
    })
}

/// Reports numbered steps, and logs each.
#[tool]
async fn narrate(steps: u32, pause_ms: u64, ctx: Context) -> String {
    for step in 1..=steps {
        ctx.progress(step.into()).total(steps.into()).send();
        ctx.log(LogLevel::Info, step);
        if pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }
    format!("narrated {steps}")
}

/// Says that a note has changed, to this session: in one of two ways.
#[tool]
async fn touch(number: u64, ctx: Context) -> Result<String, ToolError> {
    let (session, uri) = (ctx.session(), format!("{NOTE}{number}"));
    if number.is_multiple_of(2) {
        session.resource_updated(&uri);
    } else {
        let server = ctx.server();
        let server = server.ok_or_else(|| ToolError::new("the server is going; try again"))?;
        let notifier = server.notifier().for_session(&session);
        notifier.resource_updated(&uri);
    }
    Ok(format!("touched {number}"))
}

/// Says that a note has changed, to everybody who subscribed to it.
#[tool]
async fn touch_all(number: u64, ctx: Context) -> Result<String, ToolError> {
    let server = ctx.server();
    let server = server.ok_or_else(|| ToolError::new("the server is going; try again"))?;
    server
        .notifier()
        .resource_updated(&format!("{NOTE}{number}"));
    Ok(format!("touched {number} for all"))
}

/// Takes its time.
#[tool(read_only)]
async fn slow(ms: u64) -> String {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    format!("slept {ms}")
}

/// A note.
#[resource("note:///{number}", mime_type = "text/plain")]
async fn note(number: u64) -> String {
    format!("note {number}")
}

/// Where replicas write down what becomes of sessions: a line for each hook that runs.
#[derive(Debug)]
struct Journal {
    path: Option<std::path::PathBuf>,
    name: String,
}

impl Journal {
    fn write(&self, what: &str, session: &Session, more: &str) -> std::io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let id = session.id().as_str();
        let line = format!("{what} {id} {} {more}\n", self.name);
        // Whole lines at the end of the file, whoever else writes.
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())
    }
}

/// The template, with hooks that write to a journal where there is one.
pub fn builder(name: &str, journal: Option<&Path>) -> TemplateBuilder {
    let journal = Arc::new(Journal {
        path: journal.map(Path::to_owned),
        name: name.to_owned(),
    });
    let (opened, resumed, closed) = (journal.clone(), journal.clone(), journal);
    let template = Template::builder("cluster", "1.0.0")
        .tool_factory(SAY, say)
        .tools((0..PLAIN).map(plain).collect::<Vec<_>>())
        .tool(learn)
        .tool(hide)
        .tool(show)
        .tool(count)
        .tool(counted)
        .tool(visit)
        .tool(visits)
        .tool(mint)
        .tool(put)
        .tool(look)
        .tool(ask)
        .tool(narrate)
        .tool(touch)
        .tool(touch_all)
        .tool(slow)
        .resource(note);
    template
        .on_open(move |session: Session| {
            let written = opened.write("open", &session, "");
            std::future::ready(written.map_err(Into::into))
        })
        .on_resume(move |session: Session| {
            let written = resumed.write("resume", &session, "");
            std::future::ready(written.map_err(Into::into))
        })
        .on_close(move |session: Session, reason: EndReason| {
            let written = closed.write("close", &session, &reason.to_string());
            std::future::ready(written.map_err(Into::into))
        })
}

fn plain(number: usize) -> Tool {
    Tool::new(format!("plain_{number}"))
        .description("Is here.")
        .handler(move || std::future::ready(format!("plain {number}")))
}

/// The users.
pub fn users() -> BearerTokens {
    (0..USERS).fold(BearerTokens::new(), |tokens, user| {
        let principal = Principal::new("https://issuer.example", format!("user-{user}"));
        tokens.token(format!("token-{user}"), Caller::new(principal))
    })
}
