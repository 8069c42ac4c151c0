//! Handlers that are kept alive while their client answers: they go on where they were, on behalf of
//! the request that brings the answers, and cost nothing that others need.

use std::{sync::Arc, time::Duration};

use mcp_session::{AskError, Context, Elicited, Limits, SealKeys, Server, Tool, ToolError};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Client, Count, Script, Seat, Way, accept, stateless_ways, template, text};

stateless_ways! {
    a_parked_run_goes_on_where_it_was
    its_context_speaks_for_the_request_that_goes_on
    work_goes_on_while_it_is_parked
    a_run_may_come_to_its_end_while_it_is_parked
    a_panic_while_it_is_parked_is_told_to_the_retry
    it_holds_no_place_in_flight
    it_is_let_go_when_its_time_is_up
    only_so_many_are_parked
    another_process_runs_it_again
    a_shutdown_lets_it_go
    a_retry_that_is_cancelled_takes_it_along
    two_retries_of_one_round_are_both_answered
    a_retry_of_an_earlier_round_gets_a_run_of_its_own
    retries_without_answers_cannot_pile_up
}

const PARKED: Duration = Duration::from_secs(60);

/// What a test sees of runs.
#[derive(Clone, Default)]
struct Runs {
    begun: Count,
    dropped: Count,
}

/// A run, from its beginning to its end.
struct Running(Count);

impl Runs {
    fn begin(&self) -> Running {
        self.begun.more();
        Running(self.dropped.clone())
    }

    fn seen(&self) -> (usize, usize) {
        (self.begun.get(), self.dropped.get())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.more();
    }
}

async fn seat(ctx: &Context, key: &str) -> Result<String, AskError> {
    match ctx.elicit::<Seat>(key, key).await? {
        Elicited::Accept(seat) => Ok(seat.seat),
        other => panic!("{other:?}"),
    }
}

fn shouting() -> Script {
    Script::forms(|message| accept(json!({"seat": message.to_uppercase()})))
}

/// A tool that is parked whenever it asks.
fn parking<F>(runs: &Runs, run: impl Fn(Context, Running) -> F + Send + Sync + 'static) -> Tool
where
    F: Future<Output = Result<String, ToolError>> + Send + 'static,
{
    let runs = runs.clone();
    Tool::new("ask")
        .description("-")
        .park(PARKED)
        .handler(move |ctx: Context| run(ctx, runs.begin()))
}

/// Asks for two things, one after the other, and remembers where it was.
fn in_turn(runs: &Runs) -> Tool {
    parking(runs, |ctx, running| async move {
        let mut notes = vec![seat(&ctx, "out").await?];
        notes.push(seat(&ctx, "back").await?);
        drop(running);
        Ok(notes.join(" "))
    })
}

fn server_with(limits: Limits, tool: Tool) -> Server {
    let echo = Tool::new("echo").description("-").handler(async || "echo");
    let template = template().tool(tool).tool(echo).build().unwrap();
    Server::builder(template)
        .limits(limits)
        .seal_keys(SealKeys::new([1; SealKeys::LENGTH]))
        .audience("shop")
        .build()
        .unwrap()
}

fn server(tool: Tool) -> Server {
    server_with(Limits::default(), tool)
}

fn call() -> Value {
    json!({"name": "ask"})
}

/// The first round of a call, and the request that brings its answers.
async fn first_round(client: &Client) -> Value {
    let asked = client.once("tools/call", call()).await.unwrap();
    client.answered(call(), &asked).await
}

/// Lets everybody do what they do.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn a_parked_run_goes_on_where_it_was(way: Way) {
    let runs = Runs::default();
    let client = Client::connect(way, &server(in_turn(&runs)), shouting()).await;
    assert_eq!(client.ask().await, "OUT BACK");
    assert_eq!(client.script.forms_asked(), ["out", "back"]);
    assert_eq!(runs.seen(), (1, 1));
}

