//! The names of all methods and notifications, in every revision.

/// Asks which revisions and capabilities a server has (since 2026-07-28).
pub const SERVER_DISCOVER: &str = "server/discover";
/// Opens a handshake session (before 2026-07-28).
pub const INITIALIZE: &str = "initialize";
/// Asks whether the other side is there (before 2026-07-28).
pub const PING: &str = "ping";
/// Lists the tools.
pub const TOOLS_LIST: &str = "tools/list";
/// Calls a tool.
pub const TOOLS_CALL: &str = "tools/call";
/// Lists the prompts.
pub const PROMPTS_LIST: &str = "prompts/list";
/// Fills in a prompt.
pub const PROMPTS_GET: &str = "prompts/get";
/// Lists the resources.
pub const RESOURCES_LIST: &str = "resources/list";
/// Lists the resource templates.
pub const RESOURCES_TEMPLATES_LIST: &str = "resources/templates/list";
/// Reads a resource.
pub const RESOURCES_READ: &str = "resources/read";
/// Asks to be told when a resource changes (before 2026-07-28).
pub const RESOURCES_SUBSCRIBE: &str = "resources/subscribe";
/// Takes a subscription back (before 2026-07-28).
pub const RESOURCES_UNSUBSCRIBE: &str = "resources/unsubscribe";
/// Asks for completions of an argument.
pub const COMPLETION_COMPLETE: &str = "completion/complete";
/// Sets the least level of log messages (before 2026-07-28).
pub const LOGGING_SET_LEVEL: &str = "logging/setLevel";
/// Opens a stream of notifications (since 2026-07-28).
pub const SUBSCRIPTIONS_LISTEN: &str = "subscriptions/listen";

/// Asks the client for its roots.
pub const ROOTS_LIST: &str = "roots/list";
/// Asks the client's model.
pub const SAMPLING_CREATE_MESSAGE: &str = "sampling/createMessage";
/// Asks the user.
pub const ELICITATION_CREATE: &str = "elicitation/create";

/// Says that the handshake is done (before 2026-07-28).
pub const INITIALIZED: &str = "notifications/initialized";
/// Takes a request back.
pub const CANCELLED: &str = "notifications/cancelled";
/// Says how far a request has come.
pub const PROGRESS: &str = "notifications/progress";
/// Carries a log message.
pub const MESSAGE: &str = "notifications/message";
/// Says that the list of tools changed.
pub const TOOLS_LIST_CHANGED: &str = "notifications/tools/list_changed";
/// Says that the list of prompts changed.
pub const PROMPTS_LIST_CHANGED: &str = "notifications/prompts/list_changed";
/// Says that the list of resources changed.
pub const RESOURCES_LIST_CHANGED: &str = "notifications/resources/list_changed";
/// Says that a resource changed.
pub const RESOURCES_UPDATED: &str = "notifications/resources/updated";
/// Says that the client's roots changed (before 2026-07-28).
pub const ROOTS_LIST_CHANGED: &str = "notifications/roots/list_changed";
/// Says that what a URL elicitation asked for is done (2025-11-25).
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// Says what a listen stream will carry (since 2026-07-28).
pub const SUBSCRIPTIONS_ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// Tells the status of a task (2025-11-25).
pub const TASKS_STATUS: &str = "notifications/tasks/status";

/// Asks for a task (2025-11-25, and the tasks extension).
pub const TASKS_GET: &str = "tasks/get";
/// Waits for the result of a task (2025-11-25).
pub const TASKS_RESULT: &str = "tasks/result";
/// Lists the tasks (2025-11-25).
pub const TASKS_LIST: &str = "tasks/list";
/// Cancels a task (2025-11-25, and the tasks extension).
pub const TASKS_CANCEL: &str = "tasks/cancel";
/// Gives a task the input it waits for (the tasks extension).
pub const TASKS_UPDATE: &str = "tasks/update";

/// Every name the specification gives a meaning, in any revision.
const DEFINED: &[&str] = &[
    SERVER_DISCOVER,
    INITIALIZE,
    PING,
    TOOLS_LIST,
    TOOLS_CALL,
    PROMPTS_LIST,
    PROMPTS_GET,
    RESOURCES_LIST,
    RESOURCES_TEMPLATES_LIST,
    RESOURCES_READ,
    RESOURCES_SUBSCRIBE,
    RESOURCES_UNSUBSCRIBE,
    COMPLETION_COMPLETE,
    LOGGING_SET_LEVEL,
    SUBSCRIPTIONS_LISTEN,
    ROOTS_LIST,
    SAMPLING_CREATE_MESSAGE,
    ELICITATION_CREATE,
    INITIALIZED,
    CANCELLED,
    PROGRESS,
    MESSAGE,
    TOOLS_LIST_CHANGED,
    PROMPTS_LIST_CHANGED,
    RESOURCES_LIST_CHANGED,
    RESOURCES_UPDATED,
    ROOTS_LIST_CHANGED,
    ELICITATION_COMPLETE,
    SUBSCRIPTIONS_ACKNOWLEDGED,
];

/// Whether the core specification defines this name, so that an extension cannot have it. The
/// methods of tasks are an extension's own.
pub fn is_defined(name: &str) -> bool {
    DEFINED.contains(&name)
}
