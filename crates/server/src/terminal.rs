//! The terminal itself: the current snapshot, and how it is renewed from the sources.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use usdfc_core::environment::Settings;
use usdfc_core::metrics::demo;
use usdfc_core::{Amount, Reading, Snapshot};
use usdfc_terminal::remote::Page;
use usdfc_terminal::ssr::Source;

use crate::history::{History, Place};
use crate::rpc::{Answers, Rpc};

/// However often visitors press the button, the chain is not asked more often than this.
const PAUSE_BETWEEN_ASKS: Duration = Duration::from_secs(5);

pub struct Terminal {
    pub settings: Settings,
    pub history: Arc<History>,
    started: Instant,
    /// `None` in demo mode.
    rpc: Option<Rpc>,
    current: RwLock<Snapshot>,
    chain: RwLock<ChainStatus>,
    /// Held while the sources are asked, so that many visitors cause one question.
    last_ask: tokio::sync::Mutex<Option<Instant>>,
}

/// How the chain answered the last time.
#[derive(Clone, Debug, Default)]
pub struct ChainStatus {
    pub asked: bool,
    pub latency: Duration,
    pub last_success: Option<u64>,
    pub error: Option<String>,
}

impl Terminal {
    pub fn new(settings: Settings, demo_mode: bool) -> Result<Self, String> {
        let rpc = if demo_mode { None } else { Some(Rpc::new(&settings)?) };
        let first = if demo_mode { demo(1) } else { Snapshot::default() };
        Ok(Self {
            settings,
            history: Arc::default(),
            started: Instant::now(),
            rpc,
            current: RwLock::new(first),
            chain: RwLock::default(),
            last_ask: tokio::sync::Mutex::default(),
        })
    }

    pub fn is_demo(&self) -> bool {
        self.rpc.is_none()
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn chain_status(&self) -> ChainStatus {
        self.chain.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if self.history.fallback().is_some() {
            snapshot.notices.push(
                "The history is kept in memory only and ends with this server: its file cannot be used."
                    .to_owned(),
            );
        }
        snapshot
    }

    /// Opens the history and then renews the snapshot for ever. It runs beside the server, which
    /// answers from the first moment on.
    pub async fn run(self: Arc<Self>) {
        self.open_history().await;
        if self.is_demo() {
            // Numbers of demo mode change only when somebody asks for it, so that tests can count.
            return;
        }
        loop {
            self.renew().await;
            tokio::time::sleep(self.settings.refresh_fast).await;
        }
    }

    async fn open_history(&self) {
        let place = if self.is_demo() && !self.settings.database_path_is_set {
            Place::Memory
        } else {
            Place::File(self.settings.database_path.clone())
        };
        let history = Arc::clone(&self.history);
        let opened = tokio::task::spawn_blocking(move || history.open(&place)).await;
        if let Some(reason) = self.history.fallback() {
            eprintln!(
                "warning: DATABASE_PATH={:?} cannot be used ({reason}); the history is kept in memory",
                self.settings.database_path
            );
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let (Ok(Some(last)), 0) = (opened, current.sequence) {
            // A demo file left behind must never be shown as what the chain says.
            if last.origin == current.origin {
                *current = Snapshot { sequence: 0, ..last.aged() };
            }
        }
    }

    async fn renew(&self) -> Snapshot {
        let mut last_ask = self.last_ask.lock().await;
        match &self.rpc {
            None => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = demo(current.sequence + 1);
            }
            Some(_) if last_ask.is_some_and(|last| last.elapsed() < PAUSE_BETWEEN_ASKS) => {
                return self.snapshot();
            }
            Some(rpc) => {
                let started = Instant::now();
                let answers = rpc.ask().await;
                self.note(&answers, started.elapsed());
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                let before = current.as_of;
                *current = merge(&current, answers, now());
                *last_ask = Some(Instant::now());
                if current.as_of == before {
                    // Nothing arrived: the history has the last values already, and they were fresh then.
                    drop(current);
                    return self.snapshot();
                }
            }
        }
        drop(last_ask);
        let snapshot = self.snapshot();
        let (history, retention) = (Arc::clone(&self.history), self.settings.history_retention);
        let recorded = snapshot.clone();
        // A failure is kept by the history and shown by the health check.
        let _ = tokio::task::spawn_blocking(move || history.record(&recorded, retention)).await;
        snapshot
    }

    fn note(&self, answers: &Answers, latency: Duration) {
        let error = answers.first_error();
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(reason), false) = (&error, chain.error.is_some()) {
            eprintln!("warning: the chain does not answer in full: {reason}");
        }
        *chain = ChainStatus {
            asked: true,
            latency,
            last_success: if error.is_none() { Some(now()) } else { chain.last_success },
            error,
        };
    }
}

