//! Figures about polls: how a poll is doing, how it came to its numbers, and results to keep.

pub mod export;
pub mod leaderboard;
pub mod pulse;
pub mod replay;
pub mod sheet;
pub mod trend;
