//! Which alerts the webhook has been told of, so that nothing is told twice. Pure; the file is read and written
//! elsewhere.
//!
//! A state is known by what it is about and by when it began. The beginning may come out a little otherwise at another
//! look, because the history that is looked at moves on: so a state is the same one where it began before the last look
//! at which it was so.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::time;
use crate::record::monitor::Alert;

const SCHEMA: &str = "xtask.told/1";

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    schema: String,
    /// By [`Alert::key`].
    alerts: BTreeMap<String, Once>,
}

/// One state that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Once {
    /// When; RFC 3339, UTC.
    told: String,
    /// The last look at which it was so; RFC 3339, UTC.
    seen: String,
}

impl Default for Told {
    fn default() -> Told {
        Told { schema: SCHEMA.to_owned(), alerts: BTreeMap::new() }
    }
}

impl Told {
    /// What is in the file; nothing where it is of another version or cannot be read: to tell something twice is better
    /// than never.
    pub fn parse(text: &str) -> Told {
        serde_json::from_str(text).ok().filter(|told: &Told| told.schema == SCHEMA).unwrap_or_default()
    }

    /// Notes in the alerts when they were told.
    pub fn mark(&self, alerts: &mut [Alert]) {
        for alert in alerts {
            let is_same = |once: &&Once| match (
                alert.began.as_deref().and_then(time::parse),
                time::parse(&once.seen),
            ) {
                (Some(began), Some(seen)) => began <= seen,
                _ => true,
            };
            alert.told = self.alerts.get(&alert.key).filter(is_same).map(|once| once.told.clone());
        }
    }

    /// What to keep after this look: `alerts` are the case, and those of `told_now` have just been told.
    pub fn after(&self, alerts: &[Alert], told_now: &[Alert], now: DateTime<Utc>) -> Told {
        let now = time::format(now);
        let mut next = self.clone();
        for alert in alerts {
            let is_told = told_now.iter().any(|told| told.key == alert.key);
            let told = alert.told.clone().or_else(|| is_told.then(|| now.clone()));
            match told {
                Some(told) => next.alerts.insert(alert.key.clone(), Once { told, seen: now.clone() }),
                None => next.alerts.remove(&alert.key),
            };
        }
        next
    }
}

/// What is still to be told. `begun_after` is for machines that cannot keep the file: what began before it, or nobody
/// knows when, is left out.
pub fn untold(alerts: &[Alert], begun_after: Option<DateTime<Utc>>) -> Vec<Alert> {
    let is_new = |alert: &&Alert| match begun_after {
        None => true,
        Some(after) => alert.began.as_deref().and_then(time::parse).is_some_and(|began| began >= after),
    };
    alerts.iter().filter(|alert| alert.told.is_none()).filter(is_new).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::monitor::AlertKind;

    fn alert(subject: &str, began: Option<&str>) -> Alert {
        Alert {
            kind: AlertKind::Slower,
            subject: subject.to_owned(),
            text: String::new(),
            began: began.map(|day| format!("2026-11-{day}T10:00:00Z")),
            key: format!("slower/{subject}"),
            before: 1.0,
            now: 2.0,
            url: None,
            told: None,
        }
    }

    fn at(day: u32) -> DateTime<Utc> {
        time::parse(&format!("2026-11-{day:02}T12:00:00Z")).unwrap()
    }

    /// One look: what is told now.
    fn look(told: &mut Told, mut alerts: Vec<Alert>, day: u32) -> Vec<String> {
        told.mark(&mut alerts);
        let new = untold(&alerts, None);
        *told = Told::parse(&serde_json::to_string(&told.after(&alerts, &new, at(day))).unwrap());
        new.into_iter().map(|alert| alert.subject).collect()
    }

    #[test]
    fn a_state_is_told_once() {
        let mut told = Told::default();
        assert_eq!(look(&mut told, vec![alert("a", Some("01"))], 2), ["a"]);
        assert_eq!(look(&mut told, vec![alert("a", Some("01")), alert("b", None)], 3), ["b"]);
        // The history has moved on, and the state seems to have begun later.
        assert_eq!(look(&mut told, vec![alert("a", Some("02")), alert("b", None)], 4), [""; 0]);
        // It stops for a look.
        assert_eq!(look(&mut told, vec![], 5), [""; 0]);
        assert_eq!(look(&mut told, vec![alert("a", Some("02"))], 6), [""; 0]);
        // It was over, and has begun again.
        assert_eq!(look(&mut told, vec![alert("a", Some("09"))], 9), ["a"]);
    }

    #[test]
    fn what_could_not_be_told_is_tried_again() {
        let alerts = [alert("a", Some("01"))];
        let told = Told::default().after(&alerts, &[], at(2));
        assert_eq!(told, Told::default());
        for text in ["", "half", "{\"schema\": \"xtask.told/9\", \"alerts\": {}}"] {
            assert_eq!(Told::parse(text), Told::default());
        }
    }

    #[test]
    fn machines_that_keep_nothing() {
        let alerts = [alert("old", Some("01")), alert("new", Some("20")), alert("unknown", None)];
        let new = untold(&alerts, Some(at(19)));
        assert_eq!(new.iter().map(|alert| alert.subject.as_str()).collect::<Vec<_>>(), ["new"]);
    }
}
