//! Shaping replies for the revision a client speaks.
