//! Property test: a store does what a plain map with deadlines does.

use std::{collections::BTreeMap, time::Duration};

use mcp_session::store::{Draft, MemoryStore, Owner, Quota, Revision, Store};
use proptest::prelude::*;
use tokio::time::advance;

const QUOTA: Quota = Quota::NONE;

/// One step of a random history. Seconds stand for times to live.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, u8, Option<u64>),
    Save(usize, u8, Option<u64>),
    SaveLate(usize),
    Touch(usize, u64),
    Delete(usize),
    Clear,
    Wait(u64),
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0_usize..4;
    let ttl = || proptest::option::of(1_u64..6);
    let step = prop_oneof![
        3 => (name.clone(), any::<u8>(), ttl()).prop_map(|(n, v, t)| Step::Create(n, v, t)),
        3 => (name.clone(), any::<u8>(), ttl()).prop_map(|(n, v, t)| Step::Save(n, v, t)),
        1 => name.clone().prop_map(Step::SaveLate),
        2 => (name.clone(), 1_u64..6).prop_map(|(n, t)| Step::Touch(n, t)),
        1 => name.prop_map(Step::Delete),
        1 => Just(Step::Clear),
        2 => (1_u64..4).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What a map with deadlines holds.
#[derive(Debug, Default)]
struct Model {
    /// Seconds since the beginning.
    now: u64,
    records: BTreeMap<String, (u8, Revision, Option<u64>)>,
    stale: Vec<Revision>,
}

impl Model {
    fn expire(&mut self) {
        let now = self.now;
        self.records
            .retain(|_, (_, _, until)| until.is_none_or(|until| until > now));
    }

    fn now_plus(&self, ttl: Option<u64>) -> Option<u64> {
        ttl.map(|ttl| self.now + ttl)
    }

    fn put(&mut self, name: &str, value: u8, revision: Revision, until: Option<u64>) {
        if let Some((_, old, _)) = self
            .records
            .insert(name.to_owned(), (value, revision, until))
        {
            self.stale.push(old);
        }
    }
}

fn draft(value: u8, ttl: Option<u64>) -> Draft {
    let draft = Draft::new(vec![value]);
    match ttl {
        Some(ttl) => draft.ttl(Duration::from_secs(ttl)),
        None => draft,
    }
}

fn extended(until: Option<u64>, asked: Option<u64>) -> Option<u64> {
    let until = until?;
    Some(asked.map_or(until, |asked| asked.max(until)))
}

async fn take(store: &MemoryStore, owner: &Owner, model: &mut Model, step: Step) {
    let name = |at: usize| ["a", "b", "c", "d"][at];
    match step {
        Step::Create(at, value, ttl) => {
            let created = store
                .create(&owner.key(name(at)), draft(value, ttl), QUOTA)
                .await;
            assert_eq!(created.is_ok(), !model.records.contains_key(name(at)));
            if let Ok(revision) = created {
                model.put(name(at), value, revision, model.now_plus(ttl));
            }
        }
        Step::Save(at, value, ttl) => {
            let Some((_, expected, now)) = model.records.get(name(at)).copied() else {
                return;
            };
            let key = owner.key(name(at));
            let saved = store.save(&key, expected, draft(value, ttl), QUOTA).await;
            model.put(
                name(at),
                value,
                saved.unwrap(),
                extended(now, model.now_plus(ttl)),
            );
        }
        Step::SaveLate(at) => {
            for revision in &model.stale {
                let key = owner.key(name(at));
                assert!(
                    store
                        .save(&key, *revision, Draft::new("x"), QUOTA)
                        .await
                        .is_err()
                );
            }
        }
        Step::Touch(at, ttl) => {
            let key = owner.key(name(at));
            let touched = store.touch(&key, Duration::from_secs(ttl)).await.unwrap();
            assert_eq!(touched.is_some(), model.records.contains_key(name(at)));
            let until = model.now_plus(Some(ttl));
            if let Some((_, _, now)) = model.records.get_mut(name(at)) {
                *now = extended(*now, until);
            }
        }
        Step::Delete(at) => {
            let deleted = store.delete(&owner.key(name(at)), None).await.unwrap();
            let known = model.records.remove(name(at));
            assert_eq!(deleted, known.is_some());
            model.stale.extend(known.map(|(_, revision, _)| revision));
        }
        Step::Clear => {
            store.clear(owner).await.unwrap();
            model.records.clear();
        }
        Step::Wait(seconds) => {
            model.now += seconds;
            advance(Duration::from_secs(seconds)).await;
        }
        Step::Sweep => drop(store.sweep(2).await.unwrap()),
    }
}

proptest! {
    #[test]
    fn a_store_does_what_a_map_with_deadlines_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (store, owner) = (MemoryStore::new(), Owner::new("test", "ann"));
            let mut model = Model::default();
            for step in steps {
                model.expire();
                take(&store, &owner, &mut model, step).await;
                model.expire();
                let listed = store.list(&owner, None, 10).await.unwrap();
                let listed = listed.into_iter().map(|one| (one.name, one.record));
                let expected = model.records.iter().map(|(name, (value, revision, until))| {
                    let ttl = until.map(|until| Duration::from_secs(until - model.now));
                    (name.clone(), (vec![*value], *revision, ttl))
                });
                let found = listed.map(|(name, one)| (name, (one.value.to_vec(), one.revision, one.ttl)));
                assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        });
    }
}
