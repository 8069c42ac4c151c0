//! Randomness from the operating system.

/// So many random bytes.
///
/// # Panics
///
/// When the operating system gives no randomness: nothing secret could be made without.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
