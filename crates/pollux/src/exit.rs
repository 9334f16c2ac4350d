//! A command ends with one of these exit codes, and its error carries one.

use std::error::Error;
use std::fmt::{self, Write};
use std::io;

/// A command exits with this code if something failed.
pub const FAILED: u8 = 1;
/// A command exits with this code if the command line or a setting is wrong.
pub const USAGE: u8 = 2;
/// A command exits with this code if the server, or this version, refuses.
pub const REFUSED: u8 = 3;
/// A command exits with this code if the server cannot be reached.
pub const UNREACHABLE: u8 = 4;
/// A command exits with this code if it is unknown whether something was done.
pub const UNKNOWN: u8 = 5;

/// `Failure` says why a command did not succeed, and carries the exit code for it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code of the process.
    pub code: u8,
    /// The message for a person; empty if everything was said already.
    pub message: String,
}

/// `Outcome` is what a command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Returns a failure with this exit code and message.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns a failure with the exit code [`FAILED`].
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(FAILED, message)
    }

    /// Returns a failure with the exit code [`USAGE`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// Returns a failure with the exit code [`REFUSED`].
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(REFUSED, message)
    }

    /// Returns a failure with the exit code [`UNREACHABLE`].
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(UNREACHABLE, message)
    }

    /// Returns a failure without a message, for when everything was said already.
    pub fn silent(code: u8) -> Self {
        Self::new(code, "")
    }

    /// Puts what was being done in front of the message.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        if !self.message.is_empty() {
            self.message = format!("{doing}: {}", self.message);
        }
        self
    }
}

/// Any other error becomes a failure with the code [`FAILED`] and its causes in the message. If the reader
/// of our output went away (`pollux export --all | head`), the exit code is 0.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        if let Some(io) = (&error as &(dyn Error + 'static)).downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::BrokenPipe
        {
            return Self::silent(0);
        }
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                let _ = write!(message, ": {text}");
            }
            cause = error.source();
        }
        Self::failed(message)
    }
}