async fn its_context_speaks_for_the_request_that_goes_on(way: Way) {
    let runs = Runs::default();
    let tool = parking(&runs, |ctx, _running| async move {
        let say = |ctx: &Context, step: f64| {
            ctx.progress(step).send();
            let note = ctx.meta().other.get("example.com/note").cloned();
            format!("{} {}", ctx.request_id(), note.unwrap_or_default())
        };
        let before = say(&ctx, 1.0);
        seat(&ctx, "a").await?;
        // It is a new request, so progress may begin anew.
        let after = say(&ctx, 1.0);
        Ok(format!("{before}, {after}"))
    });
    let client = Client::connect(way, &server(tool), shouting()).await;
    let noted = |note: &str| json!({"progressToken": note, "example.com/note": note});
    let mut first = call();
    first["_meta"] = noted("one");
    let asked = client.once("tools/call", first).await.unwrap();
    let mut retry = client.answered(call(), &asked).await;
    retry["_meta"] = noted("two");
    let told = client.once("tools/call", retry).await.unwrap();
    let said = text(&told);
    let (before, after) = said.split_once(", ").unwrap();
    assert!(
        before.ends_with("\"one\"") && after.ends_with("\"two\""),
        "{said}"
    );
    assert_ne!(before[..1], after[..1], "the ids of two requests: {said}");
    let heard = client.heard().await;
    let tokens: Vec<_> = heard
        .iter()
        .map(|(_, params)| &params["progressToken"])
        .collect();
    assert_eq!(tokens, ["one", "two"]);
    assert_eq!(runs.begun.get(), 1);
}

async fn work_goes_on_while_it_is_parked(way: Way) {
    let (runs, worked) = (Runs::default(), Count::default());
    let counted = worked.clone();
    let tool = parking(&runs, move |ctx, _running| {
        let worked = counted.clone();
        async move {
            let work = async {
                tokio::time::sleep(Duration::from_secs(10)).await;
                worked.more();
            };
            let (seat, ()) = tokio::join!(seat(&ctx, "a"), work);
            Ok(seat?)
        }
    });
    let client = Client::connect(way, &server(tool), shouting()).await;
    let retry = first_round(&client).await;
    assert_eq!(worked.get(), 0);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(worked.get(), 1);
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!((text(&told), runs.begun.get()), ("A".to_owned(), 1));
}

async fn a_run_may_come_to_its_end_while_it_is_parked(way: Way) {
    let runs = Runs::default();
    let tool = parking(&runs, |ctx, running| async move {
        tokio::select! {
            seat = seat(&ctx, "a") => Ok(seat?),
            () = tokio::time::sleep(Duration::from_secs(10)) => {
                drop(running);
                Ok("the seat is gone".to_owned())
            }
        }
    });
    let client = Client::connect(way, &server(tool), shouting()).await;
    let retry = first_round(&client).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(runs.seen(), (1, 1));
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "the seat is gone");
}

async fn a_panic_while_it_is_parked_is_told_to_the_retry(way: Way) {
    let runs = Runs::default();
    let tool = parking(&runs, |ctx, _running| async move {
        let fails = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("on purpose")
        };
        let (seat, ()) = tokio::join!(seat(&ctx, "a"), fails);
        Ok(seat?)
    });
    let client = Client::connect(way, &server(tool), shouting()).await;
    let retry = first_round(&client).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "the tool failed unexpectedly");
    assert_eq!(runs.begun.get(), 1);
}

async fn it_holds_no_place_in_flight(way: Way) {
    let runs = Runs::default();
    let limits = Limits::default().in_flight(1);
    let client = Client::connect(way, &server_with(limits, in_turn(&runs)), shouting()).await;
    let retry = first_round(&client).await;
    for _ in 0..3 {
        let echoed = client.once("tools/call", json!({"name": "echo"})).await;
        assert_eq!(text(&echoed.unwrap()), "echo");
    }
    let asked = client.once("tools/call", retry).await.unwrap();
    assert!(asked["inputRequests"]["back"].is_object());
    assert_eq!(runs.seen(), (1, 0));
}

/// A handler that leaves a task behind, which asks as well.
fn with_a_task(runs: &Runs, told: &Count) -> Tool {
    let told = told.clone();
    parking(runs, move |ctx, running| {
        let told = told.clone();
        async move {
            let _running = running;
            let asking = ctx.clone();
            tokio::spawn(async move {
                let asked = seat(&asking, "task").await;
                if matches!(asked, Err(AskError::Suspended)) {
                    told.more();
                }
            });
            Ok(seat(&ctx, "a").await?)
        }
    })
}

async fn it_is_let_go_when_its_time_is_up(way: Way) {
    let (runs, told) = (Runs::default(), Count::default());
    let client = Client::connect(way, &server(with_a_task(&runs, &told)), shouting()).await;
    let retry = first_round(&client).await;
    tokio::time::sleep(PARKED - Duration::from_secs(1)).await;
    assert_eq!((runs.seen(), told.get()), ((1, 0), 0));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((runs.seen(), told.get()), ((1, 1), 1));
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!((text(&told), runs.begun.get()), ("A".to_owned(), 2));
}

