//! Proves what the attribute macros accept, what they refuse, and how they say so.
//!
//! The fixtures are numbered alike: the same number is the same idea for tools, prompts and
//! resources. Run with `TRYBUILD=overwrite` after an intended change of a message.

#[test]
fn what_is_right_compiles_and_runs() {
    let cases = trybuild::TestCases::new();
    cases.pass("fixtures/*/pass/*.rs");
}

#[test]
fn what_is_wrong_is_reported_where_it_is() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fixtures/*/fail/*.rs");
}
