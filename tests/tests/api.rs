//! The one integration-test binary of the workspace: every subject is a module beside this file.

mod bad_input;
mod behaviour;
mod house_rules;
mod isolation;
mod layering;
mod sources;
