//! The history: snapshots in an SQLite file. It is a cache that can be rebuilt, so no failure here is fatal.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, params};
use usdfc_core::Snapshot;

/// Where the snapshots are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File(String),
    /// Chosen, as in demo mode.
    Memory,
}

#[derive(Default)]
pub struct History {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// `None` until the file has been opened.
    connection: Option<Connection>,
    /// Why the chosen file is not in use.
    fallback: Option<String>,
    last_error: Option<String>,
    last_write: Option<u64>,
}

/// What a health check says about the history.
pub struct Checkup {
    pub opened: bool,
    pub fallback: Option<String>,
    pub error: Option<String>,
    pub last_write: Option<u64>,
    pub snapshots: Option<u64>,
    pub latency: Duration,
}

impl History {
    /// Opens the file, or memory in its place, and returns the newest snapshot in it.
    pub fn open(&self, place: &Place) -> Option<Snapshot> {
        let (connection, fallback) = match place {
            Place::Memory => (open_memory(), None),
            Place::File(path) => match open_file(Path::new(path)) {
                Ok(connection) => (Ok(connection), None),
                Err(reason) => (open_memory(), Some(reason)),
            },
        };
        let mut inner = self.lock();
        inner.fallback = fallback;
        match connection {
            Ok(connection) => {
                let newest = newest(&connection);
                inner.connection = Some(connection);
                newest
            }
            Err(error) => {
                inner.last_error = Some(error.to_string());
                None
            }
        }
    }

    /// Adds a snapshot and drops those that are older than the retention.
    pub fn record(&self, snapshot: &Snapshot, retention: Duration) {
        let Some(as_of) = snapshot.as_of else { return };
        let mut inner = self.lock();
        let Some(connection) = &inner.connection else {
            return;
        };
        match write(connection, as_of, snapshot, retention) {
            Ok(()) => {
                inner.last_write = Some(as_of);
                inner.last_error = None;
            }
            Err(reason) => {
                if inner.last_error.is_none() {
                    eprintln!("warning: the history cannot be written: {reason}");
                }
                inner.last_error = Some(reason);
            }
        }
    }

    /// Why the snapshots are in memory although a file was asked for.
    pub fn fallback(&self) -> Option<String> {
        self.lock().fallback.clone()
    }

    pub fn check(&self) -> Checkup {
        let started = Instant::now();
        let inner = self.lock();
        let counted = inner
            .connection
            .as_ref()
            .map(|connection| connection.query_row("SELECT count(*) FROM snapshot", [], |row| row.get(0)));
        let (snapshots, error) = match counted {
            None => (None, inner.last_error.clone()),
            Some(Ok(count)) => (Some(count), inner.last_error.clone()),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        Checkup {
            opened: inner.connection.is_some(),
            fallback: inner.fallback.clone(),
            error,
            last_write: inner.last_write,
            snapshots,
            latency: started.elapsed(),
        }
    }

    /// A panic while the lock was held left nothing half-done: SQLite's writes are transactions.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_file(path: &Path) -> Result<Connection, String> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make its folder: {error}"))?;
    }
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    prepare(&connection).map_err(|error| error.to_string())?;
    Ok(connection)
}

fn open_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS snapshot (as_of INTEGER PRIMARY KEY, body TEXT NOT NULL);
         -- Finds out now whether the file can be written at all.
         PRAGMA user_version = 1;",
    )
}

fn write(
    connection: &Connection,
    as_of: u64,
    snapshot: &Snapshot,
    retention: Duration,
) -> Result<(), String> {
    let body = serde_json::to_string(snapshot).map_err(|error| error.to_string())?;
    let oldest = as_of.saturating_sub(retention.as_secs());
    connection
        .execute("INSERT OR REPLACE INTO snapshot (as_of, body) VALUES (?1, ?2)", params![as_of, body])
        .and_then(|_| connection.execute("DELETE FROM snapshot WHERE as_of < ?1", [oldest]))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// A snapshot that another version wrote and this one cannot read counts as none.
fn newest(connection: &Connection) -> Option<Snapshot> {
    let body: Option<String> = connection
        .query_row("SELECT body FROM snapshot ORDER BY as_of DESC LIMIT 1", [], |row| row.get(0))
        .optional()
        .ok()?;
    serde_json::from_str(&body?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use usdfc_core::metrics::demo;

    const WEEK: Duration = Duration::from_secs(604_800);

    #[test]
    fn the_newest_snapshot_survives_a_restart() {
        let folder = std::env::temp_dir().join(format!("usdfc-history-{}", std::process::id()));
        let place = Place::File(folder.join("deep/analytics.db").display().to_string());
        let first = History::default();
        assert_eq!(first.open(&place), None);
        first.record(&demo(1), WEEK);
        first.record(&demo(2), WEEK);
        drop(first);
        let second = History::default();
        assert_eq!(second.open(&place), Some(demo(2)));
        assert_eq!(second.check().snapshots, Some(2));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_unusable_file_is_replaced_by_memory() {
        // A folder cannot be opened as a file, not even by root.
        let history = History::default();
        history.open(&Place::File(std::env::temp_dir().display().to_string()));
        assert!(history.fallback().is_some());
        history.record(&demo(1), WEEK);
        assert_eq!(history.check().snapshots, Some(1));
    }

    #[test]
    fn old_snapshots_are_dropped() {
        let history = History::default();
        history.open(&Place::Memory);
        history.record(&demo(1), WEEK);
        history.record(&demo(4), Duration::from_secs(60));
        assert_eq!(history.check().snapshots, Some(1));
    }
}
