//! The one integration-test binary of the workspace: every subject is a module beside this file.

mod bad_input;
mod behaviour;
mod examples;
mod house_rules;
mod http;
mod isolation;
mod layering;
mod sources;
mod traps;
