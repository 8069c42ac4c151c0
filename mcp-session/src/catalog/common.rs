//! What clones of an entry have in common.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

/// What an entry is made of, and what was made of it when it was checked. Clones have both in
/// common until one of them is changed: what many sessions are given is there once.
pub(crate) struct Common<P, C> {
    parts: Arc<P>,
    // What is kept here must not hold the entry.
    checked: Arc<OnceLock<C>>,
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

    /// What a check makes of the parts. What is wrong with them is found again each time.
    pub(super) fn checked<E>(&self, check: impl FnOnce() -> Result<C, E>) -> Result<C, E>
    where
        C: Clone,
    {
        if let Some(checked) = self.checked.get() {
            return Ok(checked.clone());
        }
        let checked = check()?;
        Ok(self.checked.get_or_init(|| checked).clone())
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

impl<P: fmt::Debug, C> fmt::Debug for Common<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}
