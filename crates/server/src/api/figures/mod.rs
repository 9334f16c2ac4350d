//! What is read beside a poll: how it is doing, how it came to its numbers, and the results to keep.

pub mod export;
pub mod leaderboard;
pub mod pulse;
pub mod replay;
pub mod sheet;
pub mod trend;
