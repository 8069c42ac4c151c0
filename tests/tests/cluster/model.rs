//! What must be true of a session, by what its client did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use mcp_session_tests::cluster::{PLAIN, TOOLS};

use crate::listener::Heard;

/// What a session is expected to be.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// The words that were learnt, by name.
    pub(crate) words: BTreeMap<usize, String>,
    /// The tools that do nothing and are hidden.
    pub(crate) hidden: BTreeSet<usize>,
    /// How much was counted.
    pub(crate) count: u64,
    /// The bags, with what is in them.
    pub(crate) bags: Vec<(String, Vec<String>)>,
    /// The notes of which the client was to be told.
    pub(crate) touched: BTreeSet<u64>,
    /// How many notes there were.
    pub(crate) notes: u64,
    /// It said that it wants errors only.
    pub(crate) only_errors: bool,
    /// How often the list was said to have changed before it did.
    pub(crate) lists_before: Option<usize>,
}

impl Expected {
    /// The names of the tools it is offered.
    pub(crate) fn tools(&self) -> BTreeSet<String> {
        let plain = (0..PLAIN).filter(|number| !self.hidden.contains(number));
        let plain = plain.map(|number| format!("plain_{number}"));
        let words = self.words.keys().map(|name| format!("say_{name}"));
        let fixed = TOOLS.map(str::to_owned);
        fixed.into_iter().chain(plain).chain(words).collect()
    }

    /// Holds a list against what is expected.
    pub(crate) fn lists(&self, result: &Value) -> Result<(), String> {
        let mut listed = BTreeSet::new();
        for tool in result["tools"].as_array().into_iter().flatten() {
            let name = tool["name"].as_str().unwrap_or_default();
            if !listed.insert(name.to_owned()) {
                return Err(format!("{name} is listed twice"));
            }
            let number = name.strip_prefix("say_").and_then(|name| name.parse().ok());
            let word = number.and_then(|number: usize| self.words.get(&number));
            if let Some(word) = word
                && tool["description"] != format!("Says {word}.")
            {
                return Err(format!("{name} is listed as {}", tool["description"]));
            }
        }
        let expected = self.tools();
        if listed == expected {
            return Ok(());
        }
        let missing: Vec<_> = expected.difference(&listed).collect();
        let more: Vec<_> = listed.difference(&expected).collect();
        Err(format!("the list lacks {missing:?} and has {more:?}"))
    }

    /// Everything was told that is to be told.
    pub(crate) fn is_told(&self, heard: &Heard) -> bool {
        let lists = self.lists_before.is_none_or(|before| heard.lists > before);
        lists
            && self
                .touched
                .iter()
                .all(|note| heard.notes.contains_key(note))
    }

    /// And nothing else, and nothing twice.
    pub(crate) fn only_told(&self, heard: &Heard) -> Result<(), String> {
        for (note, times) in &heard.notes {
            if !self.touched.contains(note) {
                return Err(format!("note {note} was told, and nobody touched it"));
            }
            if *times > 1 {
                return Err(format!("note {note} was told {times} times"));
            }
        }
        Ok(())
    }
}
