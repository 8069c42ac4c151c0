//! Doc comments as descriptions.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of the doc comments among `attributes`: without the indentation that all lines share,
/// and without empty lines around it. Paragraphs stay apart.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let comments: Vec<String> = attributes.iter().filter_map(comment).collect();
    let text = comments.join("\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let indents = lines.iter().filter(|line| !line.is_empty());
    let shared = indents
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| line.get(shared..).unwrap_or(""))
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// The text of one doc comment; `None` for other attributes.
fn comment(attribute: &Attribute) -> Option<String> {
    if !attribute.path().is_ident("doc") {
        return None;
    }
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = &pair.value
    else {
        return None;
    };
    Some(undecorated(&text.value()))
}

/// A block comment without the stars that begin its lines; anything else as it is.
fn undecorated(comment: &str) -> String {
    let Some((first, rest)) = comment.split_once('\n') else {
        return comment.to_owned();
    };
    let starred = |line: &&str| line.trim_start().strip_prefix('*').is_some();
    let all_starred = rest
        .lines()
        .filter(|line| !line.trim().is_empty())
        .all(|line| starred(&line));
    if !all_starred {
        return comment.to_owned();
    }
    let rest = rest
        .lines()
        .map(|line| line.trim_start().strip_prefix('*').unwrap_or(""));
    std::iter::once(first)
        .chain(rest)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_str};

    use super::*;

    #[track_caller]
    fn check(comments: &str, expected: &str) {
        let function: ItemFn = parse_str(&format!("{comments}\nfn f() {{}}")).unwrap();
        assert_eq!(text(&function.attrs), expected);
    }

    #[test]
    fn descriptions_lose_indentation_and_keep_paragraphs() {
        check("", "");
        check("/// One.", "One.");
        check(
            "/// One.\n///\n/// Two:\n///   - a\n#[inline]\n///",
            "One.\n\nTwo:\n  - a",
        );
        check("/**\n * One.\n *\n * Two.\n */", "One.\n\nTwo.");
        check("/** One. */", "One.");
        check("#[doc = \"One.\"]\n#[doc(hidden)]", "One.");
    }
}
