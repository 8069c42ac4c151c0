//! The setters that every kind of entry has.

/// Adds the setters of what people and models read about an entry.
///
/// What the type's `change` gives has a `definition` with these members.
macro_rules! describing {
    ($type:ty) => {
        impl $type {
            /// Sets the name for people (since 2025-06-18).
            pub fn title(mut self, title: impl Into<String>) -> Self {
                self.change().definition.title = Some(title.into());
                self
            }

            /// Sets what it is or does: a model chooses by this.
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.change().definition.description = Some(description.into());
                self
            }

            /// Adds a picture (since 2025-11-25).
            pub fn icon(mut self, icon: $crate::protocol::Icon) -> Self {
                self.change()
                    .definition
                    .icons
                    .get_or_insert_default()
                    .push(icon);
                self
            }

            /// Adds a member to `_meta` (since 2025-06-18). The syntax of the key is checked when
            /// the entry is registered.
            pub fn meta(
                mut self,
                key: impl Into<String>,
                value: impl Into<serde_json::Value>,
            ) -> Self {
                let meta = self.change().definition.meta.get_or_insert_default();
                meta.insert(key.into(), value.into());
                self
            }
        }
    };
}

/// Adds the setter of what an entry needs of the client.
macro_rules! needing {
    ($type:ty) => {
        impl $type {
            /// Says that the client must be able to do this. The function does not run for one
            /// that cannot: see [`Needs::capability`](crate::context::Needs::capability).
            pub fn needs(mut self, capability: $crate::session::Capability) -> Self {
                self.needs.capability(capability);
                self
            }

            /// Guards it: the caller's credential must allow this scope. It is listed all the
            /// same, so that a client can ask for more (403 `insufficient_scope`); to keep it from
            /// a caller altogether, hide it. See
            /// [`Needs::scope`](crate::context::Needs::scope).
            pub fn guard(mut self, scope: impl Into<String>) -> Self {
                self.needs.scope(scope);
                self
            }

            /// Keeps the function alive for so long while its client answers a question (stateless
            /// era): it then goes on where it was, in the process that asked. In another process,
            /// later, and where [`Limits::parked`](crate::Limits::parked) are kept already, it
            /// runs again from its beginning, as it does without this. A function that is kept
            /// holds its locals, and none of the places for requests in flight.
            pub fn park(mut self, time: std::time::Duration) -> Self {
                self.needs.park(time);
                self
            }

            /// Takes answers even from a client that does not send back the state that went along
            /// with the questions (stateless era), and sends none while there is nothing to
            /// remember. See
            /// [`Needs::answers_without_state`](crate::context::Needs::answers_without_state).
            pub fn answers_without_state(mut self) -> Self {
                self.needs.answers_without_state();
                self
            }
        }
    };
}

pub(super) use {describing, needing};
