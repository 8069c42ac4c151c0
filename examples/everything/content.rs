//! Tools that answer with each kind of content.

use mcp_session::protocol::{ContentBlock, ResourceContents};
use mcp_session::{Audio, Image, Tool, ToolError};

/// A red dot: one pixel.
pub(crate) const PNG: [u8; 69] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xf7, 0x03, 0x41, 0x43, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Half a millisecond of silence.
const WAV: &[u8; 48] = b"RIFF(\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\
    \x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x04\0\0\0\x80\x80\x80\x80";

pub(crate) fn tools() -> [Tool; 6] {
    [
        Tool::new("test_simple_text")
            .description("Answers with a text.")
            .handler(async || "This is a simple text response for testing."),
        Tool::new("test_image_content")
            .description("Answers with a picture.")
            .handler(async || Image::new(PNG, "image/png")),
        Tool::new("test_audio_content")
            .description("Answers with sound.")
            .handler(async || Audio::new(WAV, "audio/wav")),
        Tool::new("test_embedded_resource")
            .description("Answers with the contents of a resource.")
            .handler(embedded_resource),
        Tool::new("test_multiple_content_types")
            .description("Answers with a text, a picture and a resource.")
            .handler(multiple_content_types),
        Tool::new("test_error_handling")
            .description("Fails, in a way the model can read.")
            .handler(error_handling),
    ]
}

async fn embedded_resource() -> ContentBlock {
    let text = "This is an embedded resource content.";
    ContentBlock::resource(
        ResourceContents::text("test://embedded-resource", text).with_mime_type("text/plain"),
    )
}

async fn multiple_content_types() -> [ContentBlock; 3] {
    let json = r#"{"test":"data","value":123}"#;
    [
        ContentBlock::text("Multiple content types test:"),
        Image::new(PNG, "image/png").into(),
        ContentBlock::resource(
            ResourceContents::text("test://mixed-content-resource", json)
                .with_mime_type("application/json"),
        ),
    ]
}

/// What a tool returns as an error reaches the model, as a result marked `isError`.
async fn error_handling() -> Result<(), ToolError> {
    Err(ToolError::new(
        "This tool intentionally returns an error for testing",
    ))
}
