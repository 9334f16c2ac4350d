//! A list whose members keep their place. Joining and leaving is O(1), and a walk over the list may
//! release the lock between chunks without missing a member that stays.

/// `Slots` is a list whose members keep their place.
pub(super) struct Slots<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T: Clone> Slots<T> {
    /// Adds a member and returns its place.
    pub fn insert(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.items[slot as usize] = Some(item);
            return slot;
        }
        self.items.push(Some(item));
        (self.items.len() - 1) as u32
    }

    /// Removes the member at this place.
    pub fn remove(&mut self, slot: u32) {
        let taken = self.items[slot as usize].take();
        debug_assert!(taken.is_some(), "a place is left once");
        self.free.push(slot);
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts members from place `from` on into `chunk` until it holds `most`. Returns where to go
    /// on, or `None` at the end.
    pub fn chunk(&self, from: usize, most: usize, chunk: &mut Vec<T>) -> Option<usize> {
        chunk.clear();
        for (slot, item) in self.items.iter().enumerate().skip(from) {
            if chunk.len() == most {
                return Some(slot);
            }
            chunk.extend(item.clone());
        }
        None
    }
}
