//! Proves that `governed` tells what becomes of its sessions, over each transport.

use serde_json::json;

use crate::examples::process::Child;
use crate::examples::{bounded, text, web};

/// Reads what it tells until all of this was told, in this order, other things in between.
async fn told(server: &mut Child, wanted: &[&str]) {
    let mut seen = Vec::new();
    for wanted in wanted {
        loop {
            let line = server.told().await;
            let line = line.unwrap_or_else(|| panic!("no {wanted} in {seen:#?}"));
            let found = line.contains(wanted);
            seen.push(line);
            if found {
                break;
            }
        }
    }
}

#[tokio::test]
async fn governed_tells_of_a_session_that_rests_wakes_and_ends() {
    bounded(async {
        let mut server = Child::start_watched("governed", &["--http", "127.0.0.1:0"]);
        let url = server.url().await;
        let mut command = async |start: &str| loop {
            let line = server.line().await;
            if line.starts_with(start) {
                break line;
            }
        };
        let (open, hello) = (command("curl -si").await, command("curl -s ").await);
        let (id, opened) = web::pasted_opening(&open).await;
        assert_eq!(opened["result"]["serverInfo"]["name"], "governed");
        let hello = hello.replace("SESSION", &id);
        assert_eq!(text(&web::pasted(&hello).await), "Hello, you!");
        let parked = [
            "on_open",
            "event         Opened",
            "on_state_changed from active to idle",
            "on_state_changed from idle to parked",
            "on_park",
        ];
        told(&mut server, &parked).await;
        assert_eq!(text(&web::pasted(&hello).await), "Hello, you!");
        told(&mut server, &["on_resume"]).await;
        let stumble = hello.replace("hello", "stumble");
        let answer = web::pasted(&stumble).await;
        assert_eq!(answer["result"]["isError"], true);
        told(&mut server, &["on_error: tools/call: panicked"]).await;
        told(&mut server, &["from active to idle"]).await;
        // The fourth session takes the place of the one that rested longest.
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push(url.open().await);
        }
        told(&mut server, &["on_close: evicted", "event         Ended"]).await;
        for session in &sessions {
            assert!(session.is_there().await);
        }

        #[cfg(unix)]
        {
            server.interrupt();
            let shutdown = ["on_close: shutdown"; 3];
            told(&mut server, &shutdown).await;
            while let Some(line) = server.told().await {
                assert!(!line.contains(&id), "no id is told");
            }
            assert!(server.ended().await.success());
        }
    })
    .await;
}

#[tokio::test]
async fn governed_tells_of_a_byte_stream_beside_the_protocol() {
    bounded(async {
        let mut server = Child::start_watched("governed", &["--stdio"]);
        server.initialize().await;
        let call = json!({"name": "hello", "arguments": {"name": "you"}});
        let answer = server.ask("tools/call", call).await;
        assert_eq!(text(&answer), "Hello, you!");
        server.close_input();
        let life = ["on_open", "on_close: transport lost", "event         Ended"];
        told(&mut server, &life).await;
        assert!(server.ended().await.success());
    })
    .await;
}
