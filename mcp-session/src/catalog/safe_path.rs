//! Paths that cannot leave a directory.
//!
//! A resource template such as `file:///{+path}` or a tool with a `path` parameter hands a
//! client's text to the file system. [`SafeRoot`] is the one way to do that which a client cannot
//! talk out of the directory it was given.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in the path of a `file:` URI: the unreserved characters (RFC 3986 section
/// 2.3), slashes and colons.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// Encoded text that has no place in a path which was decoded once: whoever decodes it again would
/// meet a separator, a dot, a NUL or another encoded `%`.
const LEFTOVERS: [&str; 5] = ["%2e", "%2f", "%5c", "%00", "%25"];

/// A directory that paths are resolved in and never leave.
///
/// Symbolic links are followed as long as they stay inside. The check looks at the file system as
/// it is at that moment: if others can create links inside the directory while you work, only the
/// operating system can protect you.
///
/// # Examples
///
/// ```
/// use mcp_session::catalog::SafeRoot;
///
/// let root = SafeRoot::new(std::env::temp_dir())?;
/// assert!(root.resolve("notes/today.md").unwrap().starts_with(root.path()));
/// assert!(root.resolve("../etc/passwd").is_err());
/// assert!(root.resolve_uri("file:///etc/passwd").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeRoot {
    /// Absolute, without links.
    root: PathBuf,
    /// As it was given, made absolute; clients may know the directory by this name.
    alias: PathBuf,
}

impl SafeRoot {
    /// Takes a directory.
    ///
    /// # Errors
    ///
    /// It does not exist, is no directory, or cannot be read.
    pub fn new(dir: impl AsRef<Path>) -> io::Result<Self> {
        let dir = dir.as_ref();
        let root = dir.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            root,
            alias: std::path::absolute(dir)?,
        })
    }

    /// The directory itself, absolute and without links.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Resolves a relative path with `/` as separator, decoded already.
    ///
    /// What it leads to need not exist: then the existing part is checked, and the rest can only
    /// be created inside. An empty path is the directory itself.
    ///
    /// # Errors
    ///
    /// [`UnsafePath`] for anything that could lead elsewhere, on this or another platform: an
    /// absolute path, `..`, a backslash, a drive, a NUL, encoded leftovers such as `%2e`, and a
    /// link out of the directory.
    pub fn resolve(&self, relative: &str) -> Result<PathBuf, UnsafePath> {
        let names = names(relative)?;
        let mut path = self.root.clone();
        let mut names = names.into_iter();
        for name in names.by_ref() {
            path.push(name);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => {
                    // A link that leads nowhere is refused too: creating its target could happen
                    // anywhere.
                    path = path.canonicalize().map_err(|_| UnsafePath(Reason::Link))?;
                    if !path.starts_with(&self.root) {
                        return Err(UnsafePath(Reason::Link));
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(_) => return Err(UnsafePath(Reason::Unreadable)),
            }
        }
        path.extend(names);
        Ok(path)
    }

    /// Resolves a `file:` URI that lies in the directory.
    ///
    /// # Errors
    ///
    /// [`UnsafePath`] as for [`resolve`](Self::resolve), and for another scheme, a host other than
    /// `localhost`, a query, a fragment, or a place outside.
    pub fn resolve_uri(&self, file_uri: &str) -> Result<PathBuf, UnsafePath> {
        let not_file = UnsafePath(Reason::NotAFileUri);
        let (scheme, rest) = file_uri.split_once("://").ok_or_else(|| not_file.clone())?;
        let (host, path) = rest.split_at(rest.find('/').ok_or_else(|| not_file.clone())?);
        let local = host.is_empty() || host.eq_ignore_ascii_case("localhost");
        if !scheme.eq_ignore_ascii_case("file") || !local || path.contains(['?', '#']) {
            return Err(not_file);
        }
        let mut inside = Vec::new();
        for segment in path.split('/').skip(1) {
            let decoded = percent_decode_str(segment);
            let name = decoded
                .decode_utf8()
                .map_err(|_| UnsafePath(Reason::Character))?;
            if name.contains('/') {
                return Err(UnsafePath(Reason::Encoded));
            }
            inside.push(name.into_owned());
        }
        let roots = [&self.root, &self.alias];
        let relative = roots
            .into_iter()
            .find_map(|root| below(&segments(root)?, &inside));
        self.resolve(&relative.ok_or(UnsafePath(Reason::Outside))?.join("/"))
    }

    /// The `file:` URI of a path in the directory, absolute or relative to it; `None` if it lies
    /// outside, leads through `..`, or is not UTF-8.
    pub fn uri_of(&self, path: &Path) -> Option<String> {
        let relative = path
            .strip_prefix(&self.root)
            .or_else(|_| path.strip_prefix(&self.alias));
        let relative = match relative {
            Ok(relative) => relative,
            Err(_) if path.is_absolute() => return None,
            Err(_) => path,
        };
        let mut segments = segments(&self.root)?;
        for component in relative.components() {
            match component {
                Component::Normal(name) => segments.push(name.to_str()?.to_owned()),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        let path = segments.join("/");
        Some(format!("file:///{}", utf8_percent_encode(&path, ENCODED)))
    }
}

/// The names that make up an absolute path, as they stand in a `file:` URI.
fn segments(path: &Path) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    for component in path.components() {
        match component {
            Component::Prefix(prefix) => {
                // `\\?\C:` is how Windows writes a canonical `C:`.
                let text = prefix.as_os_str().to_str()?;
                segments.push(text.strip_prefix(r"\\?\").unwrap_or(text).to_owned());
            }
            Component::Normal(name) => segments.push(name.to_str()?.to_owned()),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir => return None,
        }
    }
    Some(segments)
}

/// What remains of `path` below `root`.
fn below<'a>(root: &[String], path: &'a [String]) -> Option<&'a [String]> {
    path.starts_with(root).then(|| &path[root.len()..])
}

/// Splits a relative path into names, each of which is nothing but a name on every platform.
fn names(relative: &str) -> Result<Vec<&str>, UnsafePath> {
    if relative.starts_with('/') {
        return Err(UnsafePath(Reason::Absolute));
    }
    if relative.contains(['\\', '\0']) || relative.chars().any(char::is_control) {
        return Err(UnsafePath(Reason::Character));
    }
    let lower = relative.to_ascii_lowercase();
    if LEFTOVERS.iter().any(|leftover| lower.contains(leftover)) {
        return Err(UnsafePath(Reason::Encoded));
    }
    let mut names = Vec::new();
    for name in relative.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err(UnsafePath(Reason::Parent)),
            name if has_drive(name) => return Err(UnsafePath(Reason::Absolute)),
            name if cfg!(windows) && is_special_on_windows(name) => {
                return Err(UnsafePath(Reason::Character));
            }
            name => names.push(name),
        }
    }
    Ok(names)
}

