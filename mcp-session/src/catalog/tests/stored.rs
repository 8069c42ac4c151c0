//! Changes in the form in which they are stored, and made again from it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::catalog::{
    Catalog, CheckedTool, Edit, Entry, Factories, Families, Family, Overlay, Patch, Prompt,
    Resource, ResourceEntry, ResourceTemplate, Snapshot, StoredPatch, Tool, View, Workshop,
};
use crate::context::Deps;
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct Said {
    name: String,
    #[serde(default)]
    text: String,
}

fn tool(said: Said) -> Tool {
    let text = said.text.clone();
    Tool::new(said.name)
        .description(said.text)
        .handler(move || {
            let text = text.clone();
            async move { text }
        })
}

fn named(name: &str) -> Tool {
    tool(Said {
        name: name.to_owned(),
        text: String::new(),
    })
}

fn register<T>(
    factories: &mut Factories,
    name: &str,
    make: impl Fn(Said) -> T + Send + Sync + 'static,
) where
    T: crate::catalog::IntoMade<Tool> + 'static,
{
    factories.register(name.into(), make).expect("a new name");
}

fn factories() -> Factories {
    let mut factories = Factories::default();
    register(&mut factories, "tool", tool);
    let prompt = |said: Said| Prompt::new(said.name).handler(async || "Hello.");
    factories.register("prompt".into(), prompt).unwrap();
    let resource = |said: Said| -> Result<ResourceEntry> {
        if said.name.contains('{') {
            let family = ResourceTemplate::new(said.name, "family");
            return Ok(family.handler(async || "-").into());
        }
        Ok(Resource::new(said.name, "one").text(said.text).into())
    };
    factories.register("resource".into(), resource).unwrap();
    factories
}

/// What a template offers.
struct Offered {
    catalog: Catalog,
    deps: Deps,
    factories: Factories,
}

impl Offered {
    fn new(tools: &[&str]) -> Self {
        let deps = Deps::default();
        let families = Family::Resources;
        let families = Families::default().with(families).with(Family::Tools);
        let tools = tools
            .iter()
            .map(|name| CheckedTool::check(&named(name), &deps).expect("a tool without mistakes"));
        let catalog = Catalog {
            families: families.with(Family::Prompts),
            tools: Arc::new(Snapshot::new(tools)),
            prompts: Arc::new(Snapshot::new([])),
            resources: Arc::new(Snapshot::new([])),
            templates: Arc::new(Snapshot::new([])),
        };
        Self {
            catalog,
            deps,
            factories: factories(),
        }
    }

