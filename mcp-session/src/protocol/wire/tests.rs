//! Proves that every shaped reply is valid in its revision.
