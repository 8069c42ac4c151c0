//! Proves what the attribute macros accept, what they refuse, and how they say so; and what a
//! template cannot be asked for.
//!
//! The fixtures are numbered alike: the same number is the same idea for tools, prompts and
//! resources. Run with `TRYBUILD=overwrite` after an intended change of a message.

use std::process::Command;

/// The compiler whose words are in the `.stderr` files.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn what_is_right_compiles_and_runs() {
    let cases = trybuild::TestCases::new();
    cases.pass("fixtures/*/pass/*.rs");
}

#[test]
fn what_is_wrong_is_reported_where_it_is() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .unwrap()
        .stdout;
    let version = String::from_utf8_lossy(&version);
    if !version.starts_with(COMPILER) {
        eprintln!("SKIPPED: the expected messages are those of {COMPILER}x, this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fixtures/*/fail/*.rs");
}
