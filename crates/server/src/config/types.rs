//! What settings hold that is more than a number or a text.

use std::fmt;

use pollux_core::id::UnixMillis;

/// A secret of the installation that was rotated away, or will be.
#[derive(Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// Its text.
    pub text: String,
    /// Polls made before this have it for good.
    pub until: UnixMillis,
}

impl fmt::Debug for FormerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.until.0)
    }
}

/// A password: never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a process of a cluster does; an embedded one does all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Take votes and show results.
    pub web: bool,
    /// Count votes.
    pub processor: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { web: true, processor: true };
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.web, self.processor) {
            (true, true) => "web,processor",
            (true, false) => "web",
            (false, true) => "processor",
            (false, false) => "",
        })
    }
}

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    /// The password as it is: over TLS only, or in a network of one's own.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl Sasl {
    /// Each of them.
    pub const ALL: &[Self] = &[Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// TLS to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbTls {
    /// None: whoever sees the network sees everything.
    Off,
    /// Encrypted, to whoever answers: no help against one who stands between.
    Require,
    /// Encrypted, and only to the server that the certificate authority vouches for by its name.
    Verify,
}

impl DbTls {
    /// Each of them.
    pub const ALL: &[Self] = &[Self::Off, Self::Require, Self::Verify];

    /// As it is set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Require => "require",
            Self::Verify => "verify",
        }
    }
}

/// How the log on stderr is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Each of them.
    pub const ALL: &[Self] = &[Self::Human, Self::Json];

    /// As it is set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}
