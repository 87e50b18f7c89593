//! How long to wait before asking again: short at first, then longer, up to a limit.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(300);
/// The pause around the moment at which the end is expected.
const NEAR: Duration = Duration::from_secs(1);

/// Growing pauses, each half as long again as the one before.
///
/// What this costs of Railway's limits (source: docs.railway.com, "Public API", 1 000 requests an hour on the Hobby
/// plan): with pauses of up to 5 s, the first 13 s take 7 requests and each further minute 12, so a deployment that
/// takes all of the default limit of 15 minutes costs about 190.
pub struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub fn up_to(longest: Duration) -> Pauses {
        Pauses { next: FIRST, longest }
    }

    pub fn next_pause(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause * 3 / 2;
        pause
    }

    /// The same, and the shorter the nearer the moment is at which the end is expected, before it and after it: whoever
    /// asks often then and seldom before knows early, and has not asked more often in all.
    pub fn next_pause_at(&mut self, elapsed: Duration, expected: Option<Duration>) -> Duration {
        let pause = self.next_pause();
        expected.map_or(pause, |expected| pause.min((elapsed.abs_diff(expected) / 3).max(NEAR)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_of_fifteen_minutes_stays_far_below_the_limit() {
        let mut pauses = Pauses::up_to(Duration::from_secs(5));
        let (mut waited, mut requests, mut early) = (Duration::ZERO, 1, 0);
        while waited < Duration::from_secs(900) {
            waited += pauses.next_pause();
            requests += 1;
            early += u32::from(waited < Duration::from_secs(13));
        }
        assert_eq!((early, requests), (7, 187));
    }

    /// The requests until a deployment is seen to have ended, and how long after its end that is.
    fn followed(ended: Duration, expected: Option<Duration>) -> (u32, Duration) {
        let mut pauses = Pauses::up_to(Duration::from_secs(5));
        let (mut elapsed, mut requests) = (Duration::ZERO, 1);
        while elapsed < ended {
            elapsed += pauses.next_pause_at(elapsed, expected);
            requests += 1;
        }
        (requests, elapsed - ended)
    }

    #[test]
    fn an_end_that_is_expected_is_seen_early_and_costs_little() {
        let seconds = |tenths: u64| Duration::from_millis(tenths * 100);
        let expected = Some(seconds(600));
        // A tenth earlier or later than the last time.
        for tenths in 540..=660 {
            let (requests, late) = followed(seconds(tenths), expected);
            assert!(requests <= 28 && late <= seconds(20), "{tenths}: {requests}, {late:?}");
        }
        for tenths in 580..=620 {
            assert!(followed(seconds(tenths), expected).1 <= seconds(10), "{tenths}");
        }
        // One that takes much longer is followed as if nothing had been expected.
        let (requests, late) = followed(seconds(9000), expected);
        assert!(requests <= 200 && late <= seconds(50), "{requests}, {late:?}");
        // Nor does one cost more that was expected at once.
        assert!(followed(seconds(600), Some(Duration::ZERO)).0 <= 30);
    }
}
