//! Entries and their handlers: JSON in, JSON out.

#[cfg(feature = "macros")]
mod macros;
mod prompts;
mod resources;
mod stored;
mod tools;
