//! The critical path: what the end of a build waited for, and what that waited for, back to the beginning.

use super::merge::{Placed, rounded};
use super::{end, name, step_end};
use crate::record::bench::timeline::{PathEntry, TimedStep};

/// What seems to have ended so many seconds after another began may still have been waited for: cargo rounds.
const SLACK: f64 = 0.1;
/// The same within one run of cargo, which has one clock: two times that are rounded.
const ROUNDING: f64 = 0.015;

/// A unit or a step, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Unit(usize),
    Step(usize),
}

/// By start. Cargo tells which unit let another one begin. Between the two there may be a time in which it could have
/// begun, but all jobs were taken. One that waited for nothing but a job follows on from what ended just before it. One
/// that began with its half waited for what ended last before that half; a step, for what ended last before it.
pub fn critical_path(units: &[Placed], offsets: &[f64], steps: &[TimedStep]) -> Vec<PathEntry> {
    let build = Build { units, offsets, steps };
    let mut path = Vec::new();
    let mut next = build.last(|_, _| true).map(|node| (node, build.end(node)));
    while let Some((node, until)) = next {
        let start = build.start(node);
        path.push(PathEntry {
            what: build.name(node),
            start: rounded(start),
            seconds: rounded((until - start).max(0.0)),
        });
        // Each one began before; equal starts are in order. So this comes to an end.
        let is_before = |other: Node| (build.start(other), other) < (start, node);
        next = build.waited_for(node).filter(|(other, _)| is_before(*other));
    }
    path.reverse();
    path
}

struct Build<'a> {
    units: &'a [Placed],
    /// When each half began.
    offsets: &'a [f64],
    steps: &'a [TimedStep],
}

