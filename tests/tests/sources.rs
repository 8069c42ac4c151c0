//! Reads the workspace's own sources for the tests that hold them to the house rules.
//!
//! Nothing here parses Rust. The code is kept formatted by rustfmt, so blanking out comments and
//! literals and counting braces is enough, and it cannot fall behind the language.

use std::path::{Path, PathBuf};

/// The workspace root, as seen from the crate of the tests.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the workspace and what is in it.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path relative to the directory that was searched, with `/` between its parts.
    pub(crate) name: String,
    /// The text as written.
    pub(crate) text: String,
}

/// Every file under `dir` with one of the `extensions` (`""`: no extension), sorted by name.
///
/// Build output, version control and other hidden directories are left out; `.ci` is ours.
pub(crate) fn files(dir: &Path, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(dir, "", extensions, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn collect(dir: &Path, prefix: &str, extensions: &[&str], found: &mut Vec<Source>) {
    let entries = std::fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", dir.display()));
    for entry in entries {
        let path = entry.expect("a directory entry is readable").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let skipped = matches!(name, "target" | "node_modules" | "corpus" | "artifacts");
        if skipped || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{relative}/"), extensions, found);
            continue;
        }
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if extensions.contains(&extension) {
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("cannot read {relative}: {error}"));
            found.push(Source {
                name: relative,
                text,
            });
        }
    }
}

/// `text` with comments, strings and character literals turned into spaces, line by line as before.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = blank_until(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(
                chars[at..end]
                    .iter()
                    .map(|&c| if c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn blank_until(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => position(chars, at, |c| c == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at),
        'r' if !in_word(chars, at) => raw_string_end(chars, at),
        '\'' if next == Some('\\') => position(chars, at + 3, |c| c == '\'') + 1,
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

/// Whether the character at `at` continues an identifier; the `b` and `c` of `br"…"` do not count.
fn in_word(chars: &[char], at: usize) -> bool {
    let word = |i: usize| chars[i].is_alphanumeric() || chars[i] == '_';
    match at {
        0 => false,
        _ if matches!(chars[at - 1], 'b' | 'c') => at > 1 && word(at - 2),
        _ => word(at - 1),
    }
}

fn position(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    (from..chars.len())
        .find(|&i| wanted(chars[i]))
        .unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> usize {
    let quote = position(chars, at + 1, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return at;
    }
    let hashes = quote - at - 1;
    let mut i = quote + 1;
    while i < chars.len() {
        let closed = chars[i] == '"'
            && chars.len() > i + hashes
            && chars[i + 1..=i + hashes].iter().all(|&c| c == '#');
        if closed {
            return i + 1 + hashes;
        }
        i += 1;
    }
    chars.len()
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay_where_they_were() {
    let rows = [
        ("a // b {\nc", "a       \nc"),
        ("/* { /* x */ } */ d", "                  d"),
        (
            "f(\"{ \\\" }\", '{', '\\'', b'}')",
            "f(        ,    ,     , b   )",
        ),
        (
            "r#\"a \" {\"# + br\"{\" + r#fn",
            "           + b     + r#fn",
        ),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("\"two\nlines\" }", "    \n       }"),
    ];
    for (text, code) in rows {
        assert_eq!(code_only(text), code, "for {text:?}");
    }
}
