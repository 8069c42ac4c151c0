//! The integration tests: every subject is a module beside this file, but for the few that need a
//! process of their own.

mod asking;
mod bad_input;
mod behaviour;
mod bus;
mod examples;
mod house_rules;
mod http;
mod isolation;
mod keeping;
mod layering;
mod outbox;
mod replicas;
mod rmcp_client;
mod sources;
mod stdio;
mod store;
mod traps;
mod users;
