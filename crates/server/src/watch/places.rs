//! A list whose members keep their place. Joining and leaving is O(1), and a walk over the list may
//! release the lock between chunks without missing a member that stays.

/// `Places` is a list whose members keep their place.
pub(super) struct Places<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T: Clone> Places<T> {
    /// Adds a member and returns its place.
    pub fn insert(&mut self, item: T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.items[place as usize] = Some(item);
            return place;
        }
        self.items.push(Some(item));
        (self.items.len() - 1) as u32
    }

    /// Removes the member at this place.
    pub fn remove(&mut self, place: u32) {
        let taken = self.items[place as usize].take();
        debug_assert!(taken.is_some(), "a place is left once");
        self.free.push(place);
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
        for (place, item) in self.items.iter().enumerate().skip(from) {
            if chunk.len() == most {
                return Some(place);
            }
            chunk.extend(item.clone());
        }
        None
    }
}
