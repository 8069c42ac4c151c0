//! Progress: rises only, only with a token, stops with the answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::{Client, Notification};
use mcp_session::{Context, Tool};
use serde_json::{Value, json};

use super::{both, every_version, serve, template};

fn climb() -> Tool {
    Tool::new("climb")
        .description("-")
        .handler(async |ctx: Context| {
            for step in [0.0, 1.0, 1.0, 0.5, f64::NAN, 2.5, 3.0] {
                ctx.progress(step).total(3.0).message("climbing").send();
            }
            // Kept beyond the answer: what it says then must go nowhere.
            tokio::spawn(async move {
                for step in 4..20 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    ctx.progress(f64::from(step)).send();
                }
            });
        })
}

async fn call(client: &Client, meta: Value) -> Vec<Notification> {
    let params = json!({"name": "climb", "_meta": meta});
    client.request("tools/call", params).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    client.notifications().await
}

fn steps(said: &[Notification]) -> Vec<Value> {
    said.iter()
        .map(|one| one.params["progress"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn progress_rises_and_ends_with_the_answer() {
    let server = serve(template().tool(climb()));
    both(&server, async |client| {
        for token in [json!(7), json!("seven")] {
            let said = call(&client, json!({"progressToken": token})).await;
            assert!(
                said.iter()
                    .all(|one| one.method == "notifications/progress")
            );
            assert!(said.iter().all(|one| one.params["progressToken"] == token));
            assert_eq!(steps(&said), [json!(0), json!(1), json!(2.5), json!(3)]);
            assert!(said.iter().all(|one| one.params["total"] == 3));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_who_gave_no_token_hears_of_progress() {
    let server = serve(template().tool(climb()));
    both(&server, async |client| {
        assert_eq!(call(&client, json!({})).await, [])
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_left_out_where_the_revision_has_none() {
    let server = serve(template().tool(climb()));
    every_version(&server, async |client, version| {
        let said = call(&client, json!({"progressToken": 1})).await;
        let known = version != ProtocolVersion::V2024_11_05;
        assert_eq!(said.len(), 4);
        assert!(
            said.iter()
                .all(|one| one.params.get("message").is_some() == known),
            "{version}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn progress_is_thinned_out_and_still_completes() {
    let flood = Tool::new("climb")
        .description("-")
        .handler(async |ctx: Context| {
            for step in 1..=10_000 {
                ctx.progress(f64::from(step)).total(10_000.0).send();
            }
        });
    let server = serve(template().tool(flood));
    both(&server, async |client| {
        let said = call(&client, json!({"progressToken": 1})).await;
        assert!((2..=51).contains(&said.len()), "{}", said.len());
        assert_eq!(said.last().unwrap().params["progress"], 10_000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reports_from_many_threads_neither_swap_nor_follow_the_answer() {
    let race = Tool::new("climb")
        .description("-")
        .handler(async |ctx: Context| {
            let step = Arc::new(AtomicU32::new(0));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (ctx, step) = (ctx.clone(), Arc::clone(&step));
                    std::thread::spawn(move || {
                        for _ in 0..2_000 {
                            let step = step.fetch_add(1, Ordering::Relaxed);
                            ctx.progress(f64::from(step)).total(0.0).send();
                        }
                    })
                })
                .collect();
            // Answered in the middle of it: what is left says nothing.
            while step.load(Ordering::Relaxed) < 4_000 {
                std::hint::spin_loop();
            }
            drop(threads);
        });
    let server = serve(template().tool(race));
    both(&server, async |client| {
        let params = json!({"name": "climb", "_meta": {"progressToken": 1}});
        client.request("tools/call", params).await.unwrap();
        let before = client.notifications().await;
        let steps: Vec<_> = steps(&before)
            .iter()
            .map(|step| step.as_f64().unwrap())
            .collect();
        assert!(!steps.is_empty() && steps.is_sorted());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(client.notifications().await, []);
    })
    .await;
}