impl Source for Terminal {
    fn page(&self) -> Page {
        Page {
            snapshot: self.snapshot(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: self.settings.revision.clone(),
        }
    }

    fn refresh(&self) -> Pin<Box<dyn Future<Output = Snapshot> + Send + '_>> {
        Box::pin(self.renew())
    }
}

impl Answers {
    fn amounts(&self) -> [&Result<Amount, String>; 5] {
        [&self.supply, &self.collateral, &self.price, &self.stability_pool, &self.stability_pool_collateral]
    }

    fn any_arrived(&self) -> bool {
        self.troves.is_ok() || self.amounts().into_iter().any(Result::is_ok)
    }

    fn first_error(&self) -> Option<String> {
        let troves = self.troves.as_ref().err();
        self.amounts().into_iter().find_map(|answer| answer.as_ref().err()).or(troves).cloned()
    }
}

/// New answers over old readings: what did not arrive keeps its last value, marked as stale.
fn merge(before: &Snapshot, answers: Answers, now: u64) -> Snapshot {
    fn reading<T: Copy>(before: Reading<T>, answer: Result<T, String>, now: u64) -> Reading<T> {
        answer.map_or_else(|_| before.aged(), |value| Reading::fresh(value, now))
    }
    let as_of = if answers.any_arrived() { Some(now) } else { before.as_of };
    Snapshot {
        sequence: before.sequence + 1,
        as_of,
        origin: before.origin,
        supply: reading(before.supply, answers.supply, now),
        collateral: reading(before.collateral, answers.collateral, now),
        price: reading(before.price, answers.price, now),
        troves: reading(before.troves, answers.troves, now),
        stability_pool: reading(before.stability_pool, answers.stability_pool, now),
        stability_pool_collateral: reading(
            before.stability_pool_collateral,
            answers.stability_pool_collateral,
            now,
        ),
        notices: Vec::new(),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use usdfc_core::Freshness;

    fn silence() -> Answers {
        let nothing = || Err("no answer".to_owned());
        Answers {
            supply: nothing(),
            collateral: nothing(),
            troves: Err("no answer".to_owned()),
            price: nothing(),
            stability_pool: nothing(),
            stability_pool_collateral: nothing(),
        }
    }

    #[test]
    fn a_silent_source_leaves_the_last_value_and_says_so() {
        let answers = Answers { supply: Ok(Amount::from_whole(5)), ..silence() };
        assert_eq!(answers.first_error().as_deref(), Some("no answer"));
        let before = demo(1);
        let after = merge(&before, answers, 99);
        assert_eq!((after.sequence, after.as_of), (2, Some(99)));
        assert_eq!(after.supply, Reading::fresh(Amount::from_whole(5), 99));
        assert_eq!(after.price.value, before.price.value);
        assert_eq!(after.price.freshness, Freshness::Stale);
        assert_eq!(after.freshness(), Freshness::Stale);
    }

    #[test]
    fn when_nothing_arrives_the_page_keeps_its_age() {
        let after = merge(&demo(1), silence(), 99);
        assert_eq!((after.sequence, after.as_of), (2, demo(1).as_of));
    }
}
