//! Proves that the sources keep the house rules which no lint checks: sizes, openings, and words
//! that have no place in a published project.

use crate::sources::{Source, code_only, files, workspace};

const MAX_FILE_LINES: usize = 800;
const MAX_FUNCTION_LINES: usize = 80;

/// Rust sources of every member of the workspace, without the fixtures of compile tests: those
/// show what users write, and their line numbers are part of the expected errors.
fn rust_sources() -> Vec<Source> {
    let mut sources = files(&workspace(), &["rs"]);
    sources.retain(|source| !is_fixture(&source.name));
    sources
}

fn is_fixture(name: &str) -> bool {
    name.starts_with("tests/") && name.split('/').any(|part| matches!(part, "pass" | "fail"))
}

/// Sources of the two published crates, outside their tests.
fn library_sources() -> Vec<Source> {
    let mut sources = rust_sources();
    sources.retain(|source| {
        let published = ["mcp-session/src/", "mcp-session-macros/src/"];
        published.iter().any(|root| source.name.starts_with(root)) && !is_test_file(&source.name)
    });
    sources
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
}

fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// The functions of blanked code that are longer than `limit` lines: name, first line, length.
///
/// Everything from the line of `fn` to the line of its closing brace counts.
fn long_functions(code: &str, limit: usize) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let in_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String = code[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if in_word || name.is_empty() {
            continue;
        }
        let Some(length) = body_end(&code[at..]) else {
            continue;
        };
        let lines = code[at..at + length].lines().count();
        if lines > limit {
            found.push((name, code[..at].matches('\n').count() + 1, lines));
        }
    }
    found
}

/// The end of the braces that follow a function's header; none for a declaration without a body.
fn body_end(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' if braces == 1 => return Some(at + 1),
            '}' => braces = braces.checked_sub(1)?,
            ';' if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Blanked code up to the test module at its end, if there is one.
fn without_test_module(code: &str) -> &str {
    let start = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
    &code[..start]
}

/// Lines of any text file that hold one of the `needles`, as `file:line: text`.
fn mentions(needles: &[&str], allowed: impl Fn(&str, usize) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let extensions = [
        "", "json", "md", "mjs", "rs", "sh", "stderr", "toml", "yaml", "yml",
    ];
    for source in files(&workspace(), &extensions) {
        for (index, line) in source.text.lines().enumerate() {
            let hit = needles.iter().flat_map(|needle| line.match_indices(needle));
            if hit.into_iter().any(|(at, _)| !allowed(line, at)) {
                found.push(format!("{}:{}: {}", source.name, index + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn no_file_is_longer_than_800_lines() {
    let mut found = Vec::new();
    for source in rust_sources() {
        let lines = source.text.lines().count();
        if lines > MAX_FILE_LINES {
            found.push(format!("{}: {lines} lines", source.name));
        }
    }
    assert_none("files to split", &found);
}

#[test]
fn no_function_is_longer_than_80_lines() {
    let mut found = Vec::new();
    for source in rust_sources() {
        for (name, line, lines) in long_functions(&code_only(&source.text), MAX_FUNCTION_LINES) {
            found.push(format!(
                "{}:{line}: `{name}` has {lines} lines",
                source.name
            ));
        }
    }
    assert_none("functions to split", &found);
}

#[test]
fn every_file_opens_with_a_sentence_about_itself() {
    let mut found = Vec::new();
    for source in rust_sources() {
        let opening = source.text.lines().next().unwrap_or_default();
        // A sentence has several words; a placeholder has one.
        if !opening.starts_with("//! ") || opening.split_whitespace().count() < 3 {
            found.push(format!("{}: {opening}", source.name));
        }
    }
    assert_none("files without an opening `//!` sentence", &found);
}

#[test]
fn the_published_crates_never_unwrap() {
    let mut found = Vec::new();
    for source in library_sources() {
        let code = code_only(&source.text);
        for (index, line) in without_test_module(&code).lines().enumerate() {
            if line.contains(".unwrap()") || line.contains(".unwrap_err()") {
                found.push(format!("{}:{}: {}", source.name, index + 1, line.trim()));
            }
        }
    }
    assert_none("unwraps outside tests", &found);
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    // Put together here, so that this file does not report itself. A client's roots are `file:`
    // addresses, and examples of those are fine.
    let homes = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
    ];
    let places = [
        homes[0],
        homes[1],
        homes[2],
        concat!("/wo", "rk/"),
        concat!("C:\\", "Users"),
    ];
    let inside_an_address = |line: &str, at: usize| {
        let word = line[..at]
            .rsplit([' ', '"', '\'', '`', '('])
            .next()
            .unwrap_or_default();
        // A path that goes on from something else is not an absolute one.
        word.contains("://") || word.ends_with(char::is_alphanumeric)
    };
    assert_none("machine paths", &mentions(&places, inside_an_address));
}

#[test]
fn nothing_is_left_for_later_in_a_comment() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    assert_none(
        "notes to file as issues instead",
        &mentions(&marks, |_, _| false),
    );
}

#[test]
fn long_functions_are_found_with_their_name_line_and_length() {
    let code = "trait T {\n    fn declared(a: [u8; 2]);\n    fn short() {}\n}\n\
                \npub const fn long<T>(\n    t: T,\n) -> T\nwhere\n    T: Copy,\n{\n    { t }\n}\n\
                \ntype F = fn (u8) -> u8;\n";
    assert_eq!(long_functions(code, 7), [("long".to_owned(), 6, 8)]);
    assert_eq!(long_functions(code, 8), []);
}

#[test]
fn a_test_module_may_unwrap() {
    let code = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    f().unwrap();\n}\n";
    assert_eq!(without_test_module(code), "fn f() {}\n\n");
}
