//! The attribute macros of mcp-session; use them through that crate.
//!
//! They read a signature and call the builders that everybody can call: a macro can do nothing
//! that code without macros cannot. All mistakes in an item are reported at once, each where it
//! is, and the item itself is always kept, so that one mistake does not cause others elsewhere.

mod code;
mod docs;
mod errors;
mod function;
mod kind;
mod methods;
mod options;
mod params;
mod prompt;
mod resource;
mod steps;
mod tool;
mod uri;

use proc_macro::TokenStream;

use crate::kind::Kind;

/// Makes a tool of an async function.
///
/// The function's name is the tool's, its doc comment the description, and its parameters the
/// schema of the arguments, in order. Which parameters are arguments is told by their types:
///
/// - what derives `serde::Deserialize` and `schemars::JsonSchema` is an argument, which the
///   client fills in. A doc comment on it is its description. It may be left out if it is an
///   `Option` or has a default: `#[default]` (the type's own), `#[default = 7]` or
///   `#[default(expression)]`;
/// - what implements `FromContext` is given by the server: `Context`, `Session`, `Dep<T>`,
///   `Principal` and your own. Nothing the client sends reaches it.
///
/// Parameters are owned: a call may outlive the request that made it. The function can still be
/// called as ever, for example in a unit test.
///
/// # Options
///
/// `name = "…"`, `title = "…"` and `description = "…"`; `read_only`, `idempotent`, `destructive`
/// and `open_world`, the last two also as `destructive = false` and `open_world = false`;
/// `needs(sampling, elicitation, …)` for what the client must be able to do: `roots`, `sampling`,
/// `sampling_tools`, `elicitation`, `url_elicitation`; `guard("files:write", …)` for the scopes
/// that the caller's credential must have; `timeout = "5s"` for how long one call may take, as a
/// text with `ms`, `s` or `m`, or as a `Duration`; `calls_per_second = 10` for how often all
/// callers together may call it; `park = "2m"` for how long it is kept alive while its client
/// answers a question, and `answers_without_state` where answers may come without the state that
/// went along with their questions (both: stateless era). Expressions among them are
/// evaluated once: the tool is made when it is first registered, and whoever gets it, session or
/// template, has the same one. (A method under [`tools`](macro@tools) is made for each value.)
///
/// A parameter under `#[ask("…")]` is no argument: the user is asked for it before the function
/// runs. Its type is `Elicit<T>`.
///
/// # Examples
///
/// ```ignore
/// use mcp_session::{Context, Template, tool};
///
/// /// Adds two numbers.
/// #[tool(read_only)]
/// async fn add(
///     a: i64,
///     /// What to add.
///     #[default = 1]
///     b: i64,
///     ctx: Context,
/// ) -> i64 {
///     ctx.progress(1.0).send();
///     a + b
/// }
///
/// let template = Template::builder("calculator", "1.0.0").tool(add).build()?;
/// ```
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Kind::Tool, options.into(), &item.into()).into()
}

/// Makes a prompt of an async function.
///
/// Works like [`tool`](macro@tool). Clients send the arguments of prompts as texts: numbers,
/// booleans and enums are read from them, and for anything with inner structure the text is taken
/// for JSON. `#[complete(…)]` on a parameter suggests values: a list, or a function that takes a
/// `CompletionRequest`.
///
/// # Options
///
/// `name = "…"`, `title = "…"`, `description = "…"`, `needs(…)`, `guard(…)`, `park` and
/// `answers_without_state` as for a tool; evaluated once, as is a list in `#[complete(…)]`.
///
/// # Examples
///
/// ```ignore
/// use mcp_session::prompt;
///
/// /// Plans a trip.
/// #[prompt(title = "Plan a trip")]
/// async fn plan_trip(
///     /// Where to go.
///     #[complete(["Lima", "Oslo"])]
///     city: String,
///     days: Option<u8>,
/// ) -> String {
///     format!("Plan {} days in {city}.", days.unwrap_or(2))
/// }
/// ```
#[proc_macro_attribute]
pub fn prompt(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Kind::Prompt, options.into(), &item.into()).into()
}

/// Makes a resource, or a family of resources, of an async function.
///
/// The URI comes first. With `{variables}` (RFC 6570) it stands for a family, and parameters that
/// are named after variables get their values; `#[complete(…)]` on one suggests values. A URI
/// whose variables do not fit the parameters' types is answered like an unknown one. Other
/// parameters are given by the server, as for a tool, and a `ResourceRequest` says which URI was
/// asked for.
///
/// # Options
///
/// The URI; then `name = "…"`, `title = "…"`, `description = "…"`, `mime_type = "…"`,
/// `cache = CacheHint::new(…)`, `needs(…)`, `guard(…)`, `park` and
/// `answers_without_state` as for a tool; evaluated once, as is a list in `#[complete(…)]`.
///
/// # Examples
///
/// ```ignore
/// use mcp_session::resource;
///
/// /// The weather of one day.
/// #[resource("weather://{city}/{day}", mime_type = "text/plain")]
/// async fn weather(city: String, day: u8) -> String {
///     format!("{city} on day {day}: fair")
/// }
/// ```
#[proc_macro_attribute]
pub fn resource(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(Kind::Resource, options.into(), &item.into()).into()
}

/// Makes tools, prompts and resources of the methods of a type.
///
/// Goes on an `impl` block; the methods that are to be entries carry `#[tool]`, `#[prompt]` or
/// `#[resource("…")]`, take `&self` or nothing, and all share one value of the type, which is
/// registered with `.tools(value)`.
///
/// A type has one such block, unless further ones name a method that makes their entries:
/// `#[tools(pub fn admin_tools)]`, registered with `.tools(value.admin_tools())` where the value
/// is an `Arc`.
///
/// # Examples
///
/// ```ignore
/// use mcp_session::{Template, tools};
///
/// struct Calculator {
///     memory: i64,
/// }
///
/// #[tools]
/// impl Calculator {
///     /// Adds what is in memory.
///     #[tool(read_only)]
///     async fn recall(&self, a: i64) -> i64 {
///         self.memory + a
///     }
/// }
///
/// let template = Template::builder("calculator", "1.0.0").tools(Calculator { memory: 40 }).build()?;
/// ```
#[proc_macro_attribute]
pub fn tools(options: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(options.into(), &item.into()).into()
}
