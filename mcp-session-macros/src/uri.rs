//! The variables of a URI template, as far as a macro must know them.

/// The names of the variables in an RFC 6570 template, or what is wrong with it.
///
/// Registration parses templates in full; this finds the names, so that parameters can be matched
/// with them, and the mistakes that would hide a name.
pub(crate) fn variables(template: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        let Some(expression) = rest[open..].strip_prefix('{') else {
            return Err("a `}` without a `{`".to_owned());
        };
        let Some(close) = expression
            .find(['{', '}'])
            .filter(|at| expression[*at..].starts_with('}'))
        else {
            return Err("a `{` without a `}`".to_owned());
        };
        let list = expression[..close].trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        for variable in list.split(',') {
            let name = variable.trim_end_matches('*');
            let name = name.split_once(':').map_or(name, |(name, _length)| name);
            if name.is_empty() {
                return Err("a variable without a name".to_owned());
            }
            names.push(name.to_owned());
        }
        rest = &expression[close + 1..];
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_behind_operators_and_modifiers() {
        let names = |template| variables(template).unwrap();
        assert!(names("a://b/c").is_empty());
        assert_eq!(
            names("a://{b}/x{/c*}{?d,e:3}{+f}"),
            ["b", "c", "d", "e", "f"]
        );
    }

    #[test]
    fn unbalanced_templates_are_refused() {
        for template in ["a://{b", "a://b}", "a://{b{c}}", "a://{}", "a://{b,}"] {
            assert!(variables(template).is_err(), "{template}");
        }
    }
}
