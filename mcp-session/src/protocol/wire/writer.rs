//! Writing JSON objects and arrays member by member.

use serde::Serialize;

use crate::protocol::encode;
use crate::protocol::version::ProtocolVersion;

/// An object that is being written.
pub(super) struct Object<'a> {
    buffer: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object.
    pub(super) fn open(buffer: &'a mut Vec<u8>) -> Self {
        buffer.push(b'{');
        Self {
            buffer,
            empty: true,
        }
    }

    /// Writes a member's name and returns where its value goes.
    pub(super) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.buffer.push(b',');
        }
        self.empty = false;
        encode::write_string(self.buffer, name);
        self.buffer.push(b':');
        self.buffer
    }

    /// Writes a member.
    pub(super) fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        encode::write_value(self.key(name), value);
    }

    /// Writes a member if there is one.
    pub(super) fn optional(&mut self, name: &str, value: Option<&impl Serialize>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// Writes a member if there is one and the revision has it.
    pub(super) fn since(&mut self, has: bool, name: &str, value: Option<&impl Serialize>) {
        self.optional(name, value.filter(|_| has));
    }

    /// Writes an array of things that have a shape of their own.
    pub(super) fn array<T>(
        &mut self,
        name: &str,
        items: &[T],
        version: ProtocolVersion,
        write: fn(&mut Vec<u8>, &T, ProtocolVersion),
    ) {
        let buffer = self.key(name);
        buffer.push(b'[');
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                buffer.push(b',');
            }
            write(buffer, item, version);
        }
        buffer.push(b']');
    }

    /// Leaves the object unfinished, to go on with [`Object::resume`].
    pub(super) fn into_buffer(self) -> &'a mut Vec<u8> {
        self.buffer
    }

    /// Goes on with an object that has members already.
    pub(super) fn resume(buffer: &'a mut Vec<u8>) -> Self {
        Self {
            buffer,
            empty: false,
        }
    }

    /// Ends the object.
    pub(super) fn close(self) {
        self.buffer.push(b'}');
    }
}
