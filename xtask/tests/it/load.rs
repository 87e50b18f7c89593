//! Requests at a steady rate, each judged: which version answered, and whether it answered well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// As many as keep the rate while each answer takes up to 50 ms.
const CLIENTS: u32 = 16;
/// The longest that one answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Answers before a test goes on.
const SETTLED: u64 = 200;

/// Clients that ask one address again and again until they are stopped.
pub struct Load {
    clients: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    seen: Arc<Mutex<Seen>>,
    began: Instant,
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Good answers by the revision that gave them (header `x-revision`).
    pub by_revision: BTreeMap<String, u64>,
    /// Everything else, in words.
    pub failures: Vec<String>,
    pub elapsed: Duration,
}

impl Load {
    /// Asks `url` `rate` times a second from several clients with connections that are kept.
    pub fn start(url: &str, rate: u32) -> Load {
        let (stop, answered, seen) = (Arc::default(), Arc::default(), Arc::default());
        let clients = (0..CLIENTS).map(|number| {
            let (url, stop, answered, seen) =
                (url.to_owned(), Arc::clone(&stop), Arc::clone(&answered), Arc::clone(&seen));
            std::thread::spawn(move || client(&url, number, rate, &stop, &answered, &seen))
        });
        Load { clients: clients.collect(), began: Instant::now(), stop, answered, seen }
    }

    /// Waits until a few hundred answers have come.
    pub fn settle(&self) {
        let began = Instant::now();
        while self.answered.load(Ordering::Relaxed) < SETTLED {
            assert!(began.elapsed() < LIMIT, "the load never came up: {:?}", self.seen.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn stop(self) -> Seen {
        let elapsed = self.began.elapsed();
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        Seen { elapsed, ..self.seen.lock().unwrap().clone() }
    }
}

impl Seen {
    /// No request failed, each of these revisions answered and no other, and the rate was nearly what was asked for.
    pub fn assert_unbroken(&self, rate: u32, revisions: &[&str]) {
        let total: u64 = self.by_revision.values().sum();
        assert!(
            self.failures.is_empty(),
            "{} of {} failed: {:#?}",
            self.failures.len(),
            total + self.failures.len() as u64,
            &self.failures[..self.failures.len().min(5)]
        );
        let seen: Vec<&str> = self.by_revision.keys().map(String::as_str).collect();
        assert_eq!(seen, revisions, "{self:?}");
        let reached = total as f64 / self.elapsed.as_secs_f64();
        assert!(reached > f64::from(rate) * 0.6, "{reached:.0} requests a second: {self:?}");
    }
}

fn client(url: &str, number: u32, rate: u32, stop: &AtomicBool, answered: &AtomicU64, seen: &Mutex<Seen>) {
    let config = ureq::Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.proxy(None).build());
    let pause = Duration::from_secs(1) * CLIENTS / rate;
    // The clients take turns.
    let mut next = Instant::now() + pause * number / CLIENTS;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = (next + pause).max(Instant::now());
        let answer = ask(&agent, url);
        let mut seen = seen.lock().unwrap();
        match answer {
            Ok(revision) => *seen.by_revision.entry(revision).or_default() += 1,
            Err(failure) => seen.failures.push(failure),
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The revision that answered.
fn ask(agent: &ureq::Agent, url: &str) -> Result<String, String> {
    let mut answer = agent.get(url).call().map_err(|error| error.to_string())?;
    let body = answer.body_mut().read_to_string().map_err(|error| format!("the body: {error}"))?;
    if answer.status() != 200 || !body.contains("</html>") {
        return Err(format!("{}: {body}", answer.status()));
    }
    let revision = answer.headers().get("x-revision").and_then(|value| value.to_str().ok());
    revision.map(str::to_owned).ok_or_else(|| "no revision".to_owned())
}
