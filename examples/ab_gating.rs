//! Two variants of one server: a beta for a part of the users, chosen before the first list.
//!
//! ```text
//! cargo run --example ab_gating                       then call as ada, eve, gus or anybody
//! USER=gus cargo run --example ab_gating -- --stdio   the local user decides
//! ```
//!
//! A quarter of all users are in the beta. Who is does not change: the same user gets the same
//! answer after a restart and on every replica. `?variant=beta` and `?variant=default` overrule it,
//! for testers. The selector is asked before a client is told anything, so nobody ever sees one
//! list and then another: in the handshake era it is asked once per session, in the stateless era
//! for every request, always with the same outcome for one URL and principal.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use mcp_session::auth::{self, Authenticate, Caller, Challenge};
use mcp_session::session::Opening;
use mcp_session::{Principal, Server, Template, Variant, tool};
use mcp_session_examples::{Listen, Result, curl_as, serve};
use serde_json::json;

const BETA: &str = "beta";

/// How many of a hundred users are in the beta.
const PERCENT: u64 = 25;

/// Search the catalogue by words.
#[tool(read_only)]
async fn search(words: String) -> String {
    format!("what contains {words}")
}

/// Search the catalogue by meaning.
// Another function, offered under the same name: clients see one tool get better.
#[tool(read_only, name = "search")]
async fn search_by_meaning(words: String) -> String {
    format!("what is like {words}")
}

/// Explain why something was found.
#[tool(read_only)]
async fn explain(found: String) -> String {
    format!("{found} was near to what you meant")
}

/// Which variant serves this caller.
fn select(opening: &Opening) -> &'static str {
    match opening.query("variant") {
        Some(BETA) => return BETA,
        Some(_) => return Variant::DEFAULT,
        None => {}
    }
    match opening.principal() {
        Some(principal) => variant_of(principal.subject()),
        None => Variant::DEFAULT,
    }
}

fn variant_of(user: &str) -> &'static str {
    if bucket(user) < PERCENT {
        BETA
    } else {
        Variant::DEFAULT
    }
}

/// A number below 100 that depends on nothing but the name: FNV-1a. The hashers of the standard
/// library promise no such thing across versions of Rust.
fn bucket(user: &str) -> u64 {
    let hash = user.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % 100
}

/// Takes any token for the name of its user. A real verifier asks whoever issued it.
fn credulous() -> impl Authenticate {
    auth::from_fn(|request| {
        let token = request.bearer().map(str::to_owned);
        async move {
            let user = token.ok_or_else(Challenge::missing_token)?;
            Ok(Caller::new(Principal::new("example", user)))
        }
    })
}

fn server() -> mcp_session::Result<Server> {
    let stable = Template::builder("catalogue", "1.0.0")
        .tool(search)
        .build()?;
    let beta = Template::builder("catalogue", "2.0.0-beta.1")
        .tool(search_by_meaning)
        .tool(explain)
        .build()?;
    Server::builder(stable)
        .variant(BETA, beta)
        .select(select)
        .authenticate(credulous())
        .build()
}

#[tokio::main]
async fn main() -> Result {
    let listen = Listen::from_args()?;
    serve(server()?, listen, |url| {
        println!("ab_gating is served at {url}\n");
        println!("Any token is the name of its user here:");
        for user in ["ada", "eve", "gus", "jon"] {
            println!("  {user} gets {}", variant_of(user));
        }
        let words = json!({"words": "teapot"});
        println!("\nTo call the same tool as two of them:");
        println!("{}", curl_as("ada", url, "search", &words));
        println!("{}", curl_as("gus", url, "search", &words));
    })
    .await
}
