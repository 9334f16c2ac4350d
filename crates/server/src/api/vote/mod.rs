//! The path of a vote. [`cast`] takes the request, whose [`shape`] is documented; [`ballot`] reads it,
//! [`record`] finds its voter, by cookie, ballot id or [`name`], [`append`] puts it on the log, and the answer is its [`receipt`]. [`fate`]
//! tells what became of it, [`late`] answers ballots that come after the close, and [`overtaken`] those that
//! waited for the log.

pub mod append;
pub mod ballot;
pub mod cast;
pub mod fate;
pub mod late;
pub mod name;
pub mod overtaken;
pub mod receipt;
pub mod record;
pub mod shape;
