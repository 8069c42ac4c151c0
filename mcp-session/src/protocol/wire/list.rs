//! Pages of a list, made of pieces that a catalog has already serialised.

use bytes::Bytes;

use crate::protocol::encode::Payload;
use crate::protocol::types::CacheHint;
use crate::protocol::wire::writer::Object;
use crate::protocol::wire::{Shape, result};

/// Writes one page of a list without copying its entries.
///
/// `member` is `tools`, `prompts`, `resources` or `resourceTemplates`. Each piece holds one or
/// more entries with commas between them and none at its ends; the commas between pieces are
/// added here, and empty pieces are skipped.
///
/// ```
/// use bytes::Bytes;
/// use mcp_session::protocol::wire::{self, Shape};
/// use mcp_session::protocol::{CacheHint, ProtocolVersion};
///
/// let pieces = vec![Bytes::from_static(b"1,2"), Bytes::from_static(b"3")];
/// let shape = Shape::new(ProtocolVersion::V2025_11_25, None);
/// let page = wire::list("tools", pieces, Some("next"), CacheHint::default(), &shape);
/// assert_eq!(page.into_bytes(), r#"{"tools":[1,2,3],"nextCursor":"next"}"#);
/// ```
pub fn list(
    member: &str,
    pieces: Vec<Bytes>,
    next_cursor: Option<&str>,
    cache: CacheHint,
    shape: &Shape,
) -> Payload {
    let mut text = Vec::with_capacity(128);
    let mut object = Object::open(&mut text);
    result::begin_complete(&mut object, shape);
    object.key(member).push(b'[');
    let head_end = object.into_buffer().len();
    text.push(b']');
    let mut object = Object::resume(&mut text);
    object.optional("nextCursor", next_cursor.as_ref());
    result::cache(&mut object, cache, shape);
    result::finish(&mut object, None, shape);
    object.close();

    // Head and tail share one allocation.
    let text = Bytes::from(text);
    let mut all = Vec::with_capacity(pieces.len() * 2 + 2);
    all.push(text.slice(..head_end));
    for piece in pieces {
        if piece.is_empty() {
            continue;
        }
        if all.len() > 1 {
            all.push(Bytes::from_static(b","));
        }
        all.push(piece);
    }
    if all.len() == 1 {
        return Payload::One(text);
    }
    all.push(text.slice(head_end..));
    Payload::Many(all)
}
