//! Tools that change what the server offers, to whoever comes next: at every replica.
//!
//! A process offers what it was told to. These are told by records in the store that they share; of
//! a change elsewhere a replica learns by looking, which is good enough here. A program of your own
//! has somebody who says that there is something new.

use std::time::Duration;

use mcp_session::store::{Draft, Key, Owner, Quota, StoreError};
use mcp_session::{Context, Edit, Prompt, Server, Tool, ToolError, Variant};

const TOOL: &str = "test_toggled_tool";
const PROMPT: &str = "test_toggled_prompt";

/// How often a replica looks.
const LOOK: Duration = Duration::from_millis(100);

/// How long something stays that nobody takes away.
const STAYS: Duration = Duration::from_secs(60 * 60);

/// What comes and goes; it is there while there is a record.
#[derive(Debug, Clone, Copy)]
enum Toggled {
    Tool,
    Prompt,
}

pub(crate) fn tools() -> [Tool; 2] {
    [
        Tool::new("test_trigger_tool_change")
            .description("Adds a tool to the server, or takes it away again.")
            .handler(async |ctx: Context| toggle(ctx, Toggled::Tool).await),
        Tool::new("test_trigger_prompt_change")
            .description("Adds a prompt to the server, or takes it away again.")
            .handler(async |ctx: Context| toggle(ctx, Toggled::Prompt).await),
    ]
}

/// Offers what the records say, and goes on doing so where other processes may change them.
pub(crate) async fn follow(server: &Server) -> mcp_session::Result<()> {
    let mut offered = [false; 2];
    look(server, &mut offered).await?;
    if server.store().is_durable() {
        let server = server.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                // What cannot be published now can be next time.
                look(&server, &mut offered).await.ok();
            }
        });
    }
    Ok(())
}

async fn look(server: &Server, offered: &mut [bool; 2]) -> mcp_session::Result<()> {
    for (toggled, offered) in [Toggled::Tool, Toggled::Prompt].into_iter().zip(offered) {
        // Where the store is away, what was offered last still is.
        let Ok(record) = server.store().load(&toggled.key()).await else {
            continue;
        };
        if record.is_some() != *offered {
            toggled.publish(server, record.is_some()).await?;
            *offered = record.is_some();
        }
    }
    Ok(())
}

async fn toggle(ctx: Context, toggled: Toggled) -> Result<&'static str, ToolError> {
    let server = ctx
        .server()
        .ok_or_else(|| ToolError::new("the server is ending"))?;
    let is_there = toggled.toggle(&server).await?;
    toggled.publish(&server, is_there).await?;
    Ok("Changed.")
}

impl Toggled {
    fn key(self) -> Key {
        let name = match self {
            Self::Tool => TOOL,
            Self::Prompt => PROMPT,
        };
        Owner::new("everything", "toggled").key(name)
    }

    /// Takes the record away, or makes it; whether it is there now.
    async fn toggle(self, server: &Server) -> Result<bool, StoreError> {
        let (store, key) = (server.store(), self.key());
        if store.delete(&key, None).await? {
            return Ok(false);
        }
        let draft = Draft::new("").ttl(STAYS);
        match store.create(&key, draft, Quota::NONE).await {
            // Somebody else made it just now.
            Ok(_) | Err(StoreError::Conflict) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// A new revision of the template: sessions that are open keep what they have, and open
    /// `subscriptions/listen` streams are told.
    async fn publish(self, server: &Server, is_there: bool) -> mcp_session::Result<()> {
        let publish = |edit: &mut Edit<'_>| self.edit(edit, is_there);
        server.publish(Variant::DEFAULT, publish).await?;
        Ok(())
    }

    fn edit(self, edit: &mut Edit<'_>, is_there: bool) -> mcp_session::Result<()> {
        match (self, is_there) {
            (Self::Tool, true) => {
                let tool = Tool::new(TOOL).description("Comes and goes.");
                edit.add_tool(tool.handler(async || "Still here."))?;
            }
            (Self::Prompt, true) => {
                let prompt = Prompt::new(PROMPT).description("Comes and goes.");
                edit.add_prompt(prompt.handler(async || "Still here."))?;
            }
            // Only what is there can be hidden.
            (Self::Tool, false) => drop(edit.hide_tool(TOOL)),
            (Self::Prompt, false) => drop(edit.hide_prompt(PROMPT)),
        }
        Ok(())
    }
}
