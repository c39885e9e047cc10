//! The best of many: a bounded heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Keeps the `max` greatest of what it is given.
#[derive(Debug)]
pub(super) struct Best<T> {
    heap: BinaryHeap<Reverse<T>>,
    max: usize,
}

impl<T: Ord> Best<T> {
    pub(super) fn of(max: usize) -> Self {
        Self { heap: BinaryHeap::new(), max }
    }

    pub(super) fn add(&mut self, items: impl IntoIterator<Item = T>) {
        for item in items {
            if self.heap.len() < self.max {
                self.heap.push(Reverse(item));
            } else if self.heap.peek().is_some_and(|least| least.0 < item) {
                self.heap.pop();
                self.heap.push(Reverse(item));
            }
        }
    }

    /// The greatest first.
    pub(super) fn sorted(self) -> Vec<T> {
        self.heap.into_sorted_vec().into_iter().map(|item| item.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_stay_in_order() {
        let mut best = Best::of(3);
        best.add([4, 1, 9]);
        best.add([2, 9, 7]);
        assert_eq!(best.sorted(), [9, 9, 7]);
        assert!(Best::<i64>::of(3).sorted().is_empty());
        let mut none = Best::of(0);
        none.add([1, 2]);
        assert!(none.sorted().is_empty());
    }
}
