//! Requests to the client, revision by revision.

use std::fmt;

use crate::protocol::text::Raw;
use crate::protocol::types::{
    CreateMessageParams, ElicitFormParams, ElicitUrlParams, SamplingBlock, SamplingContent,
    SamplingMessage,
};
use crate::protocol::version::{Era, ProtocolVersion};
use crate::protocol::wire::writer::Object;
use crate::protocol::wire::{DefinitionKind, content, definition, form};

/// A question that cannot be put to a client of this revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unshapeable {
    what: String,
    version: ProtocolVersion,
}

impl Unshapeable {
    pub(super) fn new(what: impl Into<String>, version: ProtocolVersion) -> Self {
        Self {
            what: what.into(),
            version,
        }
    }

    /// Returns the revision that is too old.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }
}

impl fmt::Display for Unshapeable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protocol version {} has no {}", self.version, self.what)
    }
}

impl std::error::Error for Unshapeable {}

/// Writes the parameters of `elicitation/create` for a form.
///
/// # Errors
///
/// When the revision has no forms, or not this kind of field.
pub fn elicit_form(
    params: &ElicitFormParams,
    version: ProtocolVersion,
) -> Result<Raw, Unshapeable> {
    if !version.has_elicitation() {
        return Err(Unshapeable::new("elicitation", version));
    }
    let schema = form::schema(&params.requested_schema, version)?;
    let mut buffer = Vec::with_capacity(256);
    let mut object = Object::open(&mut buffer);
    if version.has_url_elicitation() {
        object.member("mode", "form");
    }
    object.member("message", &params.message);
    object.member("requestedSchema", &schema);
    // Questions within a result have no metadata (2026-07-28 schema, `ElicitRequestFormParams`).
    let handshake = version.era() == Era::Handshake;
    object.since(handshake, "_meta", params.meta.as_ref());
    object.close();
    Ok(Raw::trusted(buffer))
}

/// Writes the parameters of `elicitation/create` for a URL.
///
/// # Errors
///
/// When the revision knows forms only, or needs an
/// [`elicitation_id`](ElicitUrlParams::elicitation_id) that is missing.
pub fn elicit_url(params: &ElicitUrlParams, version: ProtocolVersion) -> Result<Raw, Unshapeable> {
    if !version.has_url_elicitation() {
        return Err(Unshapeable::new("elicitation by URL", version));
    }
    let handshake = version.era() == Era::Handshake;
    if handshake && params.elicitation_id.is_none() {
        return Err(Unshapeable::new(
            "elicitation by URL without an elicitation id",
            version,
        ));
    }
    let mut buffer = Vec::with_capacity(128);
    let mut object = Object::open(&mut buffer);
    object.member("mode", "url");
    object.member("message", &params.message);
    object.member("url", &params.url);
    object.since(handshake, "elicitationId", params.elicitation_id.as_ref());
    object.since(handshake, "_meta", params.meta.as_ref());
    object.close();
    Ok(Raw::trusted(buffer))
}

/// Writes the parameters of `sampling/createMessage`.
///
/// Audio becomes text before 2025-03-26.
///
/// # Errors
///
/// When the revision has no tools in sampling, or not several blocks in one message.
pub fn create_message(
    params: &CreateMessageParams,
    version: ProtocolVersion,
) -> Result<Raw, Unshapeable> {
    let has_tools = version.has_sampling_tools();
    if !has_tools && (params.tools.is_some() || params.tool_choice.is_some()) {
        return Err(Unshapeable::new("tools in sampling", version));
    }
    for message in &params.messages {
        check_content(&message.content, version)?;
    }
    let mut buffer = Vec::with_capacity(512);
    let mut object = Object::open(&mut buffer);
    object.array("messages", &params.messages, version, sampling_message);
    object.optional("modelPreferences", params.model_preferences.as_ref());
    object.optional("systemPrompt", params.system_prompt.as_ref());
    object.optional("includeContext", params.include_context.as_ref());
    object.optional("temperature", params.temperature.as_ref());
    object.member("maxTokens", &params.max_tokens);
    object.optional("stopSequences", params.stop_sequences.as_ref());
    object.optional("metadata", params.metadata.as_ref());
    if let Some(tools) = &params.tools {
        object.array("tools", tools, version, |buffer, tool, version| {
            let canonical = Raw::from_value(tool).unwrap_or_default().into_bytes();
            let text = definition(DefinitionKind::Tool, &canonical, version);
            buffer.extend_from_slice(&text);
        });
    }
    object.optional("toolChoice", params.tool_choice.as_ref());
    object.close();
    Ok(Raw::trusted(buffer))
}

fn check_content(content: &SamplingContent, version: ProtocolVersion) -> Result<(), Unshapeable> {
    if version.has_sampling_tools() {
        return Ok(());
    }
    match content.blocks.as_slice() {
        [SamplingBlock::ToolUse(_) | SamplingBlock::ToolResult(_)] => {
            Err(Unshapeable::new("tools in sampling", version))
        }
        [_] => Ok(()),
        _ => Err(Unshapeable::new(
            "messages of several blocks in sampling",
            version,
        )),
    }
}

fn sampling_message(buffer: &mut Vec<u8>, message: &SamplingMessage, version: ProtocolVersion) {
    let mut object = Object::open(buffer);
    object.member("role", &message.role);
    match message.content.blocks.as_slice() {
        [block] => sampling_block(object.key("content"), block, version),
        blocks => object.array("content", blocks, version, sampling_block),
    }
    object.since(version.has_sampling_tools(), "_meta", message.meta.as_ref());
    object.close();
}

fn sampling_block(buffer: &mut Vec<u8>, block: &SamplingBlock, version: ProtocolVersion) {
    match block {
        SamplingBlock::Text(text) => {
            let mut object = content::typed(buffer, "text");
            object.member("text", &text.text);
            content::extras(
                object,
                text.annotations.as_ref(),
                text.meta.as_ref(),
                version,
            );
        }
        SamplingBlock::Image(image) => {
            let mut object = content::typed(buffer, "image");
            object.member("data", &image.data);
            object.member("mimeType", &image.mime_type);
            content::extras(
                object,
                image.annotations.as_ref(),
                image.meta.as_ref(),
                version,
            );
        }
        SamplingBlock::Audio(audio) => content::audio_block(buffer, audio, version),
        SamplingBlock::ToolUse(wish) => {
            let mut object = content::typed(buffer, "tool_use");
            object.member("id", &wish.id);
            object.member("name", &wish.name);
            object.member("input", &wish.input);
            content::extras(object, None, wish.meta.as_ref(), version);
        }
        SamplingBlock::ToolResult(answer) => {
            let mut object = content::typed(buffer, "tool_result");
            object.member("toolUseId", &answer.tool_use_id);
            object.array("content", &answer.content, version, content::block);
            let structured = answer.structured_content.as_ref();
            let any = version.has_any_structured_content();
            object.optional(
                "structuredContent",
                structured.filter(|value| any || value.is_object()),
            );
            if answer.is_error {
                object.member("isError", &true);
            }
            content::extras(object, None, answer.meta.as_ref(), version);
        }
    }
}
