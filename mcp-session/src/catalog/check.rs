//! Checks on names and addresses, made when an entry is registered.
//!
//! Each returns what is wrong as a message to put behind the name of the entry.

use iri_string::types::UriStr;

/// The longest name of a tool or prompt, in characters.
const MAX_NAME: usize = 128;

/// Checks the name of a tool: 1 to 128 of `A-Z a-z 0-9 _ - .` (2026-07-28, server/tools, "Tool
/// Names").
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn tool_name(name: &str) -> Result<(), String> {
    length(name)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match name.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(format!("{c:?} is not allowed in a tool name")),
        None => Ok(()),
    }
}

/// Checks the name of a prompt, or the `name` of a resource: 1 to 128 characters, none of them a
/// control character.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn prompt_name(name: &str) -> Result<(), String> {
    length(name)?;
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("control character {c:?} is not allowed in a name")),
        None => Ok(()),
    }
}

fn length(name: &str) -> Result<(), String> {
    match name.chars().count() {
        0 => Err("a name must not be empty".to_owned()),
        1..=MAX_NAME => Ok(()),
        count => Err(format!(
            "a name has at most {MAX_NAME} characters, this one has {count}"
        )),
    }
}

/// Checks the address of a resource: a URI with a scheme (RFC 3986).
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn uri(uri: &str) -> Result<(), String> {
    if let Some(c) = uri.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("{c:?} is not allowed in a URI; percent-encode it"));
    }
    match UriStr::new(uri) {
        Ok(_) => Ok(()),
        Err(_) if !uri.contains(':') => {
            Err(format!("{uri:?} lacks a scheme, for example \"file:\""))
        }
        Err(_) => Err(format!("{uri:?} is not a valid URI")),
    }
}

/// Checks the `src` of an icon: an `https:` or `http:` URL or a Base64 `data:` URI with an image
/// (2026-07-28, basic/index, "Icons"). Clients refuse every other scheme.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn icon_src(src: &str) -> Result<(), String> {
    let (scheme, rest) = src.split_once(':').unwrap_or(("", src));
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            uri(src)?;
            let host = rest.strip_prefix("//").unwrap_or_default();
            if host.is_empty() || host.starts_with(['/', '?', '#']) {
                return Err("an icon's URL must name a host".to_owned());
            }
            Ok(())
        }
        "data" => {
            let (kind, data) = rest
                .split_once(',')
                .ok_or("an icon's data URI lacks its data")?;
            let kind = kind
                .strip_suffix(";base64")
                .ok_or("an icon's data must be Base64")?;
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=%".contains(&byte);
            if !data.bytes().all(base64) {
                return Err("an icon's data is not Base64".to_owned());
            }
            mime_type(kind)
        }
        _ => Err("an icon's address must be an https:, http: or data: URI".to_owned()),
    }
}

/// Checks a MIME type: `type/subtype`, with parameters (RFC 9110 section 8.3.1).
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn mime_type(mime_type: &str) -> Result<(), String> {
    let wrong = || format!("{mime_type:?} is not a MIME type");
    let mut parts = split_parameters(mime_type).into_iter();
    let essence = parts.next().unwrap_or_default();
    let (kind, subtype) = essence.split_once('/').ok_or_else(wrong)?;
    let parameters_fit = parts.all(|parameter| {
        let (name, value) = parameter.trim().split_once('=').unwrap_or_default();
        is_token(name) && (is_token(value) || is_quoted(value))
    });
    let fits = is_token(kind) && is_token(subtype.trim_end()) && parameters_fit;
    if fits { Ok(()) } else { Err(wrong()) }
}

/// Splits at semicolons outside quoted strings.
fn split_parameters(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `token` (RFC 9110 section 5.6.2).
fn is_token(text: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(tchar)
}

/// `quoted-string` (RFC 9110 section 5.6.4).
fn is_quoted(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_names_follow_the_specification() {
        for name in [
            "getUser",
            "DATA_EXPORT_v2",
            "admin.tools.list",
            "a",
            &"x".repeat(128),
        ] {
            assert_eq!(tool_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "get user",
            "a/b",
            "a,b",
            "naïve",
            "a\n",
            &"x".repeat(129),
        ] {
            assert!(tool_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn prompt_names_may_be_any_printable_text() {
        assert_eq!(prompt_name("Plan a trip – für zwei"), Ok(()));
        for name in ["", "a\u{0}b", "a\nb", &"é".repeat(129)] {
            assert!(prompt_name(name).is_err(), "{name:?}");
        }
        assert_eq!(prompt_name(&"é".repeat(128)), Ok(()));
    }

    #[test]
    fn uris_have_a_scheme_and_no_blanks() {
        for good in [
            "file:///a%20b",
            "urn:isbn:1",
            "ui://app/x",
            "https://x.test/?q=1#f",
            "a+b:c",
        ] {
            assert_eq!(uri(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "x",
            "/a",
            "file:///a b",
            "file:///ä",
            "1a:b",
            "http://x/%zz",
            "a:\u{7f}",
        ] {
            assert!(uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn icons_come_from_the_web_or_are_data() {
        for good in [
            "https://x.test/i.png",
            "http://localhost/i",
            "data:image/svg+xml;base64,PHN2Zz4=",
        ] {
            assert_eq!(icon_src(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "i.png",
            "file:///i.png",
            "https:///i.png",
            "javascript:1",
            "data:image/png,abc",
            "data:image/png;base64",
            "data:;base64,aaaa",
            "data:image/png;base64,<x>",
        ] {
            assert!(icon_src(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mime_types_have_two_parts() {
        for good in [
            "text/plain",
            "text/html;profile=mcp-app",
            "a/b; c=\"d; e\"",
            "image/svg+xml",
        ] {
            assert_eq!(mime_type(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain;",
            "a b/c",
            "a/b;c",
            "a/b;c=\"d",
        ] {
            assert!(mime_type(bad).is_err(), "{bad}");
        }
    }
}
