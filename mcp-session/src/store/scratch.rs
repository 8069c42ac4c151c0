//! What one exchange remembers, in memory.

use parking_lot::Mutex;
use serde_json::{Map, Value};

/// The values of one exchange, by name.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    // Held for a map operation only: nothing of the user's runs under it.
    values: Mutex<Map<String, Value>>,
}

impl Scratch {
    /// All values, to travel with the exchange.
    #[allow(dead_code, reason = "for whoever carries an exchange over its rounds")]
    pub(crate) fn export(&self) -> Map<String, Value> {
        self.values.lock().clone()
    }

    /// Takes the values that travelled with the exchange.
    #[allow(dead_code, reason = "for whoever carries an exchange over its rounds")]
    pub(crate) fn import(&self, values: Map<String, Value>) {
        *self.values.lock() = values;
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.values.lock().get(name).cloned()
    }

    /// Replaces the value of this name, if it is still `expected` and all values together then take
    /// no more than `limit` bytes as JSON.
    pub(crate) fn replace(
        &self,
        name: &str,
        expected: Option<&Value>,
        value: Value,
        limit: usize,
    ) -> Replaced {
        let mut values = self.values.lock();
        if values.get(name) != expected {
            return Replaced::Changed;
        }
        let before = values.insert(name.to_owned(), value);
        if size(&values) <= limit {
            return Replaced::Done;
        }
        match before {
            Some(before) => values.insert(name.to_owned(), before),
            None => values.shift_remove(name),
        };
        Replaced::Full
    }

    /// Removes a value; false where there is none.
    pub(crate) fn remove(&self, name: &str) -> bool {
        self.values.lock().shift_remove(name).is_some()
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaced {
    Done,
    /// It was not as expected.
    Changed,
    Full,
}

/// How many bytes the values take as JSON.
fn size(values: &Map<String, Value>) -> usize {
    serde_json::to_vec(values).map_or(usize::MAX, |text| text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_exported_is_what_an_import_gives() {
        let scratch = Scratch::default();
        assert_eq!(scratch.replace("a", None, json!(1), 7), Replaced::Done);
        assert_eq!(scratch.replace("a", None, json!(2), 7), Replaced::Changed);
        assert_eq!(
            scratch.replace("a", Some(&json!(1)), json!(22), 7),
            Replaced::Full
        );
        assert_eq!(scratch.replace("b", None, json!(0), 7), Replaced::Full);
        assert_eq!((scratch.get("a"), scratch.get("b")), (Some(json!(1)), None));
        let other = Scratch::default();
        other.import(scratch.export());
        assert!(other.remove("a") && !other.remove("a") && scratch.get("a").is_some());
    }
}
