//! A server with one of everything, for clients that are not ours.
//!
//! It is made with the public interface only, and whatever a test wants to see of it can be seen
//! by a client: over standard input and output there is no other way to look inside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use mcp_session::catalog::{IntoToolReply, ToolReply};
use mcp_session::protocol::{
    CreateMessageParams, ElicitFormParams, ElicitResult, InputRequest, InputRequiredResult,
    ProtocolVersion, SamplingMessage, method, wire,
};
use mcp_session::schema::of as schema_of;
use mcp_session::{
    Capability, Context, Dep, Elicited, Image, Json, JsonSchema, LogLevel, Prompt, Resource,
    ResourceTemplate, Session, Template, Tool, ToolError, Variant, tool,
};

/// A resource whose text never changes.
pub const README: &str = "docs://readme";

/// The first eight bytes of every PNG file.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The blueprint of the server.
///
/// # Errors
///
/// When what is registered below breaks a rule.
pub fn template() -> mcp_session::Result<Template> {
    Template::builder("interop", "1.2.3")
        .title("Interoperability")
        .instructions("Add numbers.")
        .provide(Hung::default())
        .tool(add())
        .tool(greet)
        .tool(picture())
        .tool(fail())
        .tool(count())
        .tool(chat())
        .tool(hang())
        .tool(freed())
        .tool(unlock())
        .tool(lock())
        .tool(publish())
        .tool(touch())
        .tool(book())
        .tool(book_by_hand())
        .tool(book_trip())
        .tool(ask_model())
        .tool(roots())
        .prompt(plan())
        .resource(
            Resource::new(README, "readme")
                .mime_type("text/markdown")
                .text("# Begin"),
        )
        .resource(
            Resource::new("docs://logo", "logo")
                .mime_type("image/png")
                .blob(PNG),
        )
        .resource(note())
        .build()
}

/// Numbers to add.
#[derive(Deserialize, JsonSchema)]
struct Addends {
    a: i64,
    /// What to add.
    b: i64,
}

#[derive(Serialize, JsonSchema)]
struct Sum {
    sum: i64,
}

fn add() -> Tool {
    Tool::new("add")
        .description("Adds two numbers.")
        .read_only()
        .handler(async |addends: Addends| {
            Json(Sum {
                sum: addends.a + addends.b,
            })
        })
}

/// Says hello.
#[tool(title = "Greet")]
async fn greet(
    /// Whom to greet.
    name: String,
) -> String {
    format!("Hello, {name}!")
}

/// The name of a tool.
#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

fn picture() -> Tool {
    Tool::new("picture")
        .description("Shows something.")
        .handler(async || Image::new(PNG, "image/png"))
}

fn fail() -> Tool {
    Tool::new("fail")
        .description("Never works.")
        .handler(async || Err::<String, _>(ToolError::new("the kettle is empty")))
}

/// Reports that it has done 1, 2 and 3 of 3.
fn count() -> Tool {
    Tool::new("count")
        .description("Counts to three.")
        .handler(|ctx: Context| async move {
            for step in [1.0, 2.0, 3.0] {
                ctx.progress(step).total(3.0).message("counting").send();
            }
            "counted"
        })
}

/// Logs at two levels.
fn chat() -> Tool {
    Tool::new("chat")
        .description("Logs.")
        .handler(|ctx: Context| async move {
            ctx.log(LogLevel::Debug, "details");
            ctx.log_as("chat", LogLevel::Warning, "careful");
            "logged"
        })
}

/// How many calls of `hang` were dropped.
struct Hung {
    dropped: watch::Sender<u32>,
}

impl Default for Hung {
    fn default() -> Self {
        let (dropped, _) = watch::channel(0);
        Self { dropped }
    }
}

struct Hanging(Arc<Hung>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.dropped.send_modify(|dropped| *dropped += 1);
    }
}

/// Says that it has begun, and never ends by itself.
fn hang() -> Tool {
    Tool::new("hang").description("Waits for ever.").handler(
        |ctx: Context, hung: Dep<Hung>| async move {
            let _hanging = Hanging(hung.into_arc());
            ctx.progress(1.0).send();
            std::future::pending::<String>().await
        },
    )
}

/// Ends once a call of `hang` has been dropped.
fn freed() -> Tool {
    Tool::new("freed")
        .description("Waits until a call of `hang` is over.")
        .handler(|hung: Dep<Hung>| async move {
            let mut dropped = hung.dropped.subscribe();
            let freed = dropped.wait_for(|dropped| *dropped > 0).await;
            freed.map(|_| "freed")
        })
}

/// Changes the session it is called in, in every family.
fn unlock() -> Tool {
    Tool::new("unlock")
        .description("Shows what is hidden.")
        .handler(|session: Session| async move {
            session.edit(|edit| {
                edit.add_tool(extra("vault"))?;
                edit.add_prompt(Prompt::new("confess").handler(async || "Tell me all."))?;
                edit.add_resource(Resource::new("docs://secret", "secret").text("42"))
            })?;
            Ok::<_, ToolError>("unlocked")
        })
}

/// Hides a tool from the session it is called in.
fn lock() -> Tool {
    Tool::new("lock").description("Hides a tool.").handler(
        |which: Name, session: Session| async move {
            session.edit(|edit| edit.hide_tool(&which.name))?;
            Ok::<_, ToolError>("locked")
        },
    )
}

fn extra(name: &str) -> Tool {
    Tool::new(name)
        .description("Was not there before.")
        .handler(async || "open")
}

/// Makes the template's next revision, with one more tool.
fn publish() -> Tool {
    Tool::new("publish")
        .description("Adds a tool for everybody.")
        .handler(|tool: Name, ctx: Context| async move {
            let server = ctx.server().ok_or_else(|| ToolError::new("no server"))?;
            server
                .publish(Variant::DEFAULT, |edit| edit.add_tool(extra(&tool.name)))
                .await?;
            Ok::<_, ToolError>("published")
        })
}

