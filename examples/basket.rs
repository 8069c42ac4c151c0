//! A shop whose baskets are handles: names that the model carries from call to call.
//!
//! ```text
//! cargo run --example basket                  then use the URL that it prints
//! cargo run --example basket -- --stdio
//! ```
//!
//! Call `new_basket`, and give what it answers to `add_item`, `show_basket` and `check_out`. It
//! makes no difference whether the client has a session, opens one for every call, or has none at
//! all: the basket is found by its name.
//!
//! Over HTTP nobody is asked who they are here, so whoever knows the name of a basket may use it. A
//! server that authenticates its callers (`Server::builder(template).authenticate(..)`) gives each
//! their own, and to everybody else a basket of theirs answers like one that never was. Over stdio
//! the caller is the local user.

#![expect(clippy::print_stdout, reason = "a program with a command line")]

use std::{collections::BTreeMap, time::Duration};

use mcp_session::handle::HandleRules;
use mcp_session::store::Quota;
use mcp_session::{
    Context, Dep, Handle, HandleKind, Json, JsonSchema, Server, Template, ToolError, tool,
};
use mcp_session_examples::{Listen, Result, curl, serve};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What there is to buy, in cents.
struct Prices(BTreeMap<&'static str, u32>);

impl Prices {
    fn sample() -> Self {
        Self(BTreeMap::from([("milk", 139), ("sugar", 89), ("tea", 495)]))
    }

    fn of(&self, sku: &str) -> Result<u32, ToolError> {
        let price = self.0.get(sku).copied();
        price.ok_or_else(|| {
            let known: Vec<_> = self.0.keys().copied().collect();
            ToolError::new(format!(
                "there is no `{sku}`; there is {}",
                known.join(", ")
            ))
        })
    }
}

/// What a customer has chosen so far.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Basket {
    /// How many of what.
    items: BTreeMap<String, u32>,
    /// What it costs, in cents.
    total: u32,
    /// It is paid for, and nothing more goes in.
    paid: bool,
}

impl HandleKind for Basket {
    const NAME: &str = "basket";
    const PREFIX: &str = "bsk";
    const SOURCE: &str = "call `new_basket`";
}

/// Take a new, empty basket.
#[tool]
async fn new_basket(ctx: Context) -> Result<Handle<Basket>, ToolError> {
    Ok(ctx.handles().create(Basket::default()).await?)
}

/// Put something into a basket.
#[tool]
async fn add_item(
    /// The basket to put it into.
    basket: Handle<Basket>,
    /// What to buy, such as tea.
    sku: String,
    #[default = 1] count: u32,
    prices: Dep<Prices>,
) -> Result<Json<Basket>, ToolError> {
    let price = prices.of(&sku)?;
    // Two calls at once do not lose each other's items: then one of the changes is made again, on
    // what the other has left.
    basket
        .try_update(|basket| {
            if basket.paid {
                return Err(ToolError::new("this basket is paid for; take a new one"));
            }
            let too_many = || ToolError::new("that is more than we have");
            let cost = price.checked_mul(count).ok_or_else(too_many)?;
            basket.total = basket.total.checked_add(cost).ok_or_else(too_many)?;
            *basket.items.entry(sku.clone()).or_default() += count;
            Ok(())
        })
        .await?;
    Ok(Json(basket.get().await?))
}

/// Show what is in a basket.
#[tool(read_only)]
async fn show_basket(basket: Handle<Basket>) -> Result<Json<Basket>, ToolError> {
    Ok(Json(basket.get().await?))
}

/// Pay for what is in a basket.
#[tool]
async fn check_out(basket: Handle<Basket>) -> Result<String, ToolError> {
    let total = basket
        .try_update(|basket| match (basket.paid, basket.total) {
            (true, _) => Err(ToolError::new("this basket is paid for already")),
            (false, 0) => Err(ToolError::new("this basket is empty")),
            (false, total) => {
                basket.paid = true;
                Ok(total)
            }
        })
        .await?;
    Ok(format!("paid {}.{:02}", total / 100, total % 100))
}

fn template() -> mcp_session::Result<Template> {
    let rules = HandleRules::<Basket>::new()
        .ttl(Duration::from_secs(2 * 60 * 60))
        .quota(Quota::records(10).bytes(100_000))
        .list_tool("list_baskets")
        .close_tool("close_basket");
    Template::builder("basket", "1.0.0")
        .instructions("Take a basket first; every other tool wants its name.")
        .provide(Prices::sample())
        .tool(new_basket)
        .tool(add_item)
        .tool(show_basket)
        .tool(check_out)
        .handles(rules)
        .build()
}

#[tokio::main]
async fn main() -> Result {
    let listen = Listen::from_args()?;
    serve(Server::new(template()?), listen, |url| {
        println!("basket is served at {url}\n");
        println!(
            "To take a basket:\n{}\n",
            curl(url, "new_basket", &json!({}))
        );
        let tea = json!({"basket": "bsk_…", "sku": "tea", "count": 2});
        println!("To put tea into it:\n{}", curl(url, "add_item", &tea));
    })
    .await
}
