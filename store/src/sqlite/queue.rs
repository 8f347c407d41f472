//! A bounded queue between async callers and the engine's threads.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// Many callers push without ever waiting; one or more threads pop. Bounded by number and by weight (bytes).
#[derive(Debug)]
pub(super) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    arrived: Condvar,
    depth: AtomicUsize,
    max_items: usize,
    max_weight: usize,
}

#[derive(Debug)]
struct Inner<T> {
    items: VecDeque<(usize, T)>,
    weight: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(max_items: usize, max_weight: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), weight: 0, closed: false };
        Self { inner: Mutex::new(inner), arrived: Condvar::new(), depth: AtomicUsize::new(0), max_items, max_weight }
    }

    /// Adds an item at once or not at all.
    pub fn push(&self, weight: usize, item: T) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(Refusal::Closed);
        }
        if inner.items.len() >= self.max_items || inner.weight.saturating_add(weight) > self.max_weight {
            return Err(Refusal::Full);
        }
        inner.weight += weight;
        inner.items.push_back((weight, item));
        self.depth.store(inner.items.len(), Ordering::Relaxed);
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for an item. `None`: the queue is closed and everything in it was taken.
    pub fn pop(&self) -> Option<T> {
        let mut one = Vec::with_capacity(1);
        self.wait_and_take(&mut one, 1, None).then(|| one.pop()).flatten()
    }

    /// Waits for items and appends up to `max` of them to `batch`; none, when `patience` has passed. False: closed and empty.
    pub fn wait_and_take(&self, batch: &mut Vec<T>, max: usize, patience: Option<Duration>) -> bool {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut inner = self.inner.lock();
        while inner.items.is_empty() {
            if inner.closed {
                return false;
            }
            match until {
                None => self.arrived.wait(&mut inner),
                Some(until) if self.arrived.wait_until(&mut inner, until).timed_out() => break,
                Some(_) => {}
            }
        }
        self.take_from(&mut inner, batch, max);
        true
    }

    /// Appends what waits right now, up to `max` items, and says how many.
    pub fn take(&self, batch: &mut Vec<T>, max: usize) -> usize {
        self.take_from(&mut self.inner.lock(), batch, max)
    }

    fn take_from(&self, inner: &mut Inner<T>, batch: &mut Vec<T>, max: usize) -> usize {
        let count = max.min(inner.items.len());
        for (weight, item) in inner.items.drain(..count) {
            inner.weight -= weight;
            batch.push(item);
        }
        self.depth.store(inner.items.len(), Ordering::Relaxed);
        count
    }

    /// Takes nothing more; what is in the queue is still served.
    pub fn close(&self) {
        self.inner.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Closes the queue and drops what is in it: the thread that served it is gone.
    pub fn abandon(&self) {
        self.close();
        let dropped = {
            let mut inner = self.inner.lock();
            inner.weight = 0;
            std::mem::take(&mut inner.items)
        };
        self.depth.store(0, Ordering::Relaxed);
        drop(dropped);
    }

    pub fn is_closed(&self) -> bool {
        self.inner.lock().closed
    }

    /// Items waiting.
    pub fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_at_once_by_number_and_by_weight() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push(4, 'a'), Ok(()));
        assert_eq!(queue.push(7, 'b'), Err(Refusal::Full));
        assert_eq!(queue.push(6, 'b'), Ok(()));
        assert_eq!(queue.push(0, 'c'), Err(Refusal::Full));
        assert_eq!(queue.depth(), 2);
        assert_eq!(queue.pop(), Some('a'));
        assert_eq!(queue.push(4, 'c'), Ok(()));
    }

    #[test]
    fn who_waits_with_an_end_is_told_when_nothing_came() {
        let queue: Queue<u8> = Queue::new(1, 1);
        let mut batch = Vec::new();
        assert!(queue.wait_and_take(&mut batch, 1, Some(Duration::ZERO)));
        assert!(batch.is_empty());
        queue.push(1, 7).expect("room");
        assert!(queue.wait_and_take(&mut batch, 1, Some(Duration::ZERO)));
        assert_eq!(batch, [7]);
    }

    #[test]
    fn a_closed_queue_serves_what_it_holds_and_takes_nothing_more() {
        let queue = Queue::new(10, 10);
        queue.push(1, 1).expect("room");
        queue.push(1, 2).expect("room");
        queue.close();
        assert_eq!(queue.push(1, 3), Err(Refusal::Closed));
        let mut batch = Vec::new();
        assert!(queue.wait_and_take(&mut batch, 10, None));
        assert_eq!(batch, [1, 2]);
        assert!(!queue.wait_and_take(&mut batch, 10, Some(Duration::from_secs(3600))));
        assert_eq!(queue.pop(), None);
    }
}
