//! What clones of an entry have in common.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use crate::catalog::Origin;

/// What an entry is made of, and what was made of it when it was checked. Clones have both in
/// common until one of them is changed: what many sessions are given is there once.
pub(crate) struct Common<P, C> {
    parts: Arc<P>,
    checked: Arc<CheckedOnce<C>>,
}

/// What is kept here must not hold the entry.
struct CheckedOnce<C> {
    as_it_is: OnceLock<C>,
    ephemeral: OnceLock<C>,
}

impl<P, C> Common<P, C> {
    pub(super) fn new(parts: P) -> Self {
        Self {
            parts: Arc::new(parts),
            checked: Arc::default(),
        }
    }

    pub(super) fn parts(&self) -> &Arc<P> {
        &self.parts
    }

    /// The parts, to change them: from here on there is nothing in common with clones.
    pub(super) fn change(&mut self) -> &mut P
    where
        P: Clone,
    {
        self.checked = Arc::default();
        Arc::make_mut(&mut self.parts)
    }

    /// What a check makes of the parts, for an entry of this origin. What is wrong with them is
    /// found again each time, and what a factory makes is made anew each time anyway.
    pub(super) fn checked<E>(
        &self,
        origin: Option<&Arc<Origin>>,
        check: impl FnOnce() -> Result<C, E>,
    ) -> Result<C, E>
    where
        C: Clone,
    {
        let place = match origin.map(|origin| &**origin) {
            None => &self.checked.as_it_is,
            Some(Origin::Ephemeral) => &self.checked.ephemeral,
            Some(Origin::Made(_)) => return check(),
        };
        if let Some(checked) = place.get() {
            return Ok(checked.clone());
        }
        let checked = check()?;
        Ok(place.get_or_init(|| checked).clone())
    }
}

impl<C> Default for CheckedOnce<C> {
    fn default() -> Self {
        Self {
            as_it_is: OnceLock::new(),
            ephemeral: OnceLock::new(),
        }
    }
}

impl<P, C> Clone for Common<P, C> {
    fn clone(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            checked: Arc::clone(&self.checked),
        }
    }
}

impl<P, C> Deref for Common<P, C> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.parts
    }
}
