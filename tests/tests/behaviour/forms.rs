//! Forms: every kind of field, in the words of the client's revision, and answers that fit them.

use mcp_session::protocol::ProtocolVersion;
use mcp_session::testing::{Answer, Client};
use mcp_session::{Context, Elicited, JsonSchema, Tool, ToolError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{serve, template};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// By the window.
    Window,
    /// On the aisle.
    Aisle,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Meal {
    Soup,
    Salad,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Booking {
    /// Who travels.
    #[schemars(length(min = 2, max = 40))]
    name: String,
    #[schemars(email)]
    email: String,
    #[schemars(range(min = 0, max = 3))]
    bags: u8,
    side: Side,
    #[serde(default)]
    insured: bool,
    note: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Meals {
    meals: Vec<Meal>,
}

fn tools() -> [Tool; 2] {
    let book = Tool::new("book")
        .description("-")
        .handler(async |ctx: Context| {
            Ok::<_, ToolError>(
                match ctx.elicit::<Booking>("booking", "Who, and how?").await? {
                    Elicited::Accept(booking) => json!(booking).to_string(),
                    Elicited::Decline | Elicited::Cancel => "no".to_owned(),
                },
            )
        });
    let eat = Tool::new("eat")
        .description("-")
        .handler(async |ctx: Context| {
            Ok::<_, ToolError>(match ctx.elicit::<Meals>("meals", "What?").await? {
                Elicited::Accept(meals) => json!(meals).to_string(),
                Elicited::Decline | Elicited::Cancel => "no".to_owned(),
            })
        });
    [book, eat]
}

async fn client(version: ProtocolVersion, answer: Value) -> Client {
    let server = serve(template().tools(tools()));
    let client = Client::builder(&server).version(version);
    client
        .on_elicit(move |_| Answer::accept(answer.clone()))
        .connect()
        .await
}

fn filled_in() -> Value {
    json!({"name": "Ann", "email": "ann@example.org", "bags": 2, "side": "aisle", "note": null})
}

const ASKED: [ProtocolVersion; 3] = [
    ProtocolVersion::V2025_06_18,
    ProtocolVersion::V2025_11_25,
    ProtocolVersion::V2026_07_28,
];

#[tokio::test(start_paused = true)]
async fn every_kind_of_field_is_asked_in_the_words_of_the_revision() {
    for version in ASKED {
        let client = client(version, filled_in()).await;
        let said = client.call_tool("book", json!({})).await.text();
        assert!(
            said.contains("name: \"Ann\"") && said.contains("side: Aisle"),
            "{said}"
        );
        let asked = client.next_question().await.params;
        let fields = &asked["requestedSchema"]["properties"];
        assert_eq!(
            (
                &fields["name"]["minLength"],
                &fields["email"]["format"],
                &fields["bags"]["maximum"]
            ),
            (&json!(2), &json!("email"), &json!(3)),
        );
        assert_eq!(fields["insured"]["type"], "boolean");
        assert_eq!(fields["note"]["type"], "string");
        let side = &fields["side"];
        if version == ProtocolVersion::V2025_06_18 {
            assert_eq!(side["enum"], json!(["window", "aisle"]));
            assert_eq!(
                side["enumNames"],
                json!(["By the window.", "On the aisle."])
            );
        } else {
            assert_eq!(
                side["oneOf"][1],
                json!({"const": "aisle", "title": "On the aisle."})
            );
        }
        assert_eq!(
            asked["requestedSchema"]["required"],
            json!(["name", "email", "bags", "side"])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn several_choices_are_asked_where_the_revision_has_them() {
    for version in ASKED {
        let client = client(version, json!({"meals": ["soup", "salad"]})).await;
        let outcome = client.call_tool("eat", json!({})).await;
        if version == ProtocolVersion::V2025_06_18 {
            assert!(outcome.error().contains("multiple choice"));
        } else {
            assert_eq!(outcome.text(), r#"{"meals":["soup","salad"]}"#);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_form_does_not_reach_the_handler() {
    let cases = [
        ("name", json!("A")),
        ("bags", json!(4)),
        ("bags", json!("2")),
        ("side", json!("middle")),
        ("email", Value::Null),
    ];
    for version in ASKED {
        for (field, wrong) in &cases {
            let mut answer = filled_in();
            answer[field] = wrong.clone();
            let client = client(version, answer).await;
            let said = match client.try_call_tool("book", json!({})).await {
                Ok(outcome) => outcome.error(),
                Err(error) => {
                    assert_eq!((version, error.code), (ProtocolVersion::LATEST, -32602));
                    error.message.to_string()
                }
            };
            assert!(
                said.contains("does not fit") && said.contains(field),
                "{said}"
            );
        }
    }
}