impl Build<'_> {
    /// What a unit or step waited for, and until when.
    fn waited_for(&self, node: Node) -> Option<(Node, f64)> {
        let (since, half) = match node {
            Node::Unit(unit) => match &self.units[unit].waited_for {
                Some(other) => return Some((Node::Unit(other.unit), other.until)),
                None => match self.gave_its_job(unit) {
                    Some(other) => return Some((other, self.end(other))),
                    None => (*self.offsets.get(self.units[unit].half)?, Some(self.units[unit].half)),
                },
            },
            Node::Step(step) => (self.steps[step].start, None),
        };
        let ended_before = |other: Node, end: f64| {
            let is_of_half = matches!(other, Node::Unit(unit) if Some(self.units[unit].half) == half);
            other != node && !is_of_half && end <= since + SLACK
        };
        self.last(ended_before).map(|other| (other, self.end(other)))
    }

    /// The unit of the same half whose end was the beginning of this one.
    fn gave_its_job(&self, unit: usize) -> Option<Node> {
        let (start, half) = (self.units[unit].unit.start, self.units[unit].half);
        let ended = |other: &usize| start + ROUNDING - end(&self.units[*other].unit);
        let others = (0..unit).filter(|other| self.units[*other].half == half);
        let just_before = others.filter(|other| (0.0..SLACK).contains(&ended(other)));
        just_before.min_by(|a, b| ended(a).total_cmp(&ended(b))).map(Node::Unit)
    }

    /// The last unit of a half, or the step, that ended last of those that are wanted. A half is waited for as a whole.
    fn last(&self, is_wanted: impl Fn(Node, f64) -> bool) -> Option<Node> {
        let by_end = |a: &Node, b: &Node| self.end(*a).total_cmp(&self.end(*b));
        let of_half = |half: usize| {
            let units = (0..self.units.len()).filter(move |unit| self.units[*unit].half == half);
            units.map(Node::Unit).max_by(by_end)
        };
        let halves = (0..self.offsets.len()).filter_map(of_half);
        let all = halves.chain((0..self.steps.len()).map(Node::Step));
        all.filter(|node| is_wanted(*node, self.end(*node))).max_by(by_end)
    }

    fn start(&self, node: Node) -> f64 {
        match node {
            Node::Unit(unit) => self.units[unit].unit.start,
            Node::Step(step) => self.steps[step].start,
        }
    }

    fn end(&self, node: Node) -> f64 {
        match node {
            Node::Unit(unit) => end(&self.units[unit].unit),
            Node::Step(step) => step_end(&self.steps[step]),
        }
    }

    fn name(&self, node: Node) -> String {
        match node {
            Node::Unit(unit) => name(&self.units[unit].unit),
            Node::Step(step) => self.steps[step].name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_tests::{both_halves, half, library, step};
    use super::*;
    use crate::bench::timings::merge::place;

    fn told(halves: &[super::super::Half], steps: &[TimedStep]) -> Vec<(String, f64, f64)> {
        let offsets: Vec<f64> = halves.iter().map(|half| half.offset).collect();
        let path = critical_path(&place(halves, &[]).unwrap(), &offsets, steps);
        path.into_iter().map(|entry| (entry.what, entry.start, entry.seconds)).collect()
    }

    fn entries(entries: &[(&str, f64, f64)]) -> Vec<(String, f64, f64)> {
        entries.iter().map(|(what, start, seconds)| ((*what).to_owned(), *start, *seconds)).collect()
    }

    const FRONT: [(&str, f64, f64); 3] =
        [("core (lib, front)", 0.5, 0.5), ("ui (lib, front)", 1.0, 2.5), ("front (cdylib, front)", 3.5, 2.0)];

    #[test]
    fn the_end_of_the_server() {
        let steps = [step("wasm-bindgen", 5.6, 1.0), step("wasm-opt", 6.6, 5.0), step("site", 11.6, 0.5)];
        let server = [
            // It let the next one begin with its metadata; that one waited for a job besides.
            ("core (lib, server)", 9.0, 0.5),
            ("ui (lib, server)", 10.1, 2.5),
            ("server (bin, server)", 12.6, 3.0),
        ];
        assert_eq!(told(&both_halves(), &steps), entries(&[&FRONT[..], &server].concat()));
    }

    #[test]
    fn the_end_of_the_site() {
        let steps = [step("wasm-bindgen", 5.6, 1.0), step("wasm-opt", 6.6, 15.0), step("site", 21.6, 0.5)];
        let site = [("wasm-bindgen", 5.6, 1.0), ("wasm-opt", 6.6, 15.0), ("site", 21.6, 0.5)];
        assert_eq!(told(&both_halves(), &steps), entries(&[&FRONT[..], &site].concat()));
    }

    #[test]
    fn a_half_with_nothing_to_compile_is_not_on_it() {
        let server = half("server", 6.0, &[library(1, "ui", 0.5, 1.0)], &[("ui", "lib", None)]);
        let halves = [half("front", 0.5, &[], &[]), server];
        let steps = [step("wasm-bindgen", 5.6, 0.0), step("site", 5.6, 0.0)];
        let expected = [("wasm-bindgen", 5.6, 0.0), ("site", 5.6, 0.0), ("ui (lib, server)", 6.5, 1.0)];
        assert_eq!(told(&halves, &steps), entries(&expected));
        assert_eq!(told(&[], &[]), []);
    }

    #[test]
    fn a_unit_may_wait_for_nothing_but_a_job() {
        let units = [
            library(1, "first", 0.1, 1.0),
            library(2, "second", 0.1, 1.6),
            library(3, "third", 1.12, 2.0).unblocks(&[4]),
            library(4, "fourth", 3.5, 1.0),
        ];
        let compiled = ["first", "second", "third", "fourth"].map(|package| (package, "lib", None));
        let expected = [
            ("first (lib, front)", 0.1, 1.0),
            ("third (lib, front)", 1.12, 2.0),
            ("fourth (lib, front)", 3.5, 1.0),
        ];
        assert_eq!(told(&[half("front", 0.0, &units, &compiled)], &[]), entries(&expected));
    }

    #[test]
    fn halves_at_the_same_time_do_not_wait_for_each_other() {
        let front = half("front", 0.0, &[library(1, "ui", 0.5, 1.0)], &[("ui", "lib", None)]);
        let server = half("server", 0.0, &[library(1, "ui", 0.5, 3.0)], &[("ui", "lib", None)]);
        assert_eq!(told(&[front, server], &[]), entries(&[("ui (lib, server)", 0.5, 3.0)]));
    }
}
