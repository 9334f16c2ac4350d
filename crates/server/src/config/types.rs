//! Types of settings that are more than a number or a text.

use std::fmt;

use pollux_core::id::UnixMillis;

/// A former secret of the installation: it was rotated away, or will be.
#[derive(Clone, PartialEq, Eq)]
pub struct FormerSecret {
    /// The secret itself.
    pub text: String,
    /// The moment of the rotation. Polls created before it use this secret for good.
    pub until: UnixMillis,
}

impl fmt::Debug for FormerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.until.0)
    }
}

/// A password is kept as text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Roles are what a process of a cluster does. An embedded process has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Whether the process takes votes and shows results.
    pub web: bool,
    /// Whether the process counts votes.
    pub processor: bool,
}

impl Roles {
    /// Both roles.
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

/// `Sasl` names a SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    /// The password is sent as it is, which is safe only over TLS or in a private network.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl Sasl {
    /// All mechanisms.
    pub const ALL: &[Self] = &[Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Returns the registered name of the mechanism.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// `Flush` says whether brokers flush votes to their disks before they acknowledge them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// The topic of the votes is created so that brokers flush each batch, and one that is not so is used with
    /// a warning.
    Each,
    /// A topic of votes whose brokers do not flush each batch is refused.
    Required,
    /// Brokers flush when their operating systems do.
    Off,
}

impl Flush {
    /// All modes.
    pub const ALL: &[Self] = &[Self::Each, Self::Required, Self::Off];

    /// Returns the name of the mode in the setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Required => "required",
            Self::Off => "off",
        }
    }
}

/// `DbTls` says how far TLS protects the connections to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbTls {
    /// The connection is not encrypted: whoever can see the network can read everything.
    Off,
    /// The connection is encrypted, but the server's identity is not checked, so nothing protects against a
    /// machine in between.
    Require,
    /// The connection is encrypted, and only made to a server whose name the certificate authority vouches
    /// for.
    Verify,
}

impl DbTls {
    /// All modes.
    pub const ALL: &[Self] = &[Self::Off, Self::Require, Self::Verify];

    /// Returns the name of the mode in the setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Require => "require",
            Self::Verify => "verify",
        }
    }
}

/// `LogFormat` says how the log on stderr is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people to read.
    Human,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// All formats.
    pub const ALL: &[Self] = &[Self::Human, Self::Json];

    /// Returns the name of the format in the setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}
