//! What a client and a server say they can do.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::protocol::text::Raw;
use crate::protocol::types::{Object, is_false};

/// What a client can do, as it said in `initialize` or in the request.
///
/// A capability that is present counts as declared, whatever its members. The JSON object is
/// kept whole, unknown members included.
///
/// ```
/// use mcp_session::protocol::ClientCapabilities;
///
/// let client: ClientCapabilities = serde_json::from_str(r#"{"elicitation":{},"roots":{}}"#)?;
/// assert!(client.elicitation_form() && client.roots());
/// assert!(!client.elicitation_url() && !client.sampling());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ClientCapabilities {
    flags: Flags,
    raw: Raw,
    named: Option<Arc<Named>>,
}

/// Capabilities known by name only; built when there are any.
#[derive(Debug, Default)]
struct Named {
    extensions: Map<String, Value>,
    experimental: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    roots: bool,
    roots_list_changed: bool,
    sampling: bool,
    sampling_tools: bool,
    sampling_context: bool,
    elicitation_form: bool,
    elicitation_url: bool,
}

impl ClientCapabilities {
    /// Reads capabilities, sharing the memory of `raw`.
    ///
    /// # Errors
    ///
    /// When a capability that the protocol defines has the wrong type.
    pub fn from_raw(raw: Raw) -> Result<Self, serde_json::Error> {
        if raw == Raw::empty_object() {
            let (flags, named) = Default::default();
            return Ok(Self { flags, raw, named });
        }
        let Object(wire): Object<Wire> = raw.decode_borrowed()?;
        let named = (wire.extensions.is_some() || wire.experimental.is_some()).then(|| {
            Arc::new(Named {
                extensions: wire.extensions.unwrap_or_default(),
                experimental: wire.experimental.unwrap_or_default(),
            })
        });
        let sampling = wire.sampling.map(|Object(sampling)| sampling);
        let elicitation = wire.elicitation.map(|Object(elicitation)| elicitation);
        let form = elicitation.as_ref().is_some_and(|it| it.form.is_some());
        let url = elicitation.as_ref().is_some_and(|it| it.url.is_some());
        let flags = Flags {
            roots: wire.roots.is_some(),
            roots_list_changed: wire.roots.is_some_and(|Object(roots)| roots.list_changed),
            sampling: sampling.is_some(),
            sampling_tools: sampling.as_ref().is_some_and(|it| it.tools.is_some()),
            sampling_context: sampling.is_some_and(|it| it.context.is_some()),
            // An empty object means forms (2025-11-25 client/elicitation "Capabilities").
            elicitation_form: form || (elicitation.is_some() && !url),
            elicitation_url: url,
        };
        Ok(Self { flags, raw, named })
    }

    /// Whether the client can tell its roots.
    pub fn roots(&self) -> bool {
        self.flags.roots
    }

    /// Whether the client says so when its roots change.
    pub fn roots_list_changed(&self) -> bool {
        self.flags.roots_list_changed
    }

    /// Whether the client lets the server ask its model.
    pub fn sampling(&self) -> bool {
        self.flags.sampling
    }

    /// Whether its model can be offered tools.
    pub fn sampling_tools(&self) -> bool {
        self.flags.sampling_tools
    }

    /// Whether it can include the context of other servers.
    pub fn sampling_context(&self) -> bool {
        self.flags.sampling_context
    }

    /// Whether the client can show the user a form.
    pub fn elicitation_form(&self) -> bool {
        self.flags.elicitation_form
    }

    /// Whether the client can send the user to a URL.
    pub fn elicitation_url(&self) -> bool {
        self.flags.elicitation_url
    }

    /// Returns the settings of an extension, if the client knows it.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.named.as_ref()?.extensions.get(name)
    }

    /// Returns the settings of an experimental capability, if the client has it.
    pub fn experimental(&self, name: &str) -> Option<&Value> {
        self.named.as_ref()?.experimental.get(name)
    }

    /// Returns the object as the client sent it.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// Copies the object out of the message it came in, so that the message may be freed.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self {
            flags: self.flags,
            raw: self.raw.detach(),
            named: self.named.clone(),
        }
    }
}

