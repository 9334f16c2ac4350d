//! Ballots become tallies. SKELETON.