/// Says that the readme has changed.
fn touch() -> Tool {
    Tool::new("touch")
        .description("Changes the readme.")
        .handler(|ctx: Context| async move {
            let server = ctx.server().ok_or_else(|| ToolError::new("no server"))?;
            server.notifier().resource_updated(README);
            Ok::<_, ToolError>("touched")
        })
}

/// A form with every kind of field that all revisions have.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Seat {
    /// Row and letter, such as 12C.
    seat: String,
    /// How many bags.
    #[schemars(range(min = 0, max = 3))]
    bags: u8,
    /// Whether to serve a meal.
    meal: bool,
    /// Where to sit.
    side: Side,
    /// What else to know.
    remarks: Option<String>,
}

/// A choice in a form.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// At the window.
    Window,
    /// At the aisle.
    Aisle,
}

fn booked(seat: &Seat) -> String {
    format!(
        "booked {} ({:?}), {} bags, meal {}",
        seat.seat, seat.side, seat.bags, seat.meal
    )
}

fn book() -> Tool {
    Tool::new("book")
        .description("Books a seat.")
        .handler(|ctx: Context| async move {
            match ctx.elicit::<Seat>("seat", "Which seat?").await? {
                Elicited::Accept(seat) => Ok(booked(&seat)),
                Elicited::Decline => Ok("declined".to_owned()),
                Elicited::Cancel => Err(ToolError::new("cancelled")),
            }
        })
}

/// Asks for the same form the way the stateless era does.
fn book_by_hand() -> Tool {
    Tool::new("book_by_hand")
        .description("Books a seat in two rounds.")
        .needs(Capability::Elicitation)
        .handler(|ctx: Context| async move {
            if let Some(answer) = ctx.input_responses().find::<ElicitResult>("seat") {
                if ctx.request_state() != Some("round 2") {
                    return Err(ToolError::new("the state is lost"));
                }
                let content = answer.content.unwrap_or_default();
                let seat = serde_json::from_value::<Seat>(content.into())?;
                return booked(&seat).into_tool_reply();
            }
            let form = ElicitFormParams::new("Which seat?", schema_of::<Seat>());
            let params = wire::elicit_form(&form, ProtocolVersion::V2026_07_28)?;
            let question = InputRequest::new(method::ELICITATION_CREATE, Some(params));
            let ask = InputRequiredResult::new()
                .ask("seat", question)
                .request_state("round 2");
            Ok(ToolReply::InputRequired(ask))
        })
}

/// Asks for three things at once, and then for one more.
fn book_trip() -> Tool {
    Tool::new("book_trip")
        .description("Books a trip.")
        .handler(|ctx: Context| async move {
            let question = SamplingMessage::user("What is the capital of Norway?");
            let (out, told, roots) = tokio::join!(
                seat(&ctx, "out"),
                ctx.sample("capital", CreateMessageParams::new(vec![question], 20)),
                ctx.roots(),
            );
            let (out, city, roots) = (out?, told?.content.text(), roots?.len());
            let back = seat(&ctx, &format!("back from {city}")).await?;
            Ok::<_, ToolError>(format!(
                "{out} there, {back} back from {city}, {roots} root"
            ))
        })
}

/// The seat that the user chooses.
async fn seat(ctx: &Context, key: &str) -> Result<String, ToolError> {
    match ctx
        .elicit::<Seat>(key, format!("Which seat {key}?"))
        .await?
    {
        Elicited::Accept(seat) => Ok(seat.seat),
        Elicited::Decline | Elicited::Cancel => Err(ToolError::new("no seat, no trip")),
    }
}

fn ask_model() -> Tool {
    Tool::new("ask_model")
        .description("Asks the client's model.")
        .handler(|ctx: Context| async move {
            let question = SamplingMessage::user("What is the capital of Norway?");
            let answer = ctx
                .sample("capital", CreateMessageParams::new(vec![question], 20))
                .await?;
            Ok::<_, ToolError>(format!("{} says {}", answer.model, answer.content.text()))
        })
}

fn roots() -> Tool {
    Tool::new("roots")
        .description("Where the user works.")
        .handler(|ctx: Context| async move {
            let roots = ctx.roots().await?;
            let uris: Vec<&str> = roots.iter().map(|root| root.uri.as_str()).collect();
            Ok::<_, ToolError>(uris.join(" "))
        })
}

#[derive(Deserialize, JsonSchema)]
struct Trip {
    /// Where to go.
    // For `?` the user is asked something.
    city: String,
    /// How many days to stay.
    days: Option<u8>,
}

fn plan() -> Prompt {
    Prompt::new("plan")
        .description("Plans a trip.")
        .complete("city", ["Lima", "Lisbon", "Oslo"])
        .handler(async |trip: Trip, ctx: Context| {
            let seat = match &*trip.city {
                "?" => format!("Sit in {}. ", seat(&ctx, "there").await?),
                _ => String::new(),
            };
            let days = trip.days.unwrap_or(2);
            Ok::<_, ToolError>(format!("{seat}Plan {days} days in {}.", trip.city))
        })
}

#[derive(Deserialize)]
struct Note {
    id: u32,
}

fn note() -> ResourceTemplate {
    ResourceTemplate::new("notes://{id}", "note")
        .description("One note.")
        .mime_type("text/plain")
        .complete("id", ["1", "12"])
        .handler(async |note: Note, ctx: Context| {
            Ok::<_, ToolError>(match note.id {
                // The user is asked what it says.
                0 => format!("seat {}", seat(&ctx, "noted").await?),
                id => format!("note {id}"),
            })
        })
}
