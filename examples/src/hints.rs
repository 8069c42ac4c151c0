//! What to paste where, to try an example.

use serde_json::{Value, json};

/// The entry for a client's configuration file, in the shape most clients read.
pub fn client_config(name: &str, url: &str) -> String {
    let config = json!({"mcpServers": {name: {"type": "http", "url": url}}});
    format!("{config:#}")
}

/// A command that calls a tool, in the stateless era: one request that is complete in itself.
///
/// The headers repeat what the body says, so that proxies need not read it (2026-07-28,
/// "Streamable HTTP", "Standard Headers").
pub fn curl(url: &str, tool: &str, arguments: &Value) -> String {
    stateless(url, tool, arguments, &[])
}

/// [`curl`], for a caller who is known by a token.
pub fn curl_as(token: &str, url: &str, tool: &str, arguments: &Value) -> String {
    let token = format!("Authorization: Bearer {token}");
    stateless(url, tool, arguments, &[&token])
}

/// A command that opens a session of the handshake era, and shows the headers: its id is among
/// them.
pub fn curl_open(url: &str) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "curl", "version": "1"},
        "capabilities": {},
    });
    line("curl -si", url, &[], &message("initialize", &params))
}

/// A command that calls a tool in a session of the handshake era, where SESSION stands for its id.
pub fn curl_in_session(url: &str, tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let session = ["Mcp-Session-Id: SESSION"];
    line("curl -s", url, &session, &message("tools/call", &params))
}

fn stateless(url: &str, tool: &str, arguments: &Value, more: &[&str]) -> String {
    let params = json!({
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "curl", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    let name = format!("Mcp-Name: {tool}");
    let mut headers = vec![
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        &name,
    ];
    headers.extend(more);
    line("curl -s", url, &headers, &message("tools/call", &params))
}

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn line(command: &str, url: &str, headers: &[&str], body: &Value) -> String {
    let common = [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
    ];
    let headers = common.iter().chain(headers);
    let headers: Vec<String> = headers
        .map(|header| format!("-H {}", quoted(header)))
        .collect();
    let (headers, body) = (headers.join(" "), quoted(&body.to_string()));
    format!("{command} {} {headers} -d {body}", quoted(url))
}

/// One word to a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        let line = curl("http://h/mcp?user=ada", "say", &json!({"text": "it's"}));
        assert!(line.starts_with("curl -s 'http://h/mcp?user=ada' -H 'Content-Type: "));
        assert!(line.contains("-H 'Mcp-Name: say'"));
        assert!(line.contains(r#""arguments":{"text":"it'\''s"}"#));
        assert!(!line.contains('\n'));
    }
}
