//! A list whose members keep their place. Joining and leaving is O(1), and a walk over the list may
//! release the lock between chunks without missing a member that stays.

use slab::Slab;

/// A seat's number is the viewer's place among all viewers. Polls and events list their viewers by
/// it, so that they need not know what a viewer is.
pub(super) type SeatNumber = u32;

/// `Places` is a list whose members keep their place.
pub(super) struct Places<T>(Slab<T>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Slab::new())
    }
}

impl<T: Clone> Places<T> {
    /// Adds a member and returns its place.
    pub fn insert(&mut self, item: T) -> u32 {
        self.0.insert(item) as u32
    }

    /// Removes the member at this place.
    pub fn remove(&mut self, place: u32) {
        self.0.remove(place as usize);
        // The room of a crowd that has left is given back.
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Returns the member at this place.
    pub fn get(&self, place: u32) -> Option<&T> {
        self.0.get(place as usize)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts members from place `from` on into `chunk` until it holds `most`. Returns where to go
    /// on, or `None` at the end.
    pub fn chunk(&self, from: usize, most: usize, chunk: &mut Vec<T>) -> Option<usize> {
        chunk.clear();
        for place in from..self.0.capacity() {
            if chunk.len() == most {
                return Some(place);
            }
            chunk.extend(self.0.get(place).cloned());
        }
        None
    }
}
