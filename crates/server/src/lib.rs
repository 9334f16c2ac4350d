//! The Pollux server. A vote passes these folders in their alphabetical order: [`api`] takes it in, [`log`] makes
//! it durable, [`processor`] decides it, [`store`] keeps the decision, [`watch`] shows it, and [`web`] holds the
//! screens.
//!
//! Imports go one way: `core ← {log, store, watch} ← processor ← api ← boot`. Log, store and watch never
//! import one another, and only `boot` names a concrete backend.

pub mod ambient;
pub mod api;
pub mod boot;
pub mod config;
mod level;
pub mod log;
pub mod processor;
pub mod store;
mod wal;
pub mod watch;
pub mod web;
