//! Decoding never panics, and whatever decodes comes out of the encoder as the same message.
//!
//! Works on stable Rust: `cargo fuzz run -s none decode -- -max_total_time=60`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcp_session::protocol::{
    CallToolParams, DecodeError, DecodeLimits, Frame, Incoming, Message, RequestMeta, decode,
};

fuzz_target!(|input: &[u8]| {
    let body = Bytes::copy_from_slice(input);
    match decode(&body, &DecodeLimits::default()) {
        Ok(Incoming::One(message)) => check(&message),
        Ok(Incoming::Batch(entries)) => {
            for entry in &entries {
                match entry {
                    Ok(message) => check(message),
                    Err(error) => check_error(error),
                }
            }
        }
        Err(error) => check_error(&error),
    }
});

/// Encodes a message, decodes that, and compares.
fn check(message: &Message) {
    if let Message::Request(request) = message {
        // Whatever they say, they must say it without a panic.
        let _ = RequestMeta::of(request.params.as_ref());
        let _ = CallToolParams::from_params(request.params.as_ref());
    }
    let frame = Frame::message(message).into_bytes();
    assert!(!frame.contains(&b'\n'), "a frame is one line");
    match decode(&frame, &DecodeLimits::default()) {
        Ok(Incoming::One(again)) => assert_eq!(comparable(message), comparable(&again)),
        other => panic!("{message:?} came back as {other:?}"),
    }
}

/// The answer to a bad message is itself a message.
fn check_error(error: &DecodeError) {
    let frame = Frame::error(error.id.as_ref(), &error.error, false).into_bytes();
    match decode(&frame, &DecodeLimits::default()) {
        Ok(Incoming::One(Message::Response(response))) => {
            assert_eq!(response.id, error.id);
            assert_eq!(response.outcome.as_ref(), Err(&error.error));
        }
        other => panic!("{error:?} came back as {other:?}"),
    }
}

/// Leaves out what encoding may change: line breaks between tokens, and the last digit of a
/// fraction in the data of an error, which is decoded and written anew.
fn comparable(message: &Message) -> Message {
    let mut message = message.clone();
    let raw = match &mut message {
        Message::Request(request) => request.params.as_mut(),
        Message::Notification(notification) => notification.params.as_mut(),
        Message::Response(response) => match &mut response.outcome {
            Ok(result) => Some(result),
            Err(error) => {
                error.data = None;
                None
            }
        },
    };
    if let Some(raw) = raw {
        *raw = raw.to_one_line();
    }
    message
}
