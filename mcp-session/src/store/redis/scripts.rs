//! What the engine is told to do, one script for each operation.

use ::redis::Script;

/// The scripts. Their keys and first arguments are those that `common.lua` names.
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) create: Script,
    pub(super) save: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) clear: Script,
    pub(super) list: Script,
}

const COMMON: &str = include_str!("scripts/common.lua");

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |text| Script::new(&format!("{COMMON}{text}"));
        Self {
            load: script(include_str!("scripts/load.lua")),
            create: script(include_str!("scripts/create.lua")),
            save: script(include_str!("scripts/save.lua")),
            touch: script(include_str!("scripts/touch.lua")),
            delete: script(include_str!("scripts/delete.lua")),
            clear: script(include_str!("scripts/clear.lua")),
            list: script(include_str!("scripts/list.lua")),
        }
    }
}
