//! Questions about many intervals at once: how many contain a span, how many touch it, and whether one with a small id
//! contains it.
//!
//! Guards the checker's time: each is answered for all spans together, in the order of a sort.

use super::span::Span;
use crate::history::Micros;

/// From a moment to a later one. It contains a span that begins after `from` and ends before `to`.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub from: Micros,
    pub to: Micros,
}

/// A Fenwick tree.
struct Tree<T> {
    nodes: Vec<T>,
    join: fn(T, T) -> T,
}

impl<T: Copy + Default> Tree<T> {
    fn new(size: usize, join: fn(T, T) -> T) -> Self {
        Tree {
            nodes: vec![T::default(); size + 1],
            join,
        }
    }

    fn add(&mut self, at: usize, value: T) {
        let mut node = at + 1;
        while node < self.nodes.len() {
            self.nodes[node] = (self.join)(self.nodes[node], value);
            node += node & node.wrapping_neg();
        }
    }

    /// Of all before `end`.
    fn before(&self, end: usize) -> T {
        let (mut node, mut sum) = (end, T::default());
        while node > 0 {
            sum = (self.join)(sum, self.nodes[node]);
            node -= node & node.wrapping_neg();
        }
        sum
    }
}

fn by_begin(spans: &[Span]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|at| spans[*at].lo);
    order
}

/// For each span, how many intervals contain it.
pub fn containing(intervals: &[Interval], spans: &[Span]) -> Vec<u64> {
    let mut ends: Vec<Micros> = intervals.iter().map(|interval| interval.to).collect();
    ends.sort_unstable();
    let mut intervals = intervals.to_vec();
    intervals.sort_by_key(|interval| interval.from);
    let mut tree: Tree<u64> = Tree::new(ends.len(), |a, b| a + b);
    let mut counts = vec![0; spans.len()];
    let mut begun = 0;
    for at in by_begin(spans) {
        while begun < intervals.len() && intervals[begun].from < spans[at].lo {
            tree.add(ends.partition_point(|end| *end < intervals[begun].to), 1);
            begun += 1;
        }
        let over = tree.before(ends.partition_point(|end| *end <= spans[at].hi));
        counts[at] = begun as u64 - over;
    }
    counts
}

/// For each span, how many intervals have a moment in common with it.
pub fn touching(intervals: &[Interval], spans: &[Span]) -> Vec<u64> {
    let mut begins: Vec<Micros> = intervals.iter().map(|interval| interval.from).collect();
    let mut ends: Vec<Micros> = intervals.iter().map(|interval| interval.to).collect();
    begins.sort_unstable();
    ends.sort_unstable();
    let count = |span: &Span| {
        let begun = begins.partition_point(|begin| *begin <= span.hi);
        let over = ends.partition_point(|end| *end < span.lo);
        begun as u64 - over as u64
    };
    spans.iter().map(count).collect()
}

/// For each span and rank, the name of an interval of a lower rank that contains it. Intervals are given with their
/// ranks, 0 to `ranks` - 1, and their names.
pub fn lower_containing(
    intervals: &[(Interval, usize, usize)],
    ranks: usize,
    questions: &[(Span, usize)],
) -> Vec<Option<usize>> {
    let mut intervals = intervals.to_vec();
    intervals.sort_by_key(|(interval, _, _)| interval.from);
    let spans: Vec<Span> = questions.iter().map(|question| question.0).collect();
    let mut tree: Tree<(Micros, usize)> = Tree::new(ranks, Ord::max);
    let mut answers = vec![None; spans.len()];
    let mut begun = 0;
    for at in by_begin(&spans) {
        while begun < intervals.len() && intervals[begun].0.from < spans[at].lo {
            let (interval, rank, name) = intervals[begun];
            tree.add(rank, (interval.to, name));
            begun += 1;
        }
        let (to, name) = tree.before(questions[at].1);
        answers[at] = (to > spans[at].hi).then_some(name);
    }
    answers
}
