//! Effects between questions, questions before the handler, and errands: each happens as often as it
//! should, which is once.

use std::time::Duration;

use mcp_session::{Context, Dep, Elicit, Elicited, Tool, ToolError, tool};
use serde_json::{Value, json};

use super::{
    Client, Count, Said, Script, Seat, Way, accept, every_way, serve, serve_tool, stateless_ways,
    template, text,
};

every_way! {
    an_effect_between_questions_happens_once
    what_a_handler_takes_is_asked_before_it_runs
    an_errand_is_waited_for
}

mod repeated {
    use super::{
        an_effect_happens_once_however_often_the_last_retry_comes,
        an_effect_of_a_parked_run_happens_once_where_another_runs_again, stateless_ways,
    };

    stateless_ways! {
        an_effect_happens_once_however_often_the_last_retry_comes
        an_effect_of_a_parked_run_happens_once_where_another_runs_again
    }
}

fn shouting() -> Script {
    Script::forms(|message| accept(json!({"seat": message.to_uppercase()})))
}

async fn seat(ctx: &Context, key: &str) -> Result<String, ToolError> {
    match ctx.elicit::<Seat>(key, key).await? {
        Elicited::Accept(seat) => Ok(seat.seat),
        other => Err(ToolError::new(format!("{other:?}"))),
    }
}

/// Charges between two questions, and again at the end.
fn charging(runs: &Count, charges: &Count, park: Option<Duration>) -> Tool {
    let (runs, charges) = (runs.clone(), charges.clone());
    let tool = Tool::new("ask").description("-");
    let tool = match park {
        Some(time) => tool.park(time),
        None => tool,
    };
    tool.handler(move |ctx: Context| {
        let charges = charges.clone();
        runs.more();
        async move {
            let charge = async || {
                tokio::time::sleep(Duration::from_secs(1)).await;
                charges.more();
                Ok::<_, ToolError>(charges.get())
            };
            let out = seat(&ctx, "out").await?;
            let first = ctx.once("first", charge).await?;
            let back = seat(&ctx, "back").await?;
            let second = ctx.once("second", charge).await?;
            Ok::<_, ToolError>(format!("{out} {first} {back} {second}"))
        }
    })
}

async fn an_effect_between_questions_happens_once(way: Way) {
    let (runs, charges) = (Count::default(), Count::default());
    let server = serve_tool(charging(&runs, &charges, None));
    let client = Client::connect(way, &server, shouting()).await;
    assert_eq!(client.ask().await, "OUT 1 BACK 2");
    assert_eq!(charges.get(), 2);
    assert_eq!(runs.get(), if way.is_stateless() { 3 } else { 1 });
}

/// How often the body of `book` ran.
struct Bodies(Count);

/// Books a seat.
#[tool]
async fn book(
    flight: String,
    #[ask("Which seat?")] seat: Elicit<Seat>,
    #[ask("Which seat back?")] back: Elicit<Seat>,
    bodies: Dep<Bodies>,
) -> String {
    bodies.0.more();
    match (seat.into_inner(), back.into_inner()) {
        (Elicited::Accept(out), Elicited::Accept(back)) => {
            format!("{flight} {} {}", out.seat, back.seat)
        }
        _ => "not booked".to_owned(),
    }
}

async fn what_a_handler_takes_is_asked_before_it_runs(way: Way) {
    let bodies = Count::default();
    let server = serve(template().provide(Bodies(bodies.clone())).tool(book));
    let client = Client::connect(way, &server, shouting()).await;
    let call = json!({"name": "book", "arguments": {"flight": "SK1"}});
    let booked = client.exchange("tools/call", call).await.unwrap();
    assert_eq!(text(&booked), "SK1 WHICH SEAT? WHICH SEAT BACK?");
    assert_eq!(bodies.get(), 1);
}

async fn an_errand_is_waited_for(way: Way) {
    let tool = Tool::new("ask")
        .description("-")
        .handler(async |ctx: Context| {
            let url = |id: &str| format!("https://forge.example/oauth?state={id}");
            Ok::<_, ToolError>(match ctx.visit("sign-in", "Sign in", url).await? {
                Elicited::Accept(()) => "signed in",
                Elicited::Decline | Elicited::Cancel => "stayed out",
            })
        });
    let server = serve_tool(tool);
    let site = server.clone();
    // The user agrees at once, and has signed in a while later.
    let script = Script::new(move |_, params| {
        let url = params["url"].as_str().unwrap();
        let id = url.split_once("state=").unwrap().1.to_owned();
        let site = site.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            site.elicitations().complete(None, &id).await.unwrap();
        });
        let agreed = json!({"action": "accept"});
        Said::Late(Duration::from_secs(10), agreed)
    });
    let client = Client::connect(way, &server, script).await;
    assert_eq!(client.ask().await, "signed in");
}

/// The request that brings the last answer of a call.
async fn last_retry(client: &Client) -> Value {
    let call = json!({"name": "ask"});
    let asked = client.once("tools/call", call.clone()).await.unwrap();
    let retry = client.answered(call.clone(), &asked).await;
    let asked = client.once("tools/call", retry).await.unwrap();
    client.answered(call, &asked).await
}

async fn an_effect_happens_once_however_often_the_last_retry_comes(way: Way) {
    for park in [None, Some(Duration::from_secs(60))] {
        let (runs, charges) = (Count::default(), Count::default());
        let server = serve_tool(charging(&runs, &charges, park));
        let client = Client::connect(way, &server, shouting()).await;
        let retry = last_retry(&client).await;
        let retries = (0..10).map(|_| client.once("tools/call", retry.clone()));
        for told in futures_util::future::join_all(retries).await {
            assert_eq!(text(&told.unwrap()), "OUT 1 BACK 2");
        }
        assert_eq!(charges.get(), 2, "parked: {park:?}");
    }
}

async fn an_effect_of_a_parked_run_happens_once_where_another_runs_again(way: Way) {
    let (runs, charges) = (Count::default(), Count::default());
    let server = serve_tool(charging(&runs, &charges, Some(Duration::from_secs(60))));
    let client = Client::connect(way, &server, shouting()).await;
    let retry = last_retry(&client).await;
    assert_eq!((runs.get(), charges.get()), (1, 1));
    // It is no longer there when the retry comes.
    tokio::time::sleep(Duration::from_secs(61)).await;
    let told = client.once("tools/call", retry).await.unwrap();
    assert_eq!(text(&told), "OUT 1 BACK 2");
    assert_eq!((runs.get(), charges.get()), (2, 2));
}
