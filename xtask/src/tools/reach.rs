//! Which services behind the sources this machine reaches: asked all at once, quickly, and remembered.
//!
//! A service that does not answer at all is not tried: its own client would take minutes to find that out. Any answer
//! counts, and so does one that we cannot read: the client may know of certificates that we do not. Answers are kept in
//! the user-local folder under a digest of what was asked, so that another mirror or proxy is asked anew. Knows nothing
//! of tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::registries::{self, SERVICES};
use crate::exec::{Executor, Method, Request};
use crate::exit::Failure;

use super::explain::unless_interrupted;

/// How long a service may take to say anything.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer is believed, in seconds; silence is believed for a shorter time, because people mend networks.
const ANSWER_AGE_MAX: u64 = 60 * 60;
const SILENCE_AGE_MAX: u64 = 5 * 60;
/// The services that may be used, where the user says so: nothing is asked then.
const VARIABLE: &str = "XTASK_SOURCES";
const PROXIES: [&str; 6] =
    ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// What is known of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// A digest of the address and the proxies: what else would be asked is not known.
    asked: String,
    /// Seconds since 1970.
    at: u64,
    /// Why nothing can be fetched there; absent where it answers.
    silent: Option<String>,
}

/// What this process knows.
static KNOWN: Mutex<BTreeMap<String, Known>> = Mutex::new(BTreeMap::new());

