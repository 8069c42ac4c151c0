//! Pictures and sound from bytes.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::protocol::{AudioContent, ContentBlock, ImageContent};

/// A picture, from its bytes.
///
/// # Examples
///
/// ```
/// use mcp_session::{Image, tool};
///
/// /// Draws a dot.
/// #[tool]
/// async fn dot() -> Image {
///     Image::new([0x89, b'P', b'N', b'G'], "image/png")
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Image(ImageContent);

impl Image {
    /// A picture of this media type, such as `image/png`.
    pub fn new(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        Self(ImageContent::new(STANDARD.encode(bytes), mime_type))
    }
}

impl From<Image> for ContentBlock {
    fn from(image: Image) -> Self {
        Self::Image(image.0)
    }
}

/// Sound, from its bytes (since 2025-03-26; older clients are told in words that there was some).
///
/// # Examples
///
/// ```
/// use mcp_session::{Audio, tool};
///
/// /// Rings.
/// #[tool]
/// async fn ring() -> Audio {
///     Audio::new(b"RIFF", "audio/wav")
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Audio(AudioContent);

impl Audio {
    /// Sound of this media type, such as `audio/wav`.
    pub fn new(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        Self(AudioContent::new(STANDARD.encode(bytes), mime_type))
    }
}

impl From<Audio> for ContentBlock {
    fn from(audio: Audio) -> Self {
        Self::Audio(audio.0)
    }
}
