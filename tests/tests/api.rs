//! The one integration-test binary of the workspace: every subject is a module beside this file.

mod examples;
mod house_rules;
mod http;
mod layering;
mod rmcp_client;
mod sources;
