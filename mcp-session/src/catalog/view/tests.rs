//! Proves paging and lookup against a model, under random changes and limits.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::catalog::{Definition, Rebase, Recipe};
use crate::protocol::wire::DefinitionKind;

/// An entry that is nothing but its definition.
#[derive(Clone, Debug)]
struct Thing(Arc<Definition>);

impl Listed for Thing {
    fn definition(&self) -> &Definition {
        &self.0
    }

    fn recipe(&self) -> Option<&Recipe> {
        None
    }
}

fn thing(name: &str, mark: u32) -> Thing {
    let json = format!(r#"{{"name":"{name}","mark":{mark}}}"#);
    Thing(Arc::new(Definition::new(
        name.into(),
        DefinitionKind::Tool,
        json.into(),
    )))
}

#[derive(Debug, Clone)]
enum Change {
    Put(u8, u32),
    Hide(u8),
    Restore(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..20_u8, any::<u32>()).prop_map(|(name, mark)| Change::Put(name, mark)),
        (0..20_u8).prop_map(Change::Hide),
        (0..20_u8).prop_map(Change::Restore),
    ]
}

/// What a view must show, kept the slow way: originals in place, own entries behind them.
#[derive(Default)]
struct Model {
    originals: Vec<(String, Option<u32>)>,
    own: Vec<(String, u32)>,
}

impl Model {
    fn new(size: u8) -> Self {
        let originals = (0..size)
            .map(|name| (format!("t{name}"), Some(0)))
            .collect();
        Self {
            originals,
            own: Vec::new(),
        }
    }

    fn apply(&mut self, change: &Change) {
        let (Change::Put(name, _) | Change::Hide(name) | Change::Restore(name)) = change;
        let name = format!("t{name}");
        let original = self
            .originals
            .iter_mut()
            .find(|(original, _)| *original == name);
        match (change, original) {
            (Change::Put(_, mark), Some((_, shown))) => *shown = Some(*mark),
            (Change::Hide(_), Some((_, shown))) => *shown = None,
            (Change::Restore(_), Some((_, shown))) => *shown = Some(0),
            (Change::Put(_, mark), None) => match self.own.iter_mut().find(|own| own.0 == name) {
                Some(own) => own.1 = *mark,
                None => self.own.push((name, *mark)),
            },
            (Change::Hide(_), None) => self.own.retain(|own| own.0 != name),
            (Change::Restore(_), None) => {}
        }
    }

    fn shown(&self) -> Vec<(String, u32)> {
        let kept = self
            .originals
            .iter()
            .filter_map(|(name, mark)| Some((name.clone(), (*mark)?)));
        kept.chain(self.own.iter().cloned()).collect()
    }
}

fn listed(view: &View<'_, Thing>, limits: PageLimits) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let page = view.page(cursor, ProtocolVersion::LATEST, limits).unwrap();
        let text: Vec<u8> = page.pieces.join(&b","[..]);
        let text = format!("[{}]", String::from_utf8(text).unwrap());
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(
            entries.len() <= limits.entries
                && (text.len() <= limits.bytes + 2 || entries.len() == 1)
        );
        assert!(!entries.is_empty() || (all.is_empty() && page.next.is_none()));
        all.extend(entries.iter().map(|entry| {
            let mark = entry["mark"].as_u64().unwrap();
            (
                entry["name"].as_str().unwrap().to_owned(),
                u32::try_from(mark).unwrap(),
            )
        }));
        match page.next {
            Some(next) => cursor = Some(Cursor::from_text(&next.to_text(b't'), b't').unwrap()),
            None => return all,
        }
    }
}

proptest! {
    #[test]
    fn paging_and_lookup_agree_with_a_model(
        size in 0..15_u8,
        changes in proptest::collection::vec(change(), 0..30),
        entries in 1..6_usize,
        bytes in 0..200_usize,
    ) {
        let snapshot = Snapshot::new((0..size).map(|name| thing(&format!("t{name}"), 0)));
        let (mut own, mut model) = (Changes::default(), Model::new(size));
        for change in &changes {
            model.apply(change);
            match change {
                Change::Put(name, mark) => own.put(&snapshot, thing(&format!("t{name}"), *mark)),
                Change::Hide(name) => { own.hide(&snapshot, &format!("t{name}")); }
                Change::Restore(name) => { own.restore(&snapshot, &format!("t{name}")); }
            }
        }
        let view = View::new(&snapshot, &own);
        let shown = model.shown();
        prop_assert_eq!(&listed(&view, PageLimits { entries, bytes }), &shown);
        prop_assert_eq!(view.iter().count(), shown.len());
        for name in (0..20).map(|name| format!("t{name}")) {
            let mark = shown.iter().find(|(shown, _)| *shown == name).map(|(_, mark)| *mark);
            let found = view.find(&name).map(|found| found.definition().canonical().clone());
            let expected = mark.map(|mark| thing(&name, mark).0.canonical().clone());
            prop_assert_eq!(found, expected);
        }
        // Applied to the snapshot, the changes show the same to everybody.
        let next = own.applied(&snapshot);
        let none = Changes::default();
        prop_assert_eq!(listed(&View::new(&next, &none), PageLimits { entries, bytes }), shown);
        // Moved onto that revision, there is nothing left to see.
        let moved = own.onto(&snapshot, &next, Rebase::KeepOwn);
        prop_assert!(View::new(&next, &moved).lists_like(&View::new(&next, &none)));
    }
}

#[test]
fn a_cursor_of_another_revision_is_refused() {
    let limits = PageLimits {
        entries: 1,
        bytes: 1_000,
    };
    let (old, new) = (
        Snapshot::new([thing("a", 0), thing("b", 0)]),
        Snapshot::new([thing("a", 1)]),
    );
    let none = Changes::default();
    let page = View::new(&old, &none)
        .page(None, ProtocolVersion::LATEST, limits)
        .unwrap();
    let refused = View::new(&new, &none).page(page.next, ProtocolVersion::LATEST, limits);
    assert!(refused.is_err());
}

#[test]
fn a_revision_is_a_digest_of_the_content_alone() {
    let revision = |mark| Snapshot::new([thing("a", mark), thing("b", 0)]).revision();
    assert_eq!(revision(0), revision(0));
    assert_ne!(revision(0), revision(1));
}
