//! What people have been burnt by with servers of this protocol, each as a requirement that a test
//! decides. The list says which; where a test elsewhere decides all of it, it is not repeated here.
//!
//! - **Clients never say goodbye, and their sessions pile up.** The program `allocation`;
//!   `http::lifecycles::a_silent_session_is_parked_then_thawed_by_the_next_request_and_ends_only_much_later`,
//!   `http::lifecycles::a_client_that_vanishes_after_its_handshake_is_not_waited_for_as_long_as_others`.
//! - **Rest is taken for death.**
//!   `http::lifecycles::a_silent_session_is_parked_then_thawed_by_the_next_request_and_ends_only_much_later`,
//!   `http::lifecycles::an_open_stream_and_a_running_call_keep_a_session_active`; what parking
//!   frees: the program `allocation`; the line in the log: the program `tracing`.
//! - **A client's session is not the conversation.**
//!   `identity::a_client_that_opens_a_session_for_every_call_finds_what_is_its_principals`,
//!   `behaviour::principals::*`, `keeping::ways::*`,
//!   `keeping::handles::among_anonymous_callers_the_name_is_the_key`.
//! - **`list_changed` is ignored.** `offering::the_first_list_is_right_whatever_it_depends_on`,
//!   `offering::what_is_added_in_mid_session_can_be_called_by_who_never_lists_again`; tools that
//!   search for tools are not there yet.
//! - **Changes of one session show in another.**
//!   `offering::a_hundred_thousand_changes_at_once_are_each_seen_in_one_session`, `isolation::*`;
//!   what a change costs: the program `allocation`.
//! - **What is hidden can be called.** `behaviour::hiding::*`,
//!   `offering::what_a_principal_loses_during_a_call_is_unknown_to_the_next`.
//! - **Notifications outside of a request do not arrive.**
//!   `telling::a_task_that_runs_by_the_clock_reaches_clients_of_both_eras`,
//!   `telling::only_what_can_be_delivered_is_promised`,
//!   `telling::what_happens_before_the_acknowledgement_is_read_is_told_behind_it`,
//!   `telling::whoever_follows_a_subscription_knows_everything_in_the_end`,
//!   `http::notifying::a_notifier_tells_a_session_a_principal_or_everybody`, `http::listening::*`.
//! - **Storms of notifications.** `http::coalescing::*`.
//! - **A client that does not read stalls or swells the server.**
//!   `http::sockets::clients_that_never_read_hold_up_nobody_and_no_shutdown`, `http::stalling::*`;
//!   what a stalled stream may hold: the program `stalled`; what it costs others: the benchmark of
//!   that name.
//! - **One instance serves several clients and mixes them up.**
//!   `identity::a_hundred_thousand_calls_with_equal_ids_never_cross`; that a template cannot reach
//!   a client: the fixtures of the program `macros`.
//! - **A session's id is taken for a proof, or a token for a session.** `http::auth::*`,
//!   `identity::handlers_see_the_credential_of_this_request_and_none_of_another`.
//! - **Opening sessions exhausts the memory.** `arriving::*`, `http::capacity::*`.
//! - **Idle streams die silently.**
//!   `streams::no_stream_is_ever_silent_for_longer_than_fifteen_seconds`,
//!   `http::proxies::a_stream_survives_a_proxy_that_cuts_idle_connections`,
//!   `http::answers::comments_keep_a_silent_stream_alive_and_only_a_silent_one`.
//! - **A reconnecting client meets its own ghost.**
//!   `streams::a_client_that_comes_again_is_not_in_the_way_of_its_own_ghost`,
//!   `streams::streams_of_one_session_stand_side_by_side`, `http::sessions::*`.
//! - **Requests never stop, or are never answered.** `stopping::*`, `http::losses::*`,
//!   `http::capacity::a_function_that_takes_too_long_is_stopped_and_has_failed_in_both_eras`,
//!   `behaviour::tools::a_panic_fails_its_own_call_only`.
//! - **Resources outlive their sessions, for want of a hook.**
//!   `http::lifecycles::every_way_to_end_runs_on_close_once_with_its_reason`,
//!   `http::lifecycles::a_hook_that_hangs_fails_or_panics_holds_up_nothing`,
//!   `traps::ending::a_session_whose_own_tool_holds_it_is_let_go`.
//! - **A shutdown hangs on open streams.**
//!   `http::draining::a_thousand_streams_and_fifty_calls_end_within_the_deadline`,
//!   `http::stopping::*`.
//! - **stdio: lost answers, orphans, one slow call, stray output.** `stdio::*`.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod arriving;
mod identity;
mod offering;
mod stopping;
mod streams;
mod telling;

use std::{fs::read_to_string, path::Path};

use mcp_session::{Server, Tool};
use serde_json::Value;

use crate::http::support::Client;

/// A tool that says its own name.
fn named(name: &str) -> Tool {
    let said = name.to_owned();
    Tool::new(name)
        .description("Says its name.")
        .handler(move || {
            let said = said.clone();
            async move { said }
        })
}

/// A client of the stateless era, with a token.
fn with_token(server: &Server, token: &'static str) -> Client {
    Client {
        token: Some(token),
        ..Client::modern(server.http())
    }
}

/// The names of the tools on a page.
fn names(page: &Value) -> Vec<&str> {
    let tools = page["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

/// The list names tests, by module and name; `*` stands for all of a module.
#[test]
fn every_test_that_is_named_here_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let page = include_str!("mod.rs").lines();
    let page: String = page.filter_map(|line| line.strip_prefix("//!")).collect();
    let named: Vec<_> = page.split('`').filter(|part| part.contains("::")).collect();
    assert!(named.len() > 30, "{named:?}");
    for named in named {
        let (module, test) = named.rsplit_once("::").unwrap();
        let file = format!("{}.rs", module.replace("::", "/"));
        let sources = [tests.join(&file), tests.join("users").join(&file)];
        let source = sources.iter().find_map(|path| read_to_string(path).ok());
        let source = source.unwrap_or_else(|| panic!("no module `{module}`"));
        let found = test == "*" || source.contains(&format!("fn {test}("));
        assert!(found, "no test `{named}`");
    }
}
