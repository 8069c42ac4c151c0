//! The one integration-test binary of the workspace: every subject is a module beside this file.

mod house_rules;
mod layering;
mod rmcp_client;
mod sources;
