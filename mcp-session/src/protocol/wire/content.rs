//! Content blocks and resource contents, revision by revision.

use crate::protocol::types::{
    Annotations, AudioContent, ContentBlock, Meta, PromptMessage, ResourceContents, ResourceLink,
};
use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::writer::Object;

/// Writes a block; one that the revision does not have becomes text.
pub(super) fn block(buffer: &mut Vec<u8>, block: &ContentBlock, version: ProtocolVersion) {
    match block {
        ContentBlock::Text(text) => {
            let mut object = typed(buffer, "text");
            object.member("text", &text.text);
            extras(
                object,
                text.annotations.as_ref(),
                text.meta.as_ref(),
                version,
            );
        }
        ContentBlock::Image(image) => {
            let mut object = typed(buffer, "image");
            object.member("data", &image.data);
            object.member("mimeType", &image.mime_type);
            extras(
                object,
                image.annotations.as_ref(),
                image.meta.as_ref(),
                version,
            );
        }
        ContentBlock::Audio(audio) => audio_block(buffer, audio, version),
        ContentBlock::ResourceLink(link) => link_block(buffer, link, version),
        ContentBlock::Resource(embedded) => {
            let mut object = typed(buffer, "resource");
            contents(object.key("resource"), &embedded.resource, version);
            extras(
                object,
                embedded.annotations.as_ref(),
                embedded.meta.as_ref(),
                version,
            );
        }
    }
}

/// Writes sound, or before 2025-03-26 a text that says what is missing.
pub(super) fn audio_block(buffer: &mut Vec<u8>, audio: &AudioContent, version: ProtocolVersion) {
    if version.has_audio() {
        let mut object = typed(buffer, "audio");
        object.member("data", &audio.data);
        object.member("mimeType", &audio.mime_type);
        extras(
            object,
            audio.annotations.as_ref(),
            audio.meta.as_ref(),
            version,
        );
        return;
    }
    let mut object = typed(buffer, "text");
    let text = format!(
        "[audio of type {}, left out: protocol version {version} cannot carry it]",
        audio.mime_type
    );
    object.member("text", &text);
    extras(object, audio.annotations.as_ref(), None, version);
}

/// Writes a link, or before 2025-06-18 a text with its name and address.
fn link_block(buffer: &mut Vec<u8>, link: &ResourceLink, version: ProtocolVersion) {
    if !version.has_resource_links() {
        let mut object = typed(buffer, "text");
        let name = link.title.as_ref().unwrap_or(&link.name);
        object.member("text", &format!("[resource: {name} <{}>]", link.uri));
        return extras(object, link.annotations.as_ref(), None, version);
    }
    let mut object = typed(buffer, "resource_link");
    object.member("uri", &link.uri);
    object.member("name", &link.name);
    object.optional("title", link.title.as_ref());
    object.optional("description", link.description.as_ref());
    object.optional("mimeType", link.mime_type.as_ref());
    object.optional("size", link.size.as_ref());
    object.since(version.has_icons(), "icons", link.icons.as_ref());
    extras(
        object,
        link.annotations.as_ref(),
        link.meta.as_ref(),
        version,
    );
}

/// Writes what is in a resource.
pub(super) fn contents(
    buffer: &mut Vec<u8>,
    contents: &ResourceContents,
    version: ProtocolVersion,
) {
    let mut object = Object::open(buffer);
    object.member("uri", contents.uri());
    object.optional("mimeType", contents.mime_type().as_ref());
    let meta = match contents {
        ResourceContents::Text { text, meta, .. } => {
            object.member("text", text);
            meta
        }
        ResourceContents::Blob { blob, meta, .. } => {
            object.member("blob", blob);
            meta
        }
    };
    object.since(version.has_entry_meta(), "_meta", meta.as_ref());
    object.close();
}

/// Writes one message of a prompt.
pub(super) fn prompt_message(
    buffer: &mut Vec<u8>,
    message: &PromptMessage,
    version: ProtocolVersion,
) {
    let mut object = Object::open(buffer);
    object.member("role", &message.role);
    block(object.key("content"), &message.content, version);
    object.close();
}

/// Begins a block of a type.
pub(super) fn typed<'a>(buffer: &'a mut Vec<u8>, kind: &str) -> Object<'a> {
    let mut object = Object::open(buffer);
    object.member("type", kind);
    object
}

/// Writes what every block may have, and ends it.
pub(super) fn extras(
    mut object: Object<'_>,
    annotations: Option<&Annotations>,
    meta: Option<&Meta>,
    version: ProtocolVersion,
) {
    if let Some(hints) = annotations {
        let mut inner = Object::open(object.key("annotations"));
        inner.optional("audience", hints.audience.as_ref());
        inner.optional("priority", hints.priority.as_ref());
        let modified = hints.last_modified.as_ref();
        inner.since(version.has_last_modified(), "lastModified", modified);
        inner.close();
    }
    object.since(version.has_entry_meta(), "_meta", meta);
    object.close();
}