impl PartialEq for ClientCapabilities {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Serialize for ClientCapabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClientCapabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(Raw::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The members that decide something. Null counts as absent, as some clients write it.
#[derive(Deserialize)]
struct Wire {
    roots: Option<Object<WireRoots>>,
    sampling: Option<Object<WireSampling>>,
    elicitation: Option<Object<WireElicitation>>,
    extensions: Option<Map<String, Value>>,
    experimental: Option<Map<String, Value>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct WireRoots {
    #[serde(default)]
    list_changed: bool,
}

#[derive(Deserialize)]
struct WireSampling {
    tools: Option<Object<Ignored>>,
    context: Option<Object<Ignored>>,
}

#[derive(Deserialize)]
struct WireElicitation {
    form: Option<Object<Ignored>>,
    url: Option<Object<Ignored>>,
}

/// What an object holds when its members do not matter.
#[derive(Deserialize)]
struct Ignored {}

/// What a server can do. A family that is absent is not offered at all.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCapabilities {
    /// It has tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ListChanged>,
    /// It has prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<ListChanged>,
    /// It has resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourcesCapability>,
    /// It completes arguments.
    #[serde(default, with = "presence", skip_serializing_if = "is_false")]
    pub completions: bool,
    /// It sends log messages.
    #[serde(default, with = "presence", skip_serializing_if = "is_false")]
    pub logging: bool,
    /// Its extensions, by name (since 2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
    /// What it tries out, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimental: Option<Map<String, Value>>,
}

/// A family that has a list.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListChanged {
    /// Whether clients are told when the list changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list_changed: bool,
}

impl ListChanged {
    /// Makes a capability.
    pub const fn new(list_changed: bool) -> Self {
        Self { list_changed }
    }
}

/// The family of resources.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesCapability {
    /// Whether clients may ask to be told when a resource changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub subscribe: bool,
    /// Whether clients are told when the list changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list_changed: bool,
}

impl ResourcesCapability {
    /// Makes a capability without subscriptions.
    pub const fn new(list_changed: bool) -> Self {
        Self {
            subscribe: false,
            list_changed,
        }
    }

    /// Sets whether clients may subscribe to a resource.
    #[must_use]
    pub const fn subscribe(mut self, subscribe: bool) -> Self {
        self.subscribe = subscribe;
        self
    }
}

/// A capability that is an object without members, or absent.
mod presence {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(super) fn serialize<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        Map::new().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        Option::<Map<String, Value>>::deserialize(deserializer).map(|object| object.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> ClientCapabilities {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn elicitation_without_members_means_forms() {
        assert!(client(r#"{"elicitation":{}}"#).elicitation_form());
        let url = client(r#"{"elicitation":{"url":{}}}"#);
        assert!(url.elicitation_url() && !url.elicitation_form());
        let both = client(r#"{"elicitation":{"url":{},"form":{}}}"#);
        assert!(both.elicitation_url() && both.elicitation_form());
        assert!(!client("{}").elicitation_form());
    }

    #[test]
    fn names_and_unknown_members_are_kept() {
        let text = r#"{"extensions":{"a/b":{"x":1}},"experimental":{"e":{}},"tasks":{"list":{}}}"#;
        let client = client(text);
        assert_eq!(client.extension("a/b").unwrap()["x"], 1);
        assert!(client.experimental("e").is_some() && client.experimental("f").is_none());
        assert_eq!(serde_json::to_string(&client).unwrap(), text);
    }

    #[test]
    fn wrong_types_are_refused() {
        for text in [
            "[]",
            r#"{"sampling":true}"#,
            r#"{"sampling":{"tools":1}}"#,
            r#"{"roots":[]}"#,
            r#"{"roots":{"listChanged":"yes"}}"#,
            r#"{"extensions":[]}"#,
        ] {
            assert!(
                serde_json::from_str::<ClientCapabilities>(text).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_server_without_a_family_does_not_mention_it() {
        let server = ServerCapabilities {
            tools: Some(ListChanged::new(true)),
            completions: true,
            ..ServerCapabilities::default()
        };
        let text = serde_json::to_string(&server).unwrap();
        assert_eq!(text, r#"{"tools":{"listChanged":true},"completions":{}}"#);
        assert_eq!(
            serde_json::from_str::<ServerCapabilities>(&text).unwrap(),
            server
        );
    }
}