/// Whether a name starts like `C:`.
fn has_drive(name: &str) -> bool {
    matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Whether Windows takes a name for a device or a stream, or silently for another name.
fn is_special_on_windows(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        let digit = stem.strip_prefix(prefix).unwrap_or_default();
        matches!(
            digit,
            "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
        )
    };
    name.contains([':', '*', '?', '"', '<', '>', '|'])
        || name.ends_with(['.', ' '])
        || matches!(
            stem.as_str(),
            "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
        )
        || numbered("COM")
        || numbered("LPT")
}

/// A path was refused because it could lead out of its directory.
///
/// The message may be shown to a client: it names no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsafePath(Reason);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Absolute,
    Parent,
    Character,
    Encoded,
    Link,
    Unreadable,
    NotAFileUri,
    Outside,
}

impl fmt::Display for UnsafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::Absolute => "path must be relative",
            Reason::Parent => "path must not contain `..`",
            Reason::Character => "path contains a character that is not allowed",
            Reason::Encoded => "path is encoded more than once",
            Reason::Link => "path follows a link out of its directory",
            Reason::Unreadable => "path cannot be read",
            Reason::NotAFileUri => "not a local file URI",
            Reason::Outside => "path lies outside its directory",
        })
    }
}

impl std::error::Error for UnsafePath {}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// A directory of its own for one test: `root` with `a/b.txt`, beside `secret`.
    struct Playground(PathBuf);

    impl Playground {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("safe-path-{}-{number}", std::process::id());
            let dir = std::env::temp_dir().canonicalize().unwrap().join(name);
            fs::create_dir_all(dir.join("root/a")).unwrap();
            fs::write(dir.join("root/a/b.txt"), "b").unwrap();
            fs::write(dir.join("secret"), "s").unwrap();
            Self(dir)
        }

        fn root(&self) -> SafeRoot {
            SafeRoot::new(self.0.join("root")).unwrap()
        }
    }

    impl Drop for Playground {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn paths_inside_resolve_whether_they_exist_or_not() {
        let playground = Playground::new();
        let root = playground.root();
        let base = root.path();
        for (relative, expected) in [
            ("a/b.txt", base.join("a/b.txt")),
            ("./a//b.txt", base.join("a/b.txt")),
            (
                "new/deep/file name.txt",
                base.join("new/deep/file name.txt"),
            ),
            ("...", base.join("...")),
            ("ä..b", base.join("ä..b")),
            ("100%", base.join("100%")),
            ("", base.to_owned()),
        ] {
            assert_eq!(root.resolve(relative).as_ref(), Ok(&expected), "{relative}");
        }
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        let playground = Playground::new();
        let root = playground.root();
        for bad in [
            "../secret",
            "a/../../secret",
            "a/..",
            "..",
            "/etc/passwd",
            "//host/share",
            "\\\\host",
            "a\\b",
            "..\\secret",
            "C:",
            "c:/x",
            "a/C:x",
            "a\0",
            "a\nb",
            "%2e%2e/secret",
            "..%2fsecret",
            "a%5C..",
            "%252e%252e",
            "a/b.txt/c",
        ] {
            assert!(root.resolve(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn uris_resolve_inside_only() {
        let playground = Playground::new();
        let root = playground.root();
        let file = root.resolve("a/b.txt").unwrap();
        let uri = root.uri_of(&file).unwrap();
        assert!(uri.starts_with("file:///"), "{uri}");
        assert_eq!(root.resolve_uri(&uri), Ok(file.clone()));
        assert_eq!(root.uri_of(Path::new("a/b.txt")), Some(uri.clone()));
        assert_eq!(
            root.resolve_uri(&uri.replacen("file://", "FILE://LocalHost", 1)),
            Ok(file)
        );

        let odd = root.resolve("ä b#?.txt").unwrap();
        let odd_uri = root.uri_of(&odd).unwrap();
        assert!(odd_uri.ends_with("/%C3%A4%20b%23%3F.txt"), "{odd_uri}");
        assert_eq!(root.resolve_uri(&odd_uri), Ok(odd));

        let base = root.uri_of(Path::new("")).unwrap();
        for bad in [
            "file:///etc/passwd".to_owned(),
            format!("{base}/../secret"),
            format!("{base}/%2e%2e/secret"),
            format!("{base}/a%2Fb.txt"),
            format!("{base}/a%5Cb.txt"),
            format!("{base}/%252e%252e/secret"),
            format!("{base}x"),
            format!("{base}/a?x"),
            format!("{base}/a#x"),
            format!("{base}/%FF"),
            uri.replacen("file://", "file://host", 1),
            uri.replacen("file:", "http:", 1),
            uri.replacen("file://", "file:", 1),
            String::new(),
        ] {
            assert!(root.resolve_uri(&bad).is_err(), "{bad}");
        }
        assert_eq!(root.uri_of(&playground.0.join("secret")), None);
        assert_eq!(root.uri_of(Path::new("../secret")), None);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_only() {
        use std::os::unix::fs::symlink;

        let playground = Playground::new();
        let root = playground.root();
        let base = root.path();
        symlink("a/b.txt", base.join("inside")).unwrap();
        symlink(base, base.join("loop")).unwrap();
        symlink("../secret", base.join("file")).unwrap();
        symlink("..", base.join("dir")).unwrap();
        symlink("../not-there-yet", base.join("dangling")).unwrap();
        symlink("round", base.join("round")).unwrap();
        assert_eq!(root.resolve("inside"), Ok(base.join("a/b.txt")));
        assert_eq!(root.resolve("loop/loop/a/new"), Ok(base.join("a/new")));
        for bad in [
            "file",
            "dir",
            "dir/secret",
            "dir/root/a",
            "dangling",
            "round",
            "loop/dir/x",
        ] {
            assert_eq!(root.resolve(bad), Err(UnsafePath(Reason::Link)), "{bad}");
        }
        let alias = playground.0.join("alias");
        symlink(base, &alias).unwrap();
        let aliased = SafeRoot::new(&alias).unwrap();
        assert_eq!(aliased.path(), base);
        let uri = format!("file://{}/a/b.txt", alias.display());
        assert_eq!(aliased.resolve_uri(&uri), Ok(base.join("a/b.txt")));
    }

    #[test]
    fn a_root_is_an_existing_directory() {
        let playground = Playground::new();
        assert!(SafeRoot::new(playground.0.join("secret")).is_err());
        assert!(SafeRoot::new(playground.0.join("gone")).is_err());
    }

    #[test]
    fn names_that_windows_treats_specially_are_known() {
        for special in [
            "CON", "con.txt", "com1", "LPT9.log", "a:b", "a.", "a ", "nul ",
        ] {
            assert!(is_special_on_windows(special), "{special}");
        }
        for plain in ["console", "com", "comx", "a.b", "lpt10"] {
            assert!(!is_special_on_windows(plain), "{plain}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_ever_escapes(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("..".to_owned()), Just(".".to_owned()), Just("a".to_owned()),
                    Just("up".to_owned()), Just("%2e%2e".to_owned()), Just("C:".to_owned()),
                    Just("b.txt".to_owned()), "\\PC{0,4}",
                ],
                0..6,
            ),
            separator in prop_oneof![Just("/"), Just("\\"), Just("%2f"), Just("//")],
            lead in prop_oneof![Just(""), Just("/"), Just("file:///")],
        ) {
            let playground = Playground::new();
            let root = playground.root();
            #[cfg(unix)]
            std::os::unix::fs::symlink("..", root.path().join("up")).unwrap();
            let text = format!("{lead}{}", parts.join(separator));
            let below_root = format!("{}/{text}", root.uri_of(Path::new("")).unwrap());
            for path in [root.resolve(&text), root.resolve_uri(&text), root.resolve_uri(&below_root)]
                .into_iter()
                .flatten()
            {
                prop_assert!(path.starts_with(root.path()), "{text:?}: {path:?}");
                prop_assert!(!path.components().any(|part| part == Component::ParentDir));
                if let Ok(real) = path.canonicalize() {
                    prop_assert!(real.starts_with(root.path()), "{text:?}: {real:?}");
                }
            }
        }
    }
}
