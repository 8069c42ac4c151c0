//! Entries and their handlers: JSON in, JSON out.

mod prompts;
mod resources;
mod tools;
