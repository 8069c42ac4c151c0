//! A family of templates, and the choice among them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::server::Template;
use crate::server::template::{Blueprint, Revision};
use crate::session::Opening;

/// Names of variants.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Variant;

impl Variant {
    /// The variant of the template the server was made with.
    pub const DEFAULT: &'static str = "default";
}

/// The variants of one server, each at its newest revision.
pub(crate) struct Variants {
    members: BTreeMap<Arc<str>, Member>,
    select: Option<Box<dyn Fn(&Opening) -> String + Send + Sync>>,
    repeated: Option<String>,
}

pub(crate) struct Member {
    // Replaced by `publish`, cloned by every opening; never held across an await.
    newest: RwLock<Arc<Revision>>,
    /// One publication at a time, so that none is lost.
    pub(crate) publishing: tokio::sync::Mutex<()>,
}

impl Variants {
    pub(crate) fn new(template: Template) -> Self {
        let mut variants = Self {
            members: BTreeMap::new(),
            select: None,
            repeated: None,
        };
        variants.add(Variant::DEFAULT.to_owned(), template);
        variants
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the template belongs to the server now"
    )]
    pub(crate) fn add(&mut self, name: String, template: Template) {
        let member = Member {
            newest: RwLock::new(Arc::clone(template.revision())),
            publishing: tokio::sync::Mutex::default(),
        };
        if self.members.insert(name.as_str().into(), member).is_some() {
            self.repeated = Some(name);
        }
    }

    pub(crate) fn select(&mut self, select: impl Fn(&Opening) -> String + Send + Sync + 'static) {
        self.select = Some(Box::new(select));
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(name) = &self.repeated {
            return Err(Error::configuration(format!(
                "the variant `{name}` is given twice"
            )));
        }
        if self.members.len() > 1 && self.select.is_none() {
            return Err(Error::configuration(
                "there are variants, and no `select` to choose one",
            ));
        }
        Ok(())
    }

    /// True when two callers may get different templates.
    pub(crate) fn varies(&self) -> bool {
        self.select.is_some()
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// The newest revision of the template with this blueprint.
    pub(crate) fn newest_of(&self, blueprint: &Arc<Blueprint>) -> Option<Arc<Revision>> {
        let mut newest = self.members.values().map(Member::newest);
        newest.find(|revision| Arc::ptr_eq(&revision.blueprint, blueprint))
    }

    /// The newest revision of the variant for this opening. Panics where `select` does.
    pub(crate) fn choose(&self, opening: &Opening) -> Arc<Revision> {
        let chosen = self.select.as_ref().map(|select| select(opening));
        let named = chosen.as_deref().and_then(|name| self.members.get(name));
        let member = named.or_else(|| self.members.get(Variant::DEFAULT));
        member
            .expect("the default variant is there from the start")
            .newest()
    }
}

impl Member {
    pub(crate) fn newest(&self) -> Arc<Revision> {
        Arc::clone(&self.newest.read())
    }

    pub(crate) fn replace(&self, next: Arc<Revision>) {
        *self.newest.write() = next;
    }
}

impl fmt::Debug for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}
