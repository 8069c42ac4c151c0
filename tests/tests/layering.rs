//! Proves that every top-level module of the library imports only from the layers beneath it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::sources::{code_only, files, workspace};

/// Top-level modules, lowest layer first; modules on one line may not see each other.
const LAYERS: &[&[&str]] = &[
    &["protocol"],
    &["clock", "error", "random", "shards"],
    &["auth", "schema"],
    &["store"],
    &["session"],
    &["peer"],
    &["context"],
    &["catalog"],
    &["server"],
    &["handle"],
    &["dispatch"],
    &["transport"],
    &["testing"],
];

/// The roots of a crate may name everything: they only declare and re-export.
const ROOTS: &[&str] = &["lib.rs", "main.rs"];

/// Every import that the layers forbid, as `file:line: what is wrong`.
fn violations(src: &Path) -> Vec<String> {
    let ranks: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(rank, layer)| layer.iter().map(move |module| (*module, rank)))
        .collect();
    let mut found = Vec::new();
    for file in files(src, &["rs"]) {
        if ROOTS.contains(&file.name.as_str()) {
            continue;
        }
        let home = file.name.split(['/', '.']).next().unwrap_or_default();
        let Some(&floor) = ranks.get(home) else {
            found.push(format!("{}: `{home}` is in no layer", file.name));
            continue;
        };
        let code = code_only(&file.text);
        for (at, path) in paths_from_the_root(&code, is_top_level(&file.name)) {
            let target = path.split("::").next().unwrap_or_default();
            let problem = match ranks.get(target) {
                Some(_) if target == home => continue,
                Some(rank) if *rank < floor => continue,
                Some(_) => format!("`{home}` may not see `{target}`"),
                None if target.is_empty() => "grouped import from the crate root".to_owned(),
                None => format!("`{target}` is named through the crate root, not its module"),
            };
            let line = code[..at].matches('\n').count() + 1;
            found.push(format!("{}:{line}: {problem}", file.name));
        }
        if code.contains("super::super") {
            found.push(format!(
                "{}: `super::super` hides where it leads",
                file.name
            ));
        }
    }
    found.sort();
    found
}

/// Whether `super` at the outermost level of this file means the crate root.
fn is_top_level(name: &str) -> bool {
    match name.split_once('/') {
        None => true,
        Some((_, rest)) => rest == "mod.rs",
    }
}

/// Every path that begins at the crate root: its offset and what follows the root.
///
/// `super::` counts where it means the root, which is at brace depths that belong to no inline
/// module of a top-level file.
fn paths_from_the_root(code: &str, top_level: bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    let mut statement = 0;
    for (at, character) in code.char_indices() {
        match character {
            '{' => {
                let header = code[statement..at].trim();
                let is_module = header.split_whitespace().rev().nth(1) == Some("mod");
                braces.push(is_module);
                statement = at + 1;
            }
            '}' => {
                braces.pop();
                statement = at + 1;
            }
            ';' => statement = at + 1,
            'c' | 's' if !continues_a_word(code, at) => {
                let inline = braces.iter().any(|is_module| *is_module);
                let rest = code[at..].strip_prefix("crate::").or_else(|| {
                    code[at..]
                        .strip_prefix("super::")
                        .filter(|_| top_level && !inline)
                });
                if let Some(rest) = rest {
                    found.push((at, identifier(rest)));
                }
            }
            _ => {}
        }
    }
    found
}

fn continues_a_word(code: &str, at: usize) -> bool {
    code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn identifier(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

#[test]
fn every_module_of_the_library_imports_only_from_the_layers_beneath_it() {
    let found = violations(&workspace().join("mcp-session/src"));
    assert!(
        found.is_empty(),
        "imports that break the layers:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_tree_that_breaks_every_rule_is_reported_line_by_line() {
    let dir = std::env::temp_dir().join(format!("mcp-session-layering-{}", std::process::id()));
    let tree = [
        ("lib.rs", "pub use crate::server::Server;\n"),
        (
            "protocol/mod.rs",
            "use super::clock::Now;\nmod tests {\n    use super::Id;\n}\n",
        ),
        (
            "session/mod.rs",
            "use crate::protocol::Id;\nuse crate::{error::Error};\n",
        ),
        (
            "session/outbox.rs",
            "use super::Core;\n// use crate::server::Live;\n",
        ),
        (
            "catalog/tool.rs",
            "//! See [crate::server].\nfn f() { crate::server::live(); }\n",
        ),
        (
            "error.rs",
            "use crate::clock::Clock;\nuse crate::protocol::Code;\n",
        ),
        (
            "auth/mod.rs",
            "mod inner {\n    use super::super::store::Store;\n}\n",
        ),
        (
            "peer/mod.rs",
            "use crate::Session;\nconst S: &str = \"crate::server::Live\";\n",
        ),
        ("helpers.rs", "//! Nobody knows what belongs here.\n"),
    ];
    for (name, text) in tree {
        let path = dir.join(name);
        let parent = path.parent().expect("every file of the tree is inside it");
        std::fs::create_dir_all(parent).expect("the temporary directory is writable");
        std::fs::write(path, text).expect("the temporary directory is writable");
    }
    let found = violations(&dir);
    std::fs::remove_dir_all(&dir).expect("the temporary directory can be removed");
    assert_eq!(
        found,
        [
            "auth/mod.rs: `super::super` hides where it leads",
            "catalog/tool.rs:2: `catalog` may not see `server`",
            "error.rs:1: `error` may not see `clock`",
            "helpers.rs: `helpers` is in no layer",
            "peer/mod.rs:1: `Session` is named through the crate root, not its module",
            "protocol/mod.rs:1: `protocol` may not see `clock`",
            "session/mod.rs:2: grouped import from the crate root",
        ]
    );
}
