//! How a command ends: the exit codes, and the error that carries one.

use std::error::Error;
use std::fmt::{self, Write};
use std::io;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or a setting is wrong.
pub const USAGE: u8 = 2;
/// The server, or this version, will not do it.
pub const REFUSED: u8 = 3;
/// The server cannot be reached.
pub const UNREACHABLE: u8 = 4;
/// It may or may not have been done.
pub const UNKNOWN: u8 = 5;

/// Why a command did not succeed, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit code.
    pub code: u8,
    /// For a person; empty when everything was said already.
    pub message: String,
}

/// What a command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Of this code, with this message.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(FAILED, message)
    }

    /// The command line or a setting is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// The server, or this version, will not do it.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(REFUSED, message)
    }

    /// The server cannot be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(UNREACHABLE, message)
    }

    /// Everything was said already; only the code is left to tell.
    pub fn silent(code: u8) -> Self {
        Self::new(code, "")
    }

    /// Say first what was being done.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        if !self.message.is_empty() {
            self.message = format!("{doing}: {}", self.message);
        }
        self
    }
}

/// Any other error is a plain failure, told with its causes. A reader of our output that went
/// away (`pollux export --all | head`) is no failure at all.
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
