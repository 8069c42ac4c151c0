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
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "curl", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    });
    let headers = [
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        &format!("Mcp-Name: {tool}"),
    ];
    let headers: Vec<String> = headers
        .map(|header| format!("-H {}", quoted(header)))
        .into();
    let (headers, body) = (headers.join(" "), quoted(&body.to_string()));
    format!("curl -s {} {headers} -d {body}", quoted(url))
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
