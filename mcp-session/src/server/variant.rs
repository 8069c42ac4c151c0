//! A family of templates, and the choice among them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::RwLock;

use crate::catalog::Families;
use crate::error::{Error, Result};
use crate::server::Template;
use crate::server::template::{Blueprint, Revision};
use crate::session::{Opening, RequestUrl};

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
    members: BTreeMap<Arc<str>, Arc<Member>>,
    select: Select,
    repeated: Option<String>,
}

/// How a variant is chosen.
enum Select {
    /// There is one.
    Only,
    /// By the URL alone: two callers of one URL get the same.
    ByUrl(Box<dyn Fn(RequestUrl<'_>) -> String + Send + Sync>),
    /// By anything else.
    ByOpening(Box<dyn Fn(&Opening) -> String + Send + Sync>),
}

/// One variant: what all its revisions share, and the newest of them.
pub(crate) struct Member {
    name: Arc<str>,
    blueprint: Arc<Blueprint>,
    families: Families,
    // Replaced by `publish`, cloned by every opening; never held across an await.
    newest: RwLock<Arc<Revision>>,
    /// One publication at a time, so that none is lost.
    pub(crate) publishing: tokio::sync::Mutex<()>,
}

impl Variants {
    pub(crate) fn new(template: Template) -> Self {
        let mut variants = Self {
            members: BTreeMap::new(),
            select: Select::Only,
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
        let revision = template.revision();
        let name: Arc<str> = name.into();
        let member = Member {
            name: Arc::clone(&name),
            blueprint: Arc::clone(&revision.blueprint),
            families: revision.catalog.families,
            newest: RwLock::new(Arc::clone(revision)),
            publishing: tokio::sync::Mutex::default(),
        };
        if self
            .members
            .insert(Arc::clone(&name), Arc::new(member))
            .is_some()
        {
            self.repeated = Some(name.to_string());
        }
    }

    pub(crate) fn select(&mut self, select: impl Fn(&Opening) -> String + Send + Sync + 'static) {
        self.select = Select::ByOpening(Box::new(select));
    }

    pub(crate) fn select_by_url(
        &mut self,
        select: impl Fn(RequestUrl<'_>) -> String + Send + Sync + 'static,
    ) {
        self.select = Select::ByUrl(Box::new(select));
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(name) = &self.repeated {
            return Err(Error::configuration(format!(
                "the variant `{name}` is given twice"
            )));
        }
        if self.members.contains_key("") {
            return Err(Error::configuration("a variant has no name"));
        }
        if self.members.len() > 1 && matches!(self.select, Select::Only) {
            return Err(Error::configuration(
                "there are variants, and no `select` to choose one",
            ));
        }
        Ok(())
    }

    /// True when two callers of one URL may get different templates.
    pub(crate) fn varies(&self) -> bool {
        matches!(self.select, Select::ByOpening(_))
    }

    /// The variant of this name.
    pub(crate) fn member(&self, name: &str) -> Result<&Arc<Member>> {
        self.members.get(name).ok_or_else(|| {
            let known = Variant::DEFAULT;
            Error::configuration(format!("there is no variant `{name}`; one is `{known}`"))
        })
    }

    /// The variant of whoever chose none.
    pub(crate) fn default_member(&self) -> &Arc<Member> {
        let default = self.members.get(Variant::DEFAULT);
        default.expect("the default variant is there from the start")
    }

    /// The variant for this opening. Panics where the choice does.
    pub(crate) fn choose(&self, opening: &Opening) -> &Arc<Member> {
        let chosen = match &self.select {
            Select::Only => None,
            Select::ByUrl(select) => Some(select(opening.url())),
            Select::ByOpening(select) => Some(select(opening)),
        };
        let named = chosen.as_deref().and_then(|name| self.members.get(name));
        named.unwrap_or_else(|| self.default_member())
    }
}

impl Member {
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What all revisions share.
    pub(crate) fn blueprint(&self) -> &Arc<Blueprint> {
        &self.blueprint
    }

    /// The families that clients were told of: no revision has others.
    pub(crate) fn families(&self) -> Families {
        self.families
    }

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
