//! Server capabilities and implementations, revision by revision.

use crate::protocol::types::{Implementation, ServerCapabilities};
use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::writer::Object;

/// Writes what a server can do.
pub(super) fn server(buffer: &mut Vec<u8>, server: &ServerCapabilities, version: ProtocolVersion) {
    let mut object = Object::open(buffer);
    object.optional("tools", server.tools.as_ref());
    object.optional("prompts", server.prompts.as_ref());
    object.optional("resources", server.resources.as_ref());
    if server.completions && version.has_completions_capability() {
        Object::open(object.key("completions")).close();
    }
    if server.logging {
        Object::open(object.key("logging")).close();
    }
    object.since(
        version.has_extensions(),
        "extensions",
        server.extensions.as_ref(),
    );
    object.optional("experimental", server.experimental.as_ref());
    object.close();
}

/// Writes what a program is.
pub(super) fn implementation(
    buffer: &mut Vec<u8>,
    implementation: &Implementation,
    version: ProtocolVersion,
) {
    let modern = version.has_icons();
    let mut object = Object::open(buffer);
    object.member("name", &implementation.name);
    object.since(version.has_titles(), "title", implementation.title.as_ref());
    object.member("version", &implementation.version);
    object.since(modern, "description", implementation.description.as_ref());
    object.since(modern, "websiteUrl", implementation.website_url.as_ref());
    object.since(modern, "icons", implementation.icons.as_ref());
    object.close();
}
