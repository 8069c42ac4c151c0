//! One pass over a body before it is parsed: nesting depth and surrogate escapes.
//!
//! The parser skips over raw values without looking inside their strings, so an escape that
//! stands for no character would otherwise surface only where somebody decodes it.

/// What the scan found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanError {
    /// Objects and arrays are nested deeper than allowed.
    TooDeep,
    /// A `\u` escape is half of a surrogate pair.
    LoneSurrogate,
}

/// Checks nesting and escapes. Anything that is not JSON is left for the parser to complain of.
pub(super) fn scan(body: &[u8], max_depth: usize) -> Result<(), ScanError> {
    // Nothing nests deeper than there are brackets: enough for almost every message.
    let (brackets, backslashes) = count(body);
    if brackets <= max_depth && backslashes == 0 {
        return Ok(());
    }
    scan_closely(body, max_depth)
}

/// How many brackets open, strings included, and how many backslashes there are. Counted in bytes,
/// as far as these go, so that many are compared at a time.
fn count(body: &[u8]) -> (usize, usize) {
    let (mut brackets, mut backslashes) = (0, 0);
    for chunk in body.chunks(usize::from(u8::MAX)) {
        let count = |found: (u8, u8), byte: &u8| {
            let (bracket, backslash) = (*byte | 0x20 == b'{', *byte == b'\\');
            (found.0 + u8::from(bracket), found.1 + u8::from(backslash))
        };
        let found = chunk.iter().fold((0, 0), count);
        brackets += usize::from(found.0);
        backslashes += usize::from(found.1);
    }
    (brackets, backslashes)
}

fn scan_closely(body: &[u8], max_depth: usize) -> Result<(), ScanError> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'"' => at = skip_string(body, at)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return Err(ScanError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Returns the position behind the closing quote of the string that begins at `at`.
fn skip_string(body: &[u8], mut at: usize) -> Result<usize, ScanError> {
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'"' => return Ok(at),
            b'\\' => at = skip_escape(body, at)?,
            _ => {}
        }
    }
    Ok(at)
}

/// Returns the position behind the escape whose backslash stands before `at`.
fn skip_escape(body: &[u8], at: usize) -> Result<usize, ScanError> {
    if body.get(at) != Some(&b'u') {
        return Ok(at + 1);
    }
    let Some(unit) = code_unit(body, at + 1) else {
        return Ok(at + 1);
    };
    match unit {
        0xD800..=0xDBFF => {
            let low = (body.get(at + 5..at + 7) == Some(b"\\u"))
                .then(|| code_unit(body, at + 7))
                .flatten();
            match low {
                Some(0xDC00..=0xDFFF) => Ok(at + 11),
                _ => Err(ScanError::LoneSurrogate),
            }
        }
        0xDC00..=0xDFFF => Err(ScanError::LoneSurrogate),
        _ => Ok(at + 5),
    }
}

fn code_unit(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + 4)?;
    digits.iter().try_fold(0_u16, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        assert_eq!(scan(br#"[{"a":"[[[\"[["}]"#, 2), Ok(()));
        assert_eq!(scan(b"[[[]]]", 2), Err(ScanError::TooDeep));
        assert_eq!(scan(b"[[],[],[]]", 2), Ok(()));
    }

    #[test]
    fn surrogates_must_come_in_pairs() {
        assert_eq!(scan(br#""\ud83d\ude00""#, 1), Ok(()));
        for lone in [
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83d\u0041""#,
            r#""\ud83dA""#,
            r#""\ud83d\\ude00""#,
        ] {
            assert_eq!(
                scan(lone.as_bytes(), 1),
                Err(ScanError::LoneSurrogate),
                "{lone}"
            );
        }
        assert_eq!(scan(br#""\\ud83d""#, 1), Ok(()));
    }

    #[test]
    fn broken_input_is_left_to_the_parser() {
        for broken in [
            &b"\"\\"[..],
            b"\"\\u",
            b"\"\\u12",
            b"\"\\uzzzz\"",
            b"]]]",
            b"\"",
        ] {
            assert_eq!(scan(broken, 1), Ok(()));
        }
    }
}
