//! A server that says what becomes of its sessions: limits, hooks, and the operator's events.
//!
//! ```text
//! cargo run --example governed                    then paste what it prints
//! cargo run --example governed -- --stdio
//! ```
//!
//! Its deadlines are short, so that a whole life fits into half a minute: silent for two seconds a
//! session is idle, after six it is parked, and the next request finds it as it was. After twenty
//! silent seconds it ends, and its id answers 404. No more than three sessions live at one time;
//! the fourth client takes the place of whoever rested longest. Over a byte stream a session lives
//! as long as the stream, so there only its opening and its end are seen.
//!
//! What happens is told on standard error: lines with `hook` are what the template's hooks are
//! told, one session at a time and in order; lines with `event` are what the operator's stream
//! of the whole server says. Neither ever shows a session's id: whoever reads a log could
//! otherwise speak in it.

#![expect(clippy::print_stdout, reason = "a program with a command line")]
#![expect(clippy::print_stderr, reason = "standard error is for what happens")]

use std::{fmt, time::Duration};

use mcp_session::server::{AtCapacity, Fault};
use mcp_session::session::SessionState;
use mcp_session::{BoxError, EndReason, Limits, Server, Session, Template, tool};
use mcp_session_examples::{Listen, Result, curl_in_session, curl_open, serve};
use serde_json::json;

/// Say hello.
#[tool(read_only)]
async fn hello(name: String) -> String {
    format!("Hello, {name}!")
}

/// Do what ends in a panic, of which `on_error` is told; the session goes on.
#[tool]
#[expect(clippy::panic, reason = "to show what becomes of it")]
async fn stumble() -> String {
    panic!("this one stumbles on purpose")
}

/// Every hook there is, and all they do is tell.
fn template() -> mcp_session::Result<Template> {
    Template::builder("governed", "1.0.0")
        .tool(hello)
        .tool(stumble)
        // An error would refuse the session; this is also where to edit it for its caller.
        .on_open(async |session: Session| tell(&session, "on_open"))
        .on_state_changed(async |session: Session, from: SessionState, to| {
            tell(&session, format!("on_state_changed from {from} to {to}"))
        })
        // The moments to let go of what is costly, and to get it back.
        .on_park(async |session: Session| tell(&session, "on_park"))
        .on_resume(async |session: Session| tell(&session, "on_resume"))
        .on_error(async |session: Session, fault: Fault| {
            tell(&session, format!("on_error: {fault}"))
        })
        // Once, however it ended: the place to give back what belongs to the session.
        .on_close(async |session: Session, reason: EndReason| {
            tell(&session, format!("on_close: {reason}"))
        })
        .build()
}

fn tell(session: &Session, what: impl fmt::Display) -> std::result::Result<(), BoxError> {
    let age = session.stats().age.as_secs_f32();
    eprintln!("hook   {age:5.1}s {:?} {what}", session.id());
    Ok(())
}

/// Deadlines and bounds for somebody who watches; a real server does well with the defaults.
fn limits() -> Limits {
    Limits::default()
        .handshake(Duration::from_secs(30))
        .idle(Duration::from_secs(6))
        .retention(Duration::from_secs(20))
        .lifetime(Duration::from_secs(5 * 60))
        .request(Duration::from_secs(10))
        .sessions(3)
        .openings_per_second(5)
        .at_capacity(AtCapacity::EvictIdle)
}

#[tokio::main]
async fn main() -> Result {
    let listen = Listen::from_args()?;
    let server = Server::builder(template()?).limits(limits()).build()?;
    let mut events = server.events();
    let watching = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            eprintln!("event         {event:?}");
        }
    });
    let served = serve(server, listen, |url| {
        println!("governed is served at {url}\n");
        println!("Open a session, and see its id among the headers:");
        println!("{}\n", curl_open(url));
        println!("Use it, now or when it is parked, with its id in place of SESSION:");
        println!("{}", curl_in_session(url, "hello", &json!({"name": "you"})));
    })
    .await;
    // The server is gone, and with it the sender: what is left to tell is told first.
    watching.await?;
    served
}
