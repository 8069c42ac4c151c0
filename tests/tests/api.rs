//! The one integration-test binary of the workspace: every subject is a module beside this file.

mod bad_input;
mod behaviour;
mod examples;
mod house_rules;
mod http;
mod isolation;
mod layering;
mod rmcp_client;
mod sources;
mod stdio;
mod traps;
