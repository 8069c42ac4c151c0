//! How long the parts of the way of a message take, and what they allocate.
//!
//! ```text
//! cargo bench -p mcp-session --bench micro
//! cargo bench -p mcp-session --bench micro -- calls
//! ```
//!
//! Everything goes through what the crate makes public, so a part that is private is measured in
//! the shortest message that needs it. What happens once, such as building a template, is outside
//! of what is measured; a runtime of one thread drives what is asynchronous, which costs about
//! as much as a few map lookups and is in every figure of `calls`, `views` and `rounds`.

mod calls;
mod codec;
mod opening;
mod rounds;
mod support;
mod views;

use divan::AllocProfiler;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}
