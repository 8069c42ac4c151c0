//! A client that shows that it does not matter which replica it gets.

use std::time::Duration;

use mcp_session_examples::{Failure, Reply, Result, Wire};
use serde_json::{Value, json};

/// How long a notice may take from one replica to a stream at another.
const PATIENCE: Duration = Duration::from_secs(10);

/// A session, which whoever comes next serves.
struct Client {
    wire: Wire,
    session: String,
    asked: u64,
}

/// Opens a session, uses it at every replica, and ends it.
pub(crate) async fn take(url: &str) -> Result {
    let mut client = Client::open(Wire::new(url)?).await?;
    let mut stream = client.wire.get(&client.headers()).await?;
    expect(stream.status == 200, "a stream is opened")?;
    told(&stream.replica, "holds the stream of notices");

    client
        .call("learn", json!({"word": "hello"}), "learns a word")
        .await?;
    client.offers("say_hello").await?;
    client
        .call("say_hello", json!({}), "has the tool that says it")
        .await?;
    let notice = tokio::time::timeout(PATIENCE, stream.messages.next()).await??;
    let notice = notice.unwrap_or_default();
    let method = notice["method"].as_str().unwrap_or("nothing");
    expect(
        method == "notifications/tools/list_changed",
        "the change is told",
    )?;
    told(&stream.replica, &format!("tells of the change: {method}"));

    for number in 1..=3 {
        let said = client.call("count", json!({}), "counts").await?;
        expect(said == number.to_string(), "nothing is counted twice")?;
    }
    client.order().await?;

    let ended = client.wire.delete(&client.headers()).await?;
    expect(ended.status.is_success(), "the session ends")?;
    told(&ended.replica, "ends the session");
    client.is_gone().await
}

impl Client {
    async fn open(wire: Wire) -> Result<Self> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "clientInfo": {"name": "tour", "version": "1"},
            "capabilities": {"elicitation": {}},
        });
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let mut opened = wire.post(&[], &message).await?;
        let Some(session) = opened.session.take() else {
            return Err(Failure::new(format!("no session: {}", opened.status)));
        };
        while opened.messages.next().await?.is_some() {}
        told(&opened.replica, "opens the session");
        let client = Self {
            wire,
            session,
            asked: 0,
        };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        client.send(&initialized).await?;
        Ok(client)
    }

    fn headers(&self) -> [(&'static str, &str); 2] {
        [
            ("Mcp-Session-Id", &self.session),
            ("MCP-Protocol-Version", "2025-11-25"),
        ]
    }

    /// Sends what has no answer but that it was taken.
    async fn send(&self, message: &Value) -> Result<String> {
        let taken = self.wire.post(&self.headers(), message).await?;
        if taken.status != 202 {
            return Err(refused(&taken));
        }
        Ok(taken.replica)
    }

    async fn request(&mut self, method: &str, params: &Value) -> Result<Reply> {
        self.asked += 1;
        let id = self.asked;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let reply = self.wire.post(&self.headers(), &message).await?;
        if reply.status != 200 {
            return Err(refused(&reply));
        }
        Ok(reply)
    }

    /// Calls a tool that asks nothing.
    async fn call(&mut self, tool: &str, arguments: Value, does: &str) -> Result<String> {
        let params = json!({"name": tool, "arguments": arguments});
        let mut reply = self.request("tools/call", &params).await?;
        while let Some(message) = reply.messages.next().await? {
            if let Some(text) = said(&message)? {
                told(&reply.replica, &format!("{does}: {text}"));
                return Ok(text);
            }
        }
        Err(Failure::new("the answer has no end"))
    }

    async fn offers(&mut self, tool: &str) -> Result {
        let mut reply = self.request("tools/list", &json!({})).await?;
        let listed = reply.messages.next().await?.unwrap_or_default();
        let tools = listed["result"]["tools"].as_array();
        let names = tools.into_iter().flatten();
        let names: Vec<_> = names.filter_map(|tool| tool["name"].as_str()).collect();
        told(&reply.replica, &format!("lists {}", names.join(", ")));
        expect(names.contains(&tool), "what was changed is listed")
    }

    /// Is asked on the stream of a call at one replica, and answers at another.
    async fn order(&mut self) -> Result {
        let params = json!({"name": "order", "arguments": {"what": "pizza"}});
        let mut reply = self.request("tools/call", &params).await?;
        while let Some(message) = reply.messages.next().await? {
            if message["method"] == "elicitation/create" {
                let question = message["params"]["message"].as_str().unwrap_or_default();
                told(&reply.replica, &format!("asks: {question}"));
                let result = json!({"action": "accept", "content": {"size": "large"}});
                let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
                told(&self.send(&answer).await?, "takes the answer");
            } else if let Some(text) = said(&message)? {
                told(&reply.replica, &format!("goes on: {text}"));
                return expect(text == "one large pizza", "the answer arrives");
            }
        }
        Err(Failure::new("the answer has no end"))
    }

    /// Waits until no replica knows the session any more.
    async fn is_gone(&self) -> Result {
        let ping = json!({"jsonrpc": "2.0", "id": 0, "method": "ping"});
        let gone = async {
            let mut in_a_row = 0;
            while in_a_row < crate::REPLICAS.len() {
                let reply = self.wire.post(&self.headers(), &ping).await?;
                let known = reply.status != 404;
                in_a_row = if known { 0 } else { in_a_row + 1 };
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(PATIENCE, gone).await??;
        println!("and no replica knows it any more");
        Ok(())
    }
}

/// What a tool says, where this is its answer.
fn said(message: &Value) -> Result<Option<String>> {
    if let Some(error) = message.get("error") {
        return Err(Failure::new(error.to_string()));
    }
    let Some(result) = message.get("result") else {
        return Ok(None);
    };
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    if result["isError"] == true {
        return Err(Failure::new(text));
    }
    Ok(Some(text.to_owned()))
}

fn refused(reply: &Reply) -> Failure {
    Failure::new(format!("replica {} says {}", reply.replica, reply.status))
}

fn told(replica: &str, what: &str) {
    println!("{replica}  {what}");
}

fn expect(is_so: bool, what: &str) -> Result {
    if is_so {
        Ok(())
    } else {
        Err(Failure::new(format!("it should be that {what}")))
    }
}
