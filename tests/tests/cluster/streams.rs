//! Steps that are about streams: what is asked and told on them, and what becomes of those that
//! break.

use serde_json::{Value, json};

use mcp_session_tests::cluster::NOTE;

use crate::session::{WORD, requested, said};
use crate::steps::{ENDED, is};
use crate::walk::{Done, Walk};

impl Walk {
    pub(crate) async fn elicit(&mut self) -> Done {
        let what = format!("fruit-{:x}", self.random.next() & 0xfff);
        let answer = self.full("ask", json!({"what": what})).await?;
        if answer.questions != 1 {
            return Err(format!("it asked {} times", answer.questions));
        }
        let said = said(&answer.result).map_err(|lost| lost.to_string())?;
        is(&said, format!("{what} {WORD}"))
    }

    pub(crate) async fn narrate(&mut self) -> Done {
        let steps = 1 + self.random.below(20);
        let arguments = json!({"steps": steps, "pause_ms": 0});
        let answer = self.full("narrate", arguments).await?;
        self.narrated(steps, &answer.told)
    }

    /// Each log message came once and in order, and the last report of progress.
    fn narrated(&self, steps: usize, told: &[Value]) -> Done {
        let of = |method: &str| -> Vec<&Value> {
            let told = told.iter().filter(|told| told["method"] == method);
            told.map(|told| &told["params"]).collect()
        };
        let logged = of("notifications/message");
        let logged: Vec<_> = logged.iter().map(|told| &told["data"]).collect();
        let expected: Vec<_> = (1..=steps).map(|step| json!(step)).collect();
        let expected: Vec<_> = expected
            .iter()
            .filter(|_| !self.expected.only_errors)
            .collect();
        if logged != expected {
            return Err(format!("logged {logged:?}, not {expected:?}"));
        }
        let progress = of("notifications/progress");
        let progress: Vec<_> = progress
            .iter()
            .map(|told| told["progress"].as_f64())
            .collect();
        if !progress.is_sorted() || progress.last() != Some(&Some(steps as f64)) {
            return Err(format!("progress {progress:?} of {steps}"));
        }
        Ok(())
    }

    pub(crate) async fn level(&mut self) -> Done {
        let only_errors = self.random.percent(50);
        let level = if only_errors { "error" } else { "info" };
        self.ask("logging/setLevel", json!({"level": level}))
            .await?;
        self.expected.only_errors = only_errors;
        self.narrate().await
    }

    /// Subscribes to a note and has it touched: somewhere else, as the proxy takes turns.
    pub(crate) async fn touch(&mut self) -> Done {
        self.expected.notes += 1;
        let number = self.expected.notes;
        let uri = json!({"uri": format!("{NOTE}{number}")});
        self.ask("resources/subscribe", uri.clone()).await?;
        let said = self.call("touch", json!({"number": number})).await?;
        is(&said, format!("touched {number}"))?;
        self.expected.touched.insert(number);
        if self.random.percent(25) {
            self.settles().await?;
            self.ask("resources/unsubscribe", uri).await?;
        }
        Ok(())
    }

    /// Opens the standing stream, or comes back to it.
    pub(crate) async fn come(&mut self) -> Done {
        self.note("comes");
        let opened = self.listener.open().await;
        opened.map_err(|lost| format!("the stream: {lost}"))
    }

    pub(crate) async fn leave(&mut self) -> Done {
        if self.random.percent(50) {
            self.settles().await?;
        }
        self.note("leaves");
        // What it was not told yet of its lists it may be told on another stream, or not at all.
        self.expected.lists_before = None;
        self.listener.close();
        Ok(())
    }

    /// Loses the stream of a call in the middle, and comes back to it anywhere.
    pub(crate) async fn resume(&mut self) -> Done {
        let steps = 2 + self.random.below(6);
        self.note(format_args!("narrate {steps}, and resumes"));
        let arguments = json!({"steps": steps, "pause_ms": 20});
        let begun = self.session.begin("narrate", arguments).await;
        let (id, mut reply) = begun.map_err(|lost| lost.to_string())?;
        let broken = |error| format!("the stream of a call: {error:?}");
        let mut told = Vec::new();
        for _ in 0..2 {
            let event = reply.messages.event().await.map_err(broken)?;
            let event = event.filter(|event| !event.is_empty());
            told.extend(event.map(|event| serde_json::from_slice(&event).unwrap_or_default()));
        }
        let last = reply.messages.last_event().map(str::to_owned);
        let last = last.ok_or_else(|| format!("{} gives no ids", reply.replica))?;
        drop(reply);
        let mut headers = self.session.headers();
        headers.push(("Last-Event-ID", &last));
        requested();
        let again = self.session.wire.get(&headers).await.map_err(broken)?;
        let again = crate::session::checked(again).await;
        let again = again.map_err(|lost| format!("resumed: {lost}"))?;
        self.note(format_args!("  resumed by {}", again.replica));
        let answer = self.session.read(again, &id).await;
        let answer = answer.map_err(|lost| format!("resumed: {lost}"))?;
        told.extend(answer.told);
        self.narrated(steps, &told)
    }

    /// Gives up a call that runs somewhere, by telling somebody: it ends without an answer.
    pub(crate) async fn cancel(&mut self) -> Done {
        self.note("narrate, and gives up");
        let arguments = json!({"steps": 2_000, "pause_ms": 20});
        let begun = self.session.begin("narrate", arguments).await;
        let (id, mut reply) = begun.map_err(|lost| lost.to_string())?;
        self.note(format_args!("  by {}", reply.replica));
        let cancelled = json!({
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": id},
        });
        let sent = self.session.send(&cancelled).await;
        sent.map_err(|lost| lost.to_string())?;
        let ended = async {
            while let Some(message) = reply.messages.next().await? {
                if message.get("id").is_some() {
                    return Ok(Some(message));
                }
            }
            Ok::<_, mcp_session_examples::Failure>(None)
        };
        match tokio::time::timeout(ENDED, ended).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(answer))) => Err(format!("a call that was given up got {answer}")),
            Ok(Err(error)) => Err(format!("a call that was given up broke off: {error:?}")),
            Err(_) => Err("a call that was given up goes on".to_owned()),
        }
    }
}
