//! The nouns of the protocol.
