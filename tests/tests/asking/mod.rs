//! Handlers that ask, executed unchanged in both eras over everything that carries a request: the
//! client in memory, a byte stream, and HTTP.
//!
//! What a check expects of its handler never differs; what it expects of the wire differs by era
//! only, never by transport.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod attacks;
mod client;
mod forms;
mod kinds;
mod parked;
mod rounds;
mod script;
mod stream;
mod way;
mod web;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mcp_session::server::TemplateBuilder;
use mcp_session::{JsonSchema, Server, Template, Tool};
use serde::Deserialize;

use client::{Client, text};
use script::{Said, Script, accept};
use way::{Over, Way};

/// Runs a check in both eras over every transport, each as a test of its own.
macro_rules! every_way {
    ($($check:ident)*) => {$(
        mod $check {
            use mcp_session::protocol::Era::{Handshake, Stateless};

            use crate::asking::{Over::{Http, Memory, Stream}, Way, every_way};

            every_way!(@one $check handshake_in_memory Handshake Memory);
            every_way!(@one $check stateless_in_memory Stateless Memory);
            every_way!(@one $check handshake_over_a_stream Handshake Stream);
            every_way!(@one $check stateless_over_a_stream Stateless Stream);
            every_way!(@one $check handshake_over_http Handshake Http);
            every_way!(@one $check stateless_over_http Stateless Http);
        }
    )*};
    (@one $check:ident $name:ident $era:ident $over:ident) => {
        #[tokio::test(start_paused = true)]
        async fn $name() {
            super::$check(Way { era: $era, over: $over }).await;
        }
    };
}

/// Runs a check in the stateless era over every transport.
macro_rules! stateless_ways {
    ($($check:ident)*) => {$(
        mod $check {
            use mcp_session::protocol::Era::Stateless;

            use crate::asking::{Over::{Http, Memory, Stream}, Way, every_way};

            every_way!(@one $check in_memory Stateless Memory);
            every_way!(@one $check over_a_stream Stateless Stream);
            every_way!(@one $check over_http Stateless Http);
        }
    )*};
}

use {every_way, stateless_ways};

/// A form with one field.
#[derive(Debug, Deserialize, JsonSchema)]
struct Seat {
    /// Row and letter.
    seat: String,
}

/// Counts something, for a handler and its test.
#[derive(Debug, Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn template() -> TemplateBuilder {
    Template::builder("asking", "1.2.3")
}

fn serve(template: TemplateBuilder) -> Server {
    Server::new(template.build().unwrap())
}

/// A server with one tool, which is called `ask`.
fn serve_tool(tool: Tool) -> Server {
    serve(template().tool(tool))
}