/// Asks every service of which nothing is known yet.
pub fn ask(exec: &Executor, home: &Path) -> anyhow::Result<()> {
    if let Some(allowed) = std::env::var(VARIABLE).ok().filter(|value| !value.is_empty()) {
        known().extend(chosen(&allowed)?);
        return Ok(());
    }
    let now = now();
    let questions = SERVICES.map(|service| (service, registries::address(service)));
    let remembered = read(home);
    let mut open = Vec::new();
    for (service, address) in questions {
        let asked = digest(address.as_deref());
        if known().contains_key(service) {
            continue;
        }
        match remembered.get(service).filter(|entry| entry.asked == asked && is_fresh(entry, now)) {
            Some(entry) => drop(known().insert(service.to_owned(), entry.clone())),
            // What cannot be asked is tried.
            None => open.extend(address.map(|address| (service, address, asked))),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let answers = std::thread::scope(|scope| {
        let asking: Vec<_> = open
            .iter()
            .map(|(service, address, asked)| {
                scope.spawn(move || {
                    let silent = silence(exec, address)?;
                    anyhow::Ok(((*service).to_owned(), Known { asked: asked.clone(), at: now, silent }))
                })
            })
            .collect();
        asking.into_iter().filter_map(|thread| thread.join().ok()).collect::<anyhow::Result<Vec<_>>>()
    })?;
    known().extend(answers);
    remember(exec, home);
    Ok(())
}

/// Why a service is not worth trying.
pub fn refusal(service: &str) -> Option<String> {
    let known = known();
    Some(format!("{service} {}", known.get(service)?.silent.as_deref()?))
}

/// Notes that a service failed after all. Nothing that others remember of it is believed any more.
pub fn failed(exec: &Executor, home: &Path, service: &str) {
    let entry = Known { asked: String::new(), at: 0, silent: Some("was out of reach".to_owned()) };
    known().insert(service.to_owned(), entry);
    if std::env::var(VARIABLE).is_ok_and(|value| !value.is_empty()) {
        return;
    }
    let mut remembered = read(home);
    if remembered.remove(service).is_some() {
        write(exec, home, &remembered);
    }
}

/// Lets services be asked again that were silent: somebody says that now is the time.
pub fn forget_silence(exec: &Executor) -> anyhow::Result<()> {
    let home = super::home()?;
    let mut remembered = read(&home);
    let count = remembered.len();
    remembered.retain(|_, entry| entry.silent.is_none());
    if remembered.len() != count {
        write(exec, &home, &remembered);
    }
    Ok(())
}

/// The services that the user names, and none else. `all` and `none` are what they say.
fn chosen(allowed: &str) -> anyhow::Result<BTreeMap<String, Known>> {
    let names: Vec<&str> = allowed.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for name in &names {
        if !SERVICES.contains(name) && !["all", "none"].contains(name) {
            let message = format!("{VARIABLE} names `{name}`, which is no source of tools");
            let hint = format!("it is a list of {}, or `all`, or `none`", SERVICES.join(", "));
            return Err(Failure::usage(message).hint(hint).into());
        }
    }
    let entry = |service: &str| {
        let listed = names.contains(&service) || names.contains(&"all");
        let silent = (!listed).then(|| format!("is not in {VARIABLE}"));
        (service.to_owned(), Known { asked: String::new(), at: 0, silent })
    };
    Ok(SERVICES.into_iter().map(entry).collect())
}

/// Why nothing answers at an address; `None` where something does.
fn silence(exec: &Executor, address: &str) -> anyhow::Result<Option<String>> {
    match exec.send(&Request::new(Method::Head, address).timeout(PATIENCE).without_redirections()) {
        Ok(_) => Ok(None),
        Err(error) => {
            let error = unless_interrupted(error)?;
            let text = error.to_string();
            // Something is there, and its certificate displeases us alone.
            if text.contains("no trusted TLS connection") {
                return Ok(None);
            }
            // The message begins with the request, which may hold a password.
            let why = text.rsplit(": ").next().unwrap_or_default().to_owned();
            Ok(Some(format!("does not answer ({why})")))
        }
    }
}

fn is_fresh(entry: &Known, now: u64) -> bool {
    let limit = if entry.silent.is_some() { SILENCE_AGE_MAX } else { ANSWER_AGE_MAX };
    entry.at <= now && now - entry.at < limit
}

fn digest(address: Option<&str>) -> String {
    let proxies = PROXIES.map(|name| std::env::var(name).unwrap_or_default()).join("\n");
    let digest = Sha256::digest(format!("{}\n{proxies}", address.unwrap_or_default()));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn path(home: &Path) -> PathBuf {
    home.join("reachable.json")
}

fn read(home: &Path) -> BTreeMap<String, Known> {
    let text = std::fs::read_to_string(path(home)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn remember(exec: &Executor, home: &Path) {
    let mut remembered = read(home);
    remembered.extend(
        known().iter().filter(|(_, entry)| entry.at > 0).map(|(name, entry)| (name.clone(), entry.clone())),
    );
    write(exec, home, &remembered);
}

/// A memory that cannot be written is none, and nothing is lost by that.
fn write(exec: &Executor, home: &Path, remembered: &BTreeMap<String, Known>) {
    if let Ok(text) = serde_json::to_vec_pretty(remembered) {
        let _ = exec.write_file(&path(home), &text);
    }
}

fn known() -> MutexGuard<'static, BTreeMap<String, Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn only_the_named_services_are_used() {
        let silent = |allowed: &str| {
            let chosen = chosen(allowed).unwrap();
            let silent = chosen.into_iter().filter(|(_, entry)| entry.silent.is_some());
            silent.map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(silent("npm, pip"), ["apt", "crates", "rustup"]);
        assert!(silent("all").is_empty());
        assert_eq!(silent("none").len(), SERVICES.len());
        let error = chosen("npm,pypi").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(error.to_string().contains("`pypi`"), "{error}");
    }

    #[test]
    fn silence_is_forgotten_sooner_than_an_answer() {
        let entry = |silent: Option<&str>| Known {
            asked: String::new(),
            at: 1000,
            silent: silent.map(str::to_owned),
        };
        assert!(is_fresh(&entry(None), 1000 + ANSWER_AGE_MAX - 1));
        assert!(!is_fresh(&entry(None), 1000 + ANSWER_AGE_MAX));
        assert!(!is_fresh(&entry(Some("x")), 1000 + SILENCE_AGE_MAX));
        // A clock that was set back.
        assert!(!is_fresh(&entry(None), 999));
    }
}
