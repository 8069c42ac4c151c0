//! Proves who is let in.

use http::{HeaderMap, HeaderName, Uri, header};

use super::Guard;

fn check(guard: &Guard, host: &str, origin: Option<&str>) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, host.parse().unwrap());
    if let Some(origin) = origin {
        headers.insert(header::ORIGIN, origin.parse().unwrap());
    }
    guard.check(&Uri::from_static("/mcp"), &headers).is_ok()
}

#[test]
fn only_this_machine_gets_in_unless_told_otherwise() {
    let guard = Guard::default();
    let own = [
        "localhost",
        "localhost:8000",
        "LocalHost:1",
        "localhost.",
        "localhost.:80",
        "127.0.0.1",
        "127.0.0.1:65535",
        "127.8.9.1",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:8000",
        "localhost:",
    ];
    for host in own {
        assert!(check(&guard, host, None), "{host}");
    }
    let foreign = [
        "evil.example.com",
        "localhost.evil.com",
        "evil.com:localhost",
        "127.0.0.1.evil.com",
        "localhost@evil.com",
        "evil.com@localhost",
        "user:pass@localhost",
        "localhost:80:80",
        "localhost:99999",
        "localhost:+80",
        "localhost:8x",
        "[::1",
        "::1",
        "[::2]",
        "0.0.0.0",
        "192.168.1.1",
        "127.1",
        "0x7f.0.0.1",
        "localhost/",
        "localhost evil",
        "",
        ".",
        "[localhost]",
        "127.0.0.1#",
        "localhost?x",
        "localhost..",
    ];
    for host in foreign {
        assert!(!check(&guard, host, None), "{host}");
    }
}

#[test]
fn an_origin_must_be_of_this_machine_or_of_a_host_served_here() {
    let guard = Guard::default();
    let own = [
        "http://localhost",
        "https://localhost:3000",
        "HTTP://127.0.0.1:1",
        "http://[::1]:9",
    ];
    for origin in own {
        assert!(check(&guard, "localhost:8000", Some(origin)), "{origin}");
    }
    let foreign = [
        "null",
        "",
        "http://evil.example.com",
        "http://localhost.evil.com",
        "http://localhost@evil.com",
        "http://evil.com@localhost",
        "file://",
        "localhost",
        "//localhost",
        "http:/localhost",
        "http://",
        "http://localhost:80/path",
        "chrome-extension://localhost",
        "http://localhost evil",
    ];
    for origin in foreign {
        assert!(!check(&guard, "localhost:8000", Some(origin)), "{origin}");
    }
}

#[test]
fn what_was_allowed_gets_in_and_nothing_beside_it() {
    let mut guard = Guard::default();
    guard.allow_host("MCP.example.com");
    guard.allow_host("https://other.example.com:8443/");
    guard.allow_host("not a host");
    guard.allow_origin("https://App.example.com/");
    guard.allow_origin("vscode-webview://Abc");
    for host in [
        "mcp.example.com",
        "mcp.example.com:1",
        "other.example.com:8443",
        "localhost",
    ] {
        assert!(check(&guard, host, None), "{host}");
    }
    for host in [
        "example.com",
        "a.mcp.example.com",
        "other.example.com",
        "other.example.com:80",
    ] {
        assert!(!check(&guard, host, None), "{host}");
    }
    let host = "mcp.example.com";
    let allowed = [
        "https://app.example.com",
        "https://app.example.com:443",
        "http://mcp.example.com:3000",
        "vscode-webview://abc",
    ];
    for origin in allowed {
        assert!(check(&guard, host, Some(origin)), "{origin}");
    }
    let refused = [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://example.com",
        "null",
    ];
    for origin in refused {
        assert!(!check(&guard, host, Some(origin)), "{origin}");
    }
}

#[test]
fn any_host_is_not_any_origin() {
    let mut guard = Guard::default();
    guard.allow_any_host();
    assert!(check(&guard, "evil.com", None) && check(&guard, "what ever", None));
    assert!(!check(&guard, "evil.com", Some("http://evil.com")));
    assert!(check(&guard, "evil.com", Some("http://localhost:3000")));
    guard.allow_any_origin();
    assert!(check(&guard, "evil.com", Some("http://evil.com")) && check(&guard, "a", Some("null")));
}

#[test]
fn every_name_of_the_host_counts() {
    let guard = Guard::default();
    let names = |uri: &'static str, hosts: &[&str]| {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HeaderName::from_static("host"), host.parse().unwrap());
        }
        guard.check(&Uri::from_static(uri), &headers).is_ok()
    };
    assert!(names("http://localhost/mcp", &[]) && names("http://localhost/mcp", &["127.0.0.1"]));
    assert!(
        !names("http://evil.com/mcp", &["localhost"]) && !names("/mcp", &["localhost", "evil.com"])
    );
    assert!(!names("http://evil@localhost/mcp", &["localhost"]) && !names("/mcp", &[]));
}

#[test]
fn a_refusal_names_what_it_refuses_and_the_setting() {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, "evil.example.com".parse().unwrap());
    let refusal = Guard::default()
        .check(&Uri::from_static("/mcp"), &headers)
        .unwrap_err();
    assert!(
        refusal.contains("evil.example.com") && refusal.contains("allow_host"),
        "{refusal}"
    );
    headers.insert(header::HOST, "localhost".parse().unwrap());
    headers.insert(header::ORIGIN, "http://evil.example.com".parse().unwrap());
    let refusal = Guard::default()
        .check(&Uri::from_static("/mcp"), &headers)
        .unwrap_err();
    assert!(
        refusal.contains("evil.example.com") && refusal.contains("allow_origin"),
        "{refusal}"
    );
}