async fn only_so_many_are_parked(way: Way) {
    let runs = Runs::default();
    let limits = Limits::default().parked(1);
    let client = Client::connect(way, &server_with(limits, in_turn(&runs)), shouting()).await;
    let first = first_round(&client).await;
    let second = first_round(&client).await;
    assert_eq!(runs.seen(), (2, 1));
    // The one that was not kept runs again, and the other does not.
    let asked = client.once("tools/call", second).await.unwrap();
    assert!(asked["inputRequests"]["back"].is_object());
    assert_eq!(runs.seen(), (3, 2));
    client.once("tools/call", first).await.unwrap();
    assert_eq!(runs.begun.get(), 3);
}

async fn another_process_runs_it_again(way: Way) {
    let (here, there) = (Runs::default(), Runs::default());
    let (one, other) = (server(in_turn(&here)), server(in_turn(&there)));
    let one = Client::connect(way, &one, shouting()).await;
    let other = Client::connect(way, &other, shouting()).await;
    let retry = first_round(&one).await;
    let asked = other.once("tools/call", retry).await.unwrap();
    assert_eq!((here.seen(), there.seen()), ((1, 0), (1, 0)));
    // Back where it began, it goes on with what was answered elsewhere.
    let retry = other.answered(call(), &asked).await;
    let told = one.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "OUT BACK");
    assert_eq!((here.seen(), there.seen()), ((1, 1), (1, 0)));
}

async fn a_shutdown_lets_it_go(way: Way) {
    let (runs, told) = (Runs::default(), Count::default());
    let server = server(with_a_task(&runs, &told));
    let client = Client::connect(way, &server, shouting()).await;
    first_round(&client).await;
    assert_eq!(runs.seen(), (1, 0));
    server.shutdown().await;
    settle().await;
    assert_eq!((runs.seen(), told.get()), ((1, 1), 1));
}

async fn a_retry_that_is_cancelled_takes_it_along(way: Way) {
    let runs = Runs::default();
    let reached = Arc::new(Notify::new());
    let (at, told) = (Arc::clone(&reached), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&told);
    let tool = parking(&runs, move |ctx, running| {
        let (at, kept) = (Arc::clone(&at), Arc::clone(&kept));
        async move {
            let _running = running;
            seat(&ctx, "a").await?;
            *kept.lock() = Some(ctx.clone());
            at.notify_one();
            std::future::pending().await
        }
    });
    let client = Client::connect(way, &server(tool), shouting()).await;
    let retry = first_round(&client).await;
    client
        .cancelled("tools/call", retry, reached.notified())
        .await;
    settle().await;
    assert_eq!(runs.seen(), (1, 1));
    let ctx = told.lock().take().unwrap();
    assert!(ctx.is_cancelled(), "tasks that it left behind see it");
    let asked = seat(&ctx, "late").await;
    assert!(matches!(asked, Err(AskError::Gone)), "{asked:?}");
}

async fn two_retries_of_one_round_are_both_answered(way: Way) {
    let runs = Runs::default();
    let client = Client::connect(way, &server(in_turn(&runs)), shouting()).await;
    let retry = first_round(&client).await;
    let twice = tokio::join!(
        client.once("tools/call", retry.clone()),
        client.once("tools/call", retry),
    );
    for asked in [twice.0.unwrap(), twice.1.unwrap()] {
        assert!(asked["inputRequests"]["back"].is_object(), "{asked}");
        let retry = client.answered(call(), &asked).await;
        let told = client.once("tools/call", retry).await.unwrap();
        assert_eq!(text(&told), "OUT BACK");
    }
}

/// Somebody went back, and answered otherwise.
async fn a_retry_of_an_earlier_round_gets_a_run_of_its_own(way: Way) {
    let runs = Runs::default();
    let client = Client::connect(way, &server(in_turn(&runs)), shouting()).await;
    let retry = first_round(&client).await;
    let mut otherwise = retry.clone();
    otherwise["inputResponses"]["out"]["content"]["seat"] = "ELSEWHERE".into();
    client.once("tools/call", retry).await.unwrap();
    let asked = client.once("tools/call", otherwise).await.unwrap();
    let retry = client.answered(call(), &asked).await;
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "ELSEWHERE BACK");
    assert_eq!(runs.begun.get(), 2);
}

async fn retries_without_answers_cannot_pile_up(way: Way) {
    let runs = Runs::default();
    let client = Client::connect(way, &server(in_turn(&runs)), shouting()).await;
    let mut asked = client.once("tools/call", call()).await.unwrap();
    for _ in 0..100 {
        let mut retry = call();
        retry["inputResponses"] = json!({});
        retry["requestState"] = asked["requestState"].clone();
        asked = client.once("tools/call", retry).await.unwrap();
    }
    assert_eq!(runs.begun.get(), 2, "it was let go once, and run again");
}
