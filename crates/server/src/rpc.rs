//! The chain as a source: one `eth_call` per number over Ethereum JSON-RPC.

use std::time::Duration;

use serde_json::{Value, json};
use usdfc_core::Amount;
use usdfc_core::environment::Settings;
use usdfc_core::units::parse_word;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a whole call. It is shorter than any sensible pause between two refreshes.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A function without arguments, named by the first four bytes of its signature's hash.
type Selector = &'static str;
const TOTAL_SUPPLY: Selector = "0x18160ddd";
const ENTIRE_SYSTEM_COLLATERAL: Selector = "0x887105d3";
const TROVE_OWNERS_COUNT: Selector = "0x49eefeee";
const LAST_GOOD_PRICE: Selector = "0x0490be83";
const TOTAL_DEPOSITS: Selector = "0x0d9a6b35";
const POOL_COLLATERAL: Selector = "0x4a59ff51";

pub struct Rpc {
    client: reqwest::Client,
    url: String,
    token: String,
    trove_manager: String,
    price_feed: String,
    stability_pool: String,
}

/// One answer or the reason for its absence, per number.
pub struct Answers {
    pub supply: Result<Amount, String>,
    pub collateral: Result<Amount, String>,
    pub troves: Result<u64, String>,
    pub price: Result<Amount, String>,
    pub stability_pool: Result<Amount, String>,
    pub stability_pool_collateral: Result<Amount, String>,
}

impl Rpc {
    /// Builds the client, which then keeps its connections for the life of the server.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .build()
            .map_err(|error| format!("cannot set up the HTTP client: {error}"))?;
        let contracts = &settings.contracts;
        Ok(Self {
            client,
            url: settings.rpc_url.clone(),
            token: contracts.usdfc_token.clone(),
            trove_manager: contracts.trove_manager.clone(),
            price_feed: contracts.price_feed.clone(),
            stability_pool: contracts.stability_pool.clone(),
        })
    }

    pub async fn ask(&self) -> Answers {
        let amount = async |contract: &str, function: Selector| {
            self.call(contract, function).await.map(Amount::from_smallest)
        };
        let (supply, collateral, troves, price, stability_pool, stability_pool_collateral) = tokio::join!(
            amount(&self.token, TOTAL_SUPPLY),
            amount(&self.trove_manager, ENTIRE_SYSTEM_COLLATERAL),
            self.call(&self.trove_manager, TROVE_OWNERS_COUNT),
            amount(&self.price_feed, LAST_GOOD_PRICE),
            amount(&self.stability_pool, TOTAL_DEPOSITS),
            amount(&self.stability_pool, POOL_COLLATERAL),
        );
        let troves = troves.and_then(|count| {
            u64::try_from(count).map_err(|_| "the number of troves is out of range".to_owned())
        });
        Answers { supply, collateral, troves, price, stability_pool, stability_pool_collateral }
    }

    async fn call(&self, contract: &str, function: Selector) -> Result<u128, String> {
        let question = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "eth_call",
            "params": [{ "to": contract, "data": function }, "latest"],
        });
        let response = self.client.post(&self.url).json(&question).send().await;
        let response = response.and_then(reqwest::Response::error_for_status).map_err(describe)?;
        read_answer(&response.json().await.map_err(describe)?)
    }
}

/// What happened and why. The URL is left out: it may carry a key.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn read_answer(answer: &Value) -> Result<u128, String> {
    match (answer["result"].as_str(), answer["error"]["message"].as_str()) {
        (Some(word), _) => parse_word(word),
        (None, Some(message)) => Err(format!("the node refused the call: {message}")),
        (None, None) => Err("the answer has neither a result nor an error".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(read_answer(&json!({ "result": "0x0a" })), Ok(10));
        let refused = read_answer(&json!({ "error": { "code": 1, "message": "busy" } }));
        assert_eq!(refused.unwrap_err(), "the node refused the call: busy");
        for odd in [json!({}), json!([]), json!({ "result": null }), json!("busy")] {
            assert!(read_answer(&odd).is_err(), "{odd}");
        }
    }
}
