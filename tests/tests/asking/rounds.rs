//! Several questions: one after the other, at once, withdrawn, under one key, and from tasks.

use std::sync::Arc;
use std::time::Duration;

use mcp_session::{AskError, Context, Elicited, Tool, ToolError};
use parking_lot::Mutex;
use serde_json::json;

use super::{Client, Count, Said, Script, Seat, Way, accept, every_way, serve_tool};

every_way! {
    one_question_may_follow_from_the_answer_to_another
    questions_that_wait_at_one_time_go_out_together
    a_question_behind_a_yield_is_asked_in_the_same_round
    a_question_that_lost_a_race_is_withdrawn
    the_same_key_has_the_same_answer
    the_same_key_cannot_be_open_twice
    a_task_of_the_handler_may_ask
    a_task_that_nobody_waits_for_is_told_so
    a_panic_after_an_answer_stays_inside
}

async fn seat(ctx: &Context, key: &str) -> Result<String, AskError> {
    match ctx.elicit::<Seat>(key, key).await? {
        Elicited::Accept(seat) => Ok(seat.seat),
        other => panic!("{other:?}"),
    }
}

/// A user who gives every seat the name of its question, in capitals.
fn shouting() -> Script {
    Script::forms(|message| accept(json!({"seat": message.to_uppercase()})))
}

async fn one_question_may_follow_from_the_answer_to_another(way: Way) {
    let runs = Count::default();
    let counted = runs.clone();
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            counted.more();
            async move {
                let out = seat(&ctx, "out").await?;
                let back = seat(&ctx, &format!("back from {out}")).await?;
                Ok::<_, ToolError>(format!("{out}, {back}"))
            }
        });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "OUT, BACK FROM OUT");
    assert_eq!(client.script.forms_asked(), ["out", "back from OUT"]);
    // The first run, and once more after each answer.
    assert_eq!(runs.get(), if way.is_stateless() { 3 } else { 1 });
}

async fn questions_that_wait_at_one_time_go_out_together(way: Way) {
    let runs = Count::default();
    let counted = runs.clone();
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            counted.more();
            async move {
                let (a, b) = tokio::join!(seat(&ctx, "a"), seat(&ctx, "b"));
                Ok::<_, ToolError>(format!("{} {}", a?, b?))
            }
        });
    let asked = Arc::new(Mutex::new(Vec::new()));
    let order = Arc::clone(&asked);
    let script = Script::forms(move |message| {
        order.lock().push(message.to_owned());
        let answer = json!({"action": "accept", "content": {"seat": message.to_uppercase()}});
        Said::Late(Duration::from_secs(5), answer)
    });
    let client = Client::connect(way, &serve_tool(tool), script).await;
    let call = client.ask();
    let watched = async {
        // Nobody has answered anything by now.
        tokio::time::sleep(Duration::from_secs(4)).await;
        asked.lock().clone()
    };
    let (said, by_then) = tokio::join!(call, watched);
    assert_eq!(said, "A B");
    if way.is_stateless() {
        assert_eq!(runs.get(), 2, "one round");
    } else {
        assert_eq!((by_then.len(), runs.get()), (2, 1));
    }
}

/// A handler that has more to do before it waits is let go on until it does.
async fn a_question_behind_a_yield_is_asked_in_the_same_round(way: Way) {
    let runs = Count::default();
    let counted = runs.clone();
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            counted.more();
            async move {
                let late = async {
                    tokio::task::yield_now().await;
                    seat(&ctx, "b").await
                };
                let (a, b) = tokio::join!(seat(&ctx, "a"), late);
                Ok::<_, ToolError>(format!("{} {}", a?, b?))
            }
        });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "A B");
    assert_eq!(runs.get(), if way.is_stateless() { 2 } else { 1 });
}

async fn a_question_that_lost_a_race_is_withdrawn(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let faster = async {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                slow = seat(&ctx, "slow") => panic!("{slow:?}"),
                () = faster => {}
            }
            seat(&ctx, "sure").await
        });
    let script = Script::forms(|message| match message {
        "slow" => Said::Nothing,
        message => accept(json!({"seat": message})),
    });
    let client = Client::connect(way, &serve_tool(tool), script).await;
    assert_eq!(client.ask().await, "sure");
    let heard = client.heard().await;
    if way.is_stateless() {
        // It never went out.
        assert_eq!(client.script.forms_asked(), ["sure"]);
        assert_eq!(heard, []);
    } else {
        assert_eq!(client.script.forms_asked(), ["slow", "sure"]);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].0, "notifications/cancelled");
    }
}

async fn the_same_key_has_the_same_answer(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let first = seat(&ctx, "a").await?;
            let again = seat(&ctx, "a").await?;
            Ok::<_, ToolError>(format!("{first} {again}"))
        });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "A A");
    assert_eq!(client.script.forms_asked(), ["a"]);
    // Another call is another exchange.
    assert_eq!(client.ask().await, "A A");
    assert_eq!(client.script.forms_asked(), ["a", "a"]);
}

async fn the_same_key_cannot_be_open_twice(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let both = tokio::try_join!(seat(&ctx, "a"), seat(&ctx, "a"));
            let Err(AskError::AskedTwice(key)) = both else {
                panic!("{both:?}");
            };
            format!("{key} twice")
        });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "a twice");
}

async fn a_task_of_the_handler_may_ask(way: Way) {
    let suspended = Count::default();
    let counted = suspended.clone();
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            let counted = counted.clone();
            async move {
                let task = tokio::spawn(async move {
                    let asked = seat(&ctx, "a").await;
                    if matches!(asked, Err(AskError::Suspended)) {
                        counted.more();
                    }
                    asked
                });
                Ok::<_, ToolError>(task.await??)
            }
        });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "A");
    assert_eq!(client.script.forms_asked(), ["a"]);
    // The run that was put aside left a task behind, and the next run made a new one.
    assert_eq!(suspended.get(), usize::from(way.is_stateless()));
}

async fn a_task_that_nobody_waits_for_is_told_so(way: Way) {
    let (told, mut hears) = tokio::sync::mpsc::channel(2);
    let answered = Arc::new(tokio::sync::Notify::new());
    let gone_on = Arc::clone(&answered);
    let tool = Tool::new("ask")
        .description("-")
        .handler(move |ctx: Context| {
            let (told, answered) = (told.clone(), Arc::clone(&gone_on));
            async move {
                tokio::spawn(async move {
                    answered.notified().await;
                    let asked = seat(&ctx, "too late").await;
                    told.send(asked).await.unwrap();
                });
                "done"
            }
        });
    let client = Client::connect(way, &serve_tool(tool), Script::silent()).await;
    assert_eq!(client.ask().await, "done");
    answered.notify_one();
    let asked = hears.recv().await.unwrap();
    assert!(matches!(asked, Err(AskError::Gone)), "{asked:?}");
}

async fn a_panic_after_an_answer_stays_inside(way: Way) {
    let tool =
        Tool::new("ask")
            .description("-")
            .handler(async |ctx: Context| -> Result<(), ToolError> {
                let seat = seat(&ctx, "a").await?;
                panic!("{seat}")
            });
    let client = Client::connect(way, &serve_tool(tool), shouting()).await;
    assert_eq!(client.ask().await, "the tool failed unexpectedly");
}
