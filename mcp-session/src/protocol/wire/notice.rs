//! Notifications, revision by revision.

use crate::protocol::text::Raw;
use crate::protocol::types::ProgressParams;
use crate::protocol::version::ProtocolVersion;
use crate::protocol::wire::writer::Object;

/// Writes a progress report; before 2025-03-26 it has no message.
pub fn progress(params: &ProgressParams, version: ProtocolVersion) -> Raw {
    let mut buffer = Vec::with_capacity(128);
    let mut object = Object::open(&mut buffer);
    object.member("progressToken", &params.progress_token);
    number(&mut object, "progress", params.progress);
    if let Some(total) = params.total {
        number(&mut object, "total", total);
    }
    object.since(
        version.has_progress_message(),
        "message",
        params.message.as_ref(),
    );
    object.close();
    Raw::trusted(buffer)
}

/// Writes a number, whole ones without a fraction as most clients print them.
fn number(object: &mut Object<'_>, name: &str, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be whole and in range"
        )]
        object.member(name, &(value as i64));
    } else if value.is_finite() {
        object.member(name, &value);
    } else {
        // JSON has no such number; zero claims nothing.
        object.member(name, &0);
    }
}