    fn edit(&self, overlay: Overlay, edit: impl FnOnce(&mut Edit<'_>) -> Result<()>) -> Made {
        let mut editing = Edit::new(&self.catalog, &self.deps, &self.factories, overlay);
        edit(&mut editing).expect("an edit that can be made");
        let (overlay, patch) = editing.into_parts();
        Made { overlay, patch }
    }

    fn restore(&self, stored: &StoredPatch) -> (Overlay, Vec<String>) {
        let (patch, problems) = stored.restore(Workshop {
            factories: &self.factories,
            deps: &self.deps,
            families: self.catalog.families,
        });
        let mut overlay = Overlay::default();
        patch.lay(&mut overlay, &self.catalog);
        assert_eq!(overlay.problems(&self.catalog), [""; 0]);
        (overlay, problems)
    }

    fn tools(&self, overlay: &Overlay) -> Vec<String> {
        let view = View::new(&*self.catalog.tools, &overlay.tools);
        let keys = view.iter().map(crate::catalog::Listed::definition);
        keys.map(|definition| definition.key().to_string())
            .collect()
    }
}

struct Made {
    overlay: Overlay,
    patch: Patch,
}

fn text(stored: &StoredPatch) -> String {
    String::from_utf8(stored.to_bytes().unwrap().to_vec()).unwrap()
}

fn read(json: &str) -> StoredPatch {
    StoredPatch::from_bytes(json.as_bytes()).unwrap()
}

fn install(edit: &mut Edit<'_>, factory: &str, name: &str) -> Result<()> {
    edit.install(factory, &json!({"name": name}))
}

#[test]
fn what_changes_nothing_is_stored_as_next_to_nothing() {
    let offered = Offered::new(&["a"]);
    let made = offered.edit(Overlay::default(), |_| Ok(()));
    let stored = made.overlay.stored(&offered.catalog);
    assert!(stored.is_empty());
    assert_eq!(text(&stored), "{}");
    assert_eq!(read("{}"), stored);
}

#[test]
fn every_kind_of_change_comes_back_in_its_place() {
    let offered = Offered::new(&["a", "b", "c"]);
    let made = offered.edit(Overlay::default(), |edit| {
        edit.hide_tool("b")?;
        install(edit, "tool", "z")?;
        edit.install("tool", &json!({"name": "a", "text": "another a"}))?;
        install(edit, "tool", "y")?;
        edit.hide_tool("z")?;
        install(edit, "tool", "z")?;
        install(edit, "prompt", "p")?;
        install(edit, "resource", "x:one")?;
        install(edit, "resource", "x:{which}")
    });
    let stored = made.overlay.stored(&offered.catalog);
    let made_of = |factory: &str, name: &str| {
        format!(
            r#"{{"make":{{"name":"{name}","factory":"{factory}","params":{{"name":"{name}"}}}}}}"#
        )
    };
    let expected = [
        r#"{"tools":[{"make":{"name":"a","factory":"tool","params":{"name":"a","text":"another a"}}},{"hide":"b"},"#,
        &made_of("tool", "y"),
        ",",
        &made_of("tool", "z"),
        r#"],"prompts":["#,
        &made_of("prompt", "p"),
        r#"],"resources":["#,
        &made_of("resource", "x:one"),
        r#"],"templates":["#,
        &made_of("resource", "x:{which}"),
        "]}",
    ];
    assert_eq!(text(&stored), expected.concat());
    assert_eq!(read(&text(&stored)), stored);
    let (overlay, problems) = offered.restore(&stored);
    assert_eq!(problems, [""; 0]);
    assert_eq!(offered.tools(&overlay), ["a", "c", "y", "z"]);
    assert_eq!(overlay.stored(&offered.catalog), stored);
    let nothing = Overlay::default();
    let same = offered
        .catalog
        .changed_families(&made.overlay, &offered.catalog, &overlay);
    assert_eq!(same, []);
    let differs = offered
        .catalog
        .changed_families(&nothing, &offered.catalog, &overlay);
    assert_eq!(differs.len(), 3);
    // The same changes apart from a catalog; only the order of what is not listed differs.
    let (again, _) = offered.restore(&made.patch.stored(&offered.catalog));
    assert_eq!(again.stored(&offered.catalog), stored);
}

#[test]
fn what_no_factory_made_is_left_out_and_nothing_is_in_its_place() {
    let offered = Offered::new(&["a"]);
    let made = offered.edit(Overlay::default(), |edit| {
        edit.add_tool(named("a").ephemeral())?;
        edit.add_tool(named("own").ephemeral())?;
        install(edit, "tool", "kept")
    });
    assert_eq!(offered.tools(&made.overlay), ["a", "own", "kept"]);
    let (overlay, problems) = offered.restore(&made.overlay.stored(&offered.catalog));
    assert_eq!(problems, [""; 0]);
    assert_eq!(offered.tools(&overlay), ["kept"]);
    let (overlay, _) = offered.restore(&made.patch.stored(&offered.catalog));
    assert_eq!(offered.tools(&overlay), ["kept"]);
}

#[test]
fn a_factory_may_mark_what_it_makes_as_ephemeral() {
    let mut offered = Offered::new(&[]);
    register(&mut offered.factories, "brief", |said| {
        tool(said).ephemeral()
    });
    let made = offered.edit(Overlay::default(), |edit| install(edit, "brief", "own"));
    assert!(made.overlay.stored(&offered.catalog).is_empty());
}

#[test]
fn what_was_hidden_stays_hidden_when_it_comes_back() {
    let (old, new) = (Offered::new(&["a", "b"]), Offered::new(&["b"]));
    let made = old.edit(Overlay::default(), |edit| edit.hide_tool("a"));
    let stored = made.overlay.stored(&old.catalog);
    let (overlay, _) = new.restore(&stored);
    assert_eq!(new.tools(&overlay), ["b"]);
    assert!(View::new(&*new.catalog.tools, &overlay.tools).hides("a"));
    // It is kept through every store and revision.
    assert_eq!(overlay.stored(&new.catalog), stored);
    let policy = crate::catalog::Rebase::KeepOwn;
    let moved = overlay.onto(&new.catalog, &old.catalog, policy);
    assert_eq!(old.tools(&moved), ["b"]);
    // Laid twice it is still one.
    let (patch, _) = stored.restore(Workshop {
        factories: &new.factories,
        deps: &new.deps,
        families: new.catalog.families,
    });
    let mut twice = overlay;
    patch.lay(&mut twice, &new.catalog);
    assert_eq!(twice.stored(&new.catalog), stored);
}

#[test]
fn what_cannot_be_made_is_said_and_nothing_is_in_its_place() {
    let mut offered = Offered::new(&["replaced", "other"]);
    let failing = |_: Said| -> Result<Tool> { Err(Error::ended()) };
    register(&mut offered.factories, "failing", failing);
    let panicking = |_: Said| -> Tool { panic!("in a factory") };
    register(&mut offered.factories, "panicking", panicking);
    let renaming = |_: Said| named("renamed");
    register(&mut offered.factories, "renaming", renaming);
    let made = |factory: &str, name: &str, params: &str| {
        format!(
            r#"{{"make":{{"name":"{name}","factory":"{factory}","params":{params},"more":1}}}}"#
        )
    };
    let tools = [
        made("gone", "replaced", "{}"),
        made("tool", "own", r#"{"name":7}"#),
        made("failing", "own1", r#"{"name":"own1"}"#),
        made("panicking", "own2", r#"{"name":"own2"}"#),
        made("renaming", "own3", r#"{"name":"own3"}"#),
        made("prompt", "own4", r#"{"name":"own4"}"#),
        made("tool", "no name", r#"{"name":"no name"}"#),
        made("tool", "kept", r#"{"name":"kept"}"#),
    ];
    let stored = format!(r#"{{"tools":[{}],"later":[]}}"#, tools.join(","));
    let (overlay, problems) = offered.restore(&read(&stored));
    let expected = [
        "tool `replaced`: the factory `gone` is not registered",
        "tool `own`: the factory `tool` does not take these parameters: `name`: invalid type: integer `7`, expected a string",
        "tool `own1`: the factory `failing` made nothing: the session has ended",
        "tool `own2`: the factory `panicking` panicked",
        "tool `own3`: the factory `renaming` makes `renamed` of it now",
        "tool `own4`: the factory `prompt` makes another kind of entry now",
    ];
    assert_eq!(problems[..6], expected);
    let last = "tool `no name`: what the factory `tool` makes is refused: 1 mistake";
    assert!(problems[6].starts_with(last), "{}", problems[6]);
    assert_eq!(problems.len(), 7);
    assert_eq!(offered.tools(&overlay), ["other", "kept"]);
}

#[test]
fn a_family_that_is_no_longer_declared_gets_nothing() {
    let mut offered = Offered::new(&[]);
    offered.catalog.families = Families::default().with(Family::Prompts);
    let stored = read(
        r#"{"tools":[{"make":{"name":"own","factory":"tool","params":{"name":"own"}}},{"hide":"x"}]}"#,
    );
    let (_, problems) = offered.restore(&stored);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("declares no tools"), "{problems:?}");
}

#[test]
fn changes_of_two_replicas_are_both_made_and_the_later_wins() {
    let make = |name: &str, text: &str| {
        format!(r#"{{"make":{{"name":"{name}","factory":"tool","params":{{"text":"{text}"}}}}}}"#)
    };
    let tools = |steps: &[String]| read(&format!(r#"{{"tools":[{}]}}"#, steps.join(",")));
    let hide = |name: &str| format!(r#"{{"hide":"{name}"}}"#);
    let base = tools(&[
        make("one", "1"),
        make("two", "2"),
        make("three", "3"),
        hide("a"),
        hide("b"),
    ]);
    let mut theirs = tools(&[
        make("one", "theirs"),
        make("two", "2"),
        hide("a"),
        make("b", "theirs"),
        make("new", "theirs"),
    ]);
    let ours = tools(&[
        make("one", "1"),
        make("two", "ours"),
        make("three", "ours"),
        hide("b"),
        make("own", "ours"),
        make("new", "ours"),
    ]);
    assert!(base.changes_since(&base).is_empty());
    let changes = ours.changes_since(&base);
    theirs.apply(changes.clone());
    let expected = tools(&[
        make("one", "theirs"),
        make("two", "ours"),
        make("b", "theirs"),
        make("new", "ours"),
        make("three", "ours"),
        make("own", "ours"),
    ]);
    assert_eq!(text(&theirs), text(&expected));
    // Once more changes nothing.
    theirs.apply(changes);
    assert_eq!(theirs, expected);
    let mut again = base.clone();
    again.apply(ours.changes_since(&base));
    assert!(ours.changes_since(&again).is_empty());
    assert!(again.changes_since(&ours).is_empty());
}

#[test]
fn what_could_not_be_made_here_stays_what_it_is_in_the_store() {
    let offered = Offered::new(&["a"]);
    let mut record = read(
        r#"{"tools":[{"make":{"name":"a","factory":"newer","params":{}}},{"make":{"name":"b","factory":"newer","params":{}}}]}"#,
    );
    let before = record.clone();
    let (overlay, problems) = offered.restore(&record);
    assert_eq!(problems.len(), 2);
    let base = overlay.stored(&offered.catalog);
    let made = offered.edit(overlay, |edit| install(edit, "tool", "own"));
    record.apply(made.overlay.stored(&offered.catalog).changes_since(&base));
    let own =
        read(r#"{"tools":[{"make":{"name":"own","factory":"tool","params":{"name":"own"}}}]}"#);
    let mut expected = before;
    expected.apply(own);
    assert_eq!(record, expected);
}

#[test]
fn where_changes_are_stored_a_function_is_refused_with_both_remedies() {
    let offered = Offered::new(&["a"]);
    let Offered {
        catalog,
        deps,
        factories,
    } = &offered;
    let editing = || Edit::new(catalog, deps, factories, Overlay::default()).stored(true);
    let refused = [
        editing().add_tool(named("own")),
        editing().add_prompt(Prompt::new("own").handler(async || "-")),
        editing().add_resource(Resource::new("x:a", "a").text("-")),
    ];
    for (refused, what) in refused.into_iter().zip(["tool", "prompt", "resource"]) {
        let error = refused.unwrap_err();
        assert!(error.is_unkept());
        let said = error.to_string();
        assert!(said.starts_with(&format!("this {what} cannot")), "{said}");
        assert!(
            said.contains("Edit::install") && said.contains("ephemeral()"),
            "{said}"
        );
    }
    // For good there is no hook that adds it again, but one that always does.
    let mut edit = Edit::new(catalog, deps, factories, Overlay::default()).stored_for_good(true);
    for tool in [named("own"), named("own").ephemeral()] {
        let said = edit.add_tool(tool).unwrap_err().to_string();
        assert!(
            said.contains("Edit::install") && said.contains("`on_open`"),
            "{said}"
        );
    }
    install(&mut edit, "tool", "made").unwrap();
    let mut edit = editing();
    edit.add_tool(named("own").ephemeral()).unwrap();
    install(&mut edit, "tool", "made").unwrap();
    edit.hide_tool("a").unwrap();
    edit.show_tool("a").unwrap();
}

#[test]
fn an_error_names_the_factory() {
    let offered = Offered::new(&[]);
    let Offered {
        catalog,
        deps,
        factories,
    } = &offered;
    let mut edit = Edit::new(catalog, deps, factories, Overlay::default());
    let unknown = edit.install("none", &1).unwrap_err();
    assert_eq!(unknown.to_string(), "the factory `none` is not registered");
    assert!(unknown.is_edit());
    let misfit = edit.install("tool", &json!({"name": 1})).unwrap_err();
    assert_eq!(
        format!("{misfit:?}"),
        "the factory `tool` does not take these parameters: `name`: invalid type: integer `1`, expected a string"
    );
    let no_json = std::collections::BTreeMap::from([([1], 1)]);
    let error = edit.install("tool", &no_json).unwrap_err();
    assert!(
        error.is_value() && error.to_string().contains("`tool`"),
        "{error}"
    );
    let bad = edit
        .install("tool", &json!({"name": "no spaces"}))
        .unwrap_err();
    assert!(bad.is_registration());
    let entry = factories.make(
        "prompt",
        crate::protocol::Raw::from_value(&json!({"name": "p"})).unwrap(),
    );
    assert!(matches!(entry, Ok(Entry::Prompt(_))));
}
