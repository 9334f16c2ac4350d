//! The words of a poll, summed over its partitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::Standing;
use crate::kind::Kind;
use crate::kind::words::{OTHER, State};
use crate::seal::{Name, TextKey, Word};

/// A cloud is how often each word was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cloud {
    /// The words with at least one vote: those with the most votes first, and of equal ones those that came first.
    pub words: Vec<Mention>,
    /// The votes for words that came when there was no slot left for another name.
    pub other: u64,
}

/// A `Mention` is one word of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The word's name.
    pub name: Name,
    /// The word as it is shown; `None` if it cannot be opened.
    pub text: Option<Arc<str>>,
    /// The number of voters who said it.
    pub votes: u64,
    /// What the organiser has decided about it.
    pub state: State,
    /// The slot that it has, which is the least one if partitions differ. It tells roughly which words came first.
    pub slot: usize,
}

impl Cloud {
    /// Returns the names, ascending, and the counts of a result's line.
    pub fn result(&self) -> (Vec<Name>, Vec<u64>) {
        let votes: BTreeMap<_, _> = self.words.iter().map(|word| (word.name, word.votes)).collect();
        let counts = std::iter::once(self.other).chain(votes.values().copied());
        (votes.keys().copied().collect(), counts.collect())
    }
}

/// `Opened` keeps the texts of words that were opened, because each view of a poll needs all of them. It follows from
/// the rest of a standing, so any two are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Opened(Arc<HashMap<Word, Option<Arc<str>>, FixedState>>);

impl PartialEq for Opened {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Opened {}

impl Opened {
    /// Forgets the words that were erased.
    pub fn keep(&mut self, kind: &Kind) {
        let Kind::Words(words) = kind else { return };
        let read = |word: &Word, text: &Option<_>| {
            text.is_some() && words.moderation.state(word.name) == State::Erased
        };
        if self.0.iter().any(|(word, text)| read(word, text)) {
            Arc::make_mut(&mut self.0).retain(|word, text| !read(word, text));
        }
    }

    fn open(&self, word: &Word, key: Option<&TextKey>) -> Option<Arc<str>> {
        match self.0.get(word) {
            Some(text) => text.clone(),
            None => key?.open(word).map(Arc::from),
        }
    }
}

impl Standing {
    /// Opens the words that were not opened yet, so that the next views need not do it.
    pub fn open_words(&mut self) {
        let Some(key) = self.poll.text_key.clone() else { return };
        let opened = &self.opened.0;
        let words = self.tallies().flat_map(|at| at.tally.names.words());
        let new = words.filter(|word| !opened.contains_key(*word));
        let new: Vec<_> = new.map(|word| (word.clone(), key.open(word).map(Arc::from))).collect();
        if !new.is_empty() {
            Arc::make_mut(&mut self.opened.0).extend(new);
        }
    }

    /// Returns how often each word was said; empty for polls of other kinds.
    pub fn cloud(&self) -> Cloud {
        let Kind::Words(words) = &self.poll.kind else { return Cloud::default() };
        let key = self.poll.text_key.as_ref();
        let mut cloud = Cloud::default();
        let mut found: HashMap<Name, usize, FixedState> = HashMap::default();
        for tally in self.current() {
            cloud.other += tally.counts.get(OTHER).copied().unwrap_or(0);
            let counted = tally.names.words().iter().zip(tally.counts.iter().skip(OTHER + 1));
            for (slot, (word, &votes)) in (OTHER + 1..).zip(counted).filter(|(_, (_, n))| **n > 0) {
                let at = *found.entry(word.name).or_insert_with(|| {
                    let state = words.moderation.state(word.name);
                    // The first partition's spelling is shown, on every node.
                    let text = self.opened.open(word, key);
                    cloud.words.push(Mention { name: word.name, text, votes: 0, state, slot });
                    cloud.words.len() - 1
                });
                let mention = &mut cloud.words[at];
                (mention.votes, mention.slot) = (mention.votes + votes, mention.slot.min(slot));
            }
        }
        cloud.words.sort_by_key(|word| (std::cmp::Reverse(word.votes), word.slot, word.name));
        cloud
    }
}
