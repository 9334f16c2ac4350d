//! The path of a vote: [`cast`] takes the request, whose [`shape`] is documented; [`ballot`] reads it,
//! [`record`] names its voter, [`append`] puts it on the log, and the answer is its [`receipt`]. What became of
//! it is told by [`fate`], to whoever comes after the close by [`late`], to whoever waited by [`overtaken`].

pub mod append;
pub mod ballot;
pub mod cast;
pub mod fate;
pub mod late;
pub mod overtaken;
pub mod receipt;
pub mod record;
pub mod shape;
