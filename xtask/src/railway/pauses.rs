//! How long to wait before asking again: short at first, then longer, up to a limit.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(300);

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
}
