//! Several things at the same time, for whoever waits for a registry or a compressor. Knows nothing of what is done.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How many requests to one registry are under way at the same time. Browsers open six connections to one host, and no
/// registry calls that an attack.
pub const CONNECTIONS: usize = 6;

/// Does the work for each item, for at most `limit` of them at once, and hands back what came of them in their order.
/// After a failure nothing new is begun; the first of the failures, in the order of the items, is the result.
pub fn each<I: Sync, T: Send>(
    limit: usize,
    items: &[I],
    work: impl Fn(&I) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut done = Vec::new();
        while !has_failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((index, result));
        }
        done
    };
    let mut done: Vec<(usize, anyhow::Result<T>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..limit.min(items.len()).max(1)).map(|_| scope.spawn(worker)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let under_way = Mutex::new((0, 0));
        let doubled = each(3, &[1, 2, 3, 4, 5, 6, 7, 8], |number| {
            let change = |by: i32| {
                let mut seen = under_way.lock().unwrap();
                seen.0 += by;
                seen.1 = seen.0.max(seen.1);
            };
            change(1);
            thread::sleep(Duration::from_millis(20 - number));
            change(-1);
            Ok(number * 2)
        });
        assert_eq!(doubled.unwrap(), [2, 4, 6, 8, 10, 12, 14, 16]);
        assert!((2..=3).contains(&under_way.lock().unwrap().1), "at most three at once");
        assert!(each(3, &[], |(): &()| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let begun = Mutex::new(Vec::new());
        let result: anyhow::Result<Vec<()>> = each(1, &[1, 2, 3], |number| {
            begun.lock().unwrap().push(*number);
            anyhow::ensure!(*number != 2, "number {number}");
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "number 2");
        assert_eq!(*begun.lock().unwrap(), [1, 2]);
    }
}
