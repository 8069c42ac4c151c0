//! Opening sessions: it must not matter how much a template offers.

use divan::Bencher;
use tokio::io::{empty, sink};

use crate::support::{Client, plain, runtime, server};

const TOOLS: [usize; 3] = [10, 1_000, 100_000];

/// The session of a byte stream; ending it is not measured.
#[divan::bench(args = TOOLS)]
fn over_a_stream(bencher: Bencher<'_, '_>, tools: usize) {
    let (server, runtime) = (server(tools), runtime());
    let _inside = runtime.enter();
    bencher.bench_local(|| server.duplex(empty(), sink()));
}

/// `initialize`, `notifications/initialized` and DELETE.
#[divan::bench(args = TOOLS)]
fn and_ending_over_http(bencher: Bencher<'_, '_>, tools: usize) {
    let mut client = Client::stateless(&server(tools));
    bencher.bench_local(|| {
        client.open();
        client.end();
    });
}

/// One tool hidden and another added, in a session that nobody listens to.
#[divan::bench(args = TOOLS)]
fn and_editing(bencher: Bencher<'_, '_>, tools: usize) {
    let (server, runtime) = (server(tools), runtime());
    let _inside = runtime.enter();
    bencher
        .with_inputs(|| (server.duplex(empty(), sink()), plain(tools)))
        .bench_local_values(|(run, own)| {
            let edited = run.session().edit(|edit| {
                edit.hide_tool("add")?;
                edit.add_tool(own)
            });
            edited.expect("a session may be edited");
            run
        });
}
