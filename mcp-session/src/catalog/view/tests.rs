//! Proves paging and lookup against a model.
