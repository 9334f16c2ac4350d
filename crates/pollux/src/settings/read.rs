//! How the texts of settings are read, and what is said of those that cannot be.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use pollux_core::id::UnixMillis;
use pollux_server::config::{DbTls, FormerSecret, Roles, Sasl};

use crate::terminal::{self, parse_duration};

/// A limit's text, by its type: a count, a length of time, or a rate with a burst.
pub trait Limit: Sized {
    /// Read it, or say what it should have been.
    fn read(text: &str) -> Result<Self, String>;
    /// As it would be typed.
    fn show(&self) -> String;
}

impl Limit for usize {
    fn read(text: &str) -> Result<Self, String> {
        count(text)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Limit for u32 {
    fn read(text: &str) -> Result<Self, String> {
        count(text)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Limit for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let time = parse_duration(text)?;
        if time.is_zero() { Err("must be more than nothing".into()) } else { Ok(time) }
    }

    fn show(&self) -> String {
        match (self.as_secs(), self.subsec_millis()) {
            (0, millis) => format!("{millis}ms"),
            (seconds, 0) => format!("{seconds}s"),
            _ => terminal::brief(*self),
        }
    }
}

impl Limit for (u32, u32) {
    fn read(text: &str) -> Result<Self, String> {
        let wanted = "not a rate and a burst such as 5/20";
        let (rate, burst) = text.split_once('/').ok_or(wanted)?;
        Ok((count(rate).map_err(|_| wanted)?, count(burst).map_err(|_| wanted)?))
    }

    fn show(&self) -> String {
        format!("{}/{}", self.0, self.1)
    }
}

fn count<N: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<N, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|number| *number >= N::from(1))
        .ok_or_else(|| "not a whole number from 1 up".into())
}

/// Set the field, if its text could be read.
pub fn put<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

/// A port, 0 included.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "not a port from 0 to 65535".into())
}

/// The port of a server that is there: not 0.
pub fn server_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "not a port from 1 to 65535".into())
}

/// How many partitions a log may have.
pub fn partitions(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=1024).contains(count));
    count.ok_or_else(|| "not a number from 1 to 1024".into())
}

/// Yes or no, in the usual spellings.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("neither true nor false".into()),
    }
}

/// Roles separated by commas.
pub fn roles(text: &str) -> Result<Roles, String> {
    let mut roles = Roles { web: false, processor: false };
    for item in listed(text) {
        match item {
            "web" => roles.web = true,
            "processor" => roles.processor = true,
            _ => return Err(format!("{item:?} is neither web nor processor")),
        }
    }
    if roles.web || roles.processor { Ok(roles) } else { Err("names no role".into()) }
}

/// As they would be typed.
pub fn show_roles(roles: Roles) -> String {
    let names = [(roles.web, "web"), (roles.processor, "processor")];
    let names: Vec<_> = names.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
    names.join(",")
}

/// A text long enough not to be guessed.
pub fn secret(text: &str) -> Result<String, String> {
    if text.len() < 16 {
        return Err(format!("only {} bytes long; 16 or more are needed", text.len()));
    }
    Ok(text.to_owned())
}

/// Secrets that were rotated away, each `SECRET@TIME`, separated by commas. No error repeats one.
pub fn former_secrets(text: &str) -> Result<Vec<FormerSecret>, String> {
    let mut all: Vec<FormerSecret> = Vec::new();
    for (number, item) in (1..).zip(listed(text)) {
        let (former, time) = item.rsplit_once('@').ok_or_else(|| {
            format!(
                "the secret no. {number} has no @TIME; one that holds a comma cannot be given here"
            )
        })?;
        let time: jiff::Timestamp = time.parse().map_err(|_| {
            format!("behind the @ of no. {number} is no time such as 2026-12-01T03:00:00Z")
        })?;
        let until = UnixMillis(u64::try_from(time.as_millisecond()).unwrap_or(0));
        if all.last().is_some_and(|before| before.until >= until) {
            return Err(format!("no. {number} ends no later than the one before it"));
        }
        let former = secret(former).map_err(|why| format!("no. {number}: {why}"))?;
        all.push(FormerSecret { text: former, until });
    }
    Ok(all)
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// IP addresses separated by commas; `localhost` is both loopbacks.
pub fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut all = Vec::new();
    // Twice the same would be told to be taken by another process.
    let mut add = |address: IpAddr| {
        if !all.contains(&address) {
            all.push(address);
        }
    };
    for item in listed(text) {
        if item == "localhost" {
            add(Ipv4Addr::LOCALHOST.into());
            add(Ipv6Addr::LOCALHOST.into());
        } else {
            let bare = item.trim_start_matches('[').trim_end_matches(']');
            add(bare.parse().map_err(|_| {
                format!("{item:?} is no IP address such as 0.0.0.0, 192.168.1.20 or ::1")
            })?);
        }
    }
    if all.is_empty() { Err("names no address".into()) } else { Ok(all) }
}

/// Networks separated by commas: `10.0.0.0/8`, or an address, which is a network of one; `localhost` is both loopbacks.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let mut all: Vec<IpNet> = Vec::new();
    for item in listed(text) {
        if item.contains('/') {
            let network: IpNet = item.parse().map_err(|_| {
                format!("{item:?} is no network such as 10.0.0.0/8, 192.168.1.20 or fd00::/8")
            })?;
            if network.prefix_len() == 0 {
                return Err(format!("{item:?} is everybody; name the proxies' own networks"));
            }
            all.push(network.trunc());
        } else {
            all.extend(addresses(item)?.into_iter().map(IpNet::from));
        }
    }
    if all.is_empty() { Err("names no address".into()) } else { Ok(IpNet::aggregate(&all)) }
}

/// Networks as they are written, addresses without the length of their prefix.
pub fn networks_shown(networks: &[IpNet]) -> String {
    let show = |network: &IpNet| {
        let alone = network.prefix_len() == network.max_prefix_len();
        if alone { network.addr().to_string() } else { network.to_string() }
    };
    networks.iter().map(show).collect::<Vec<_>>().join(",")
}

/// An `http` or `https` URL, without the slash at its end.
pub fn base_url(text: &str) -> Result<String, String> {
    let url = text.trim().trim_end_matches('/');
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => Ok(url.to_owned()),
        _ => Err("not a URL such as https://polls.example.org".into()),
    }
}

/// Origins separated by commas: URLs without a path.
pub fn origins(text: &str) -> Result<Vec<String>, String> {
    listed(text)
        .map(|item| {
            let origin = base_url(item).ok().filter(|url| url.matches('/').count() == 2);
            origin.ok_or_else(|| format!("{item:?} is no origin such as https://example.org"))
        })
        .collect()
}

/// Brokers separated by commas, each with its port.
pub fn brokers(text: &str) -> Result<Vec<String>, String> {
    let all: Vec<_> = listed(text).map(ToOwned::to_owned).collect();
    let wrong = all.iter().find(|item| {
        let (host, port) = item.rsplit_once(':').unwrap_or((item, ""));
        host.is_empty()
            || host.contains(['/', ' '])
            || !port.parse().is_ok_and(|port: u16| port > 0)
    });
    match wrong {
        Some(item) => Err(format!("{item:?} is no broker such as kafka1:9092")),
        None if all.is_empty() => Err("names no broker".into()),
        None => Ok(all),
    }
}

/// What a topic's name may begin with, and be followed by ours.
pub fn topic_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if text.len() > 200 || !text.chars().all(fits) {
        return Err("not up to 200 letters, digits, dots, dashes and underscores".into());
    }
    Ok(text.to_owned())
}

/// A file that can be read.
pub fn file(text: &str) -> Result<Option<PathBuf>, String> {
    match std::fs::File::open(Path::new(text)) {
        Ok(_) => Ok(Some(text.into())),
        Err(error) => Err(error.to_string()),
    }
}

/// A path, or nothing.
pub fn shown(file: &Option<PathBuf>) -> String {
    file.as_ref().map_or(String::new(), |file| file.display().to_string())
}

/// A SASL mechanism, in any case.
pub fn sasl(text: &str) -> Result<Sasl, String> {
    [Sasl::Plain, Sasl::ScramSha256, Sasl::ScramSha512]
        .into_iter()
        .find(|sasl| sasl.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512".into())
}

/// How PostgreSQL is spoken to.
pub fn db_tls(text: &str) -> Result<DbTls, String> {
    [DbTls::Off, DbTls::Require, DbTls::Verify]
        .into_iter()
        .find(|tls| tls.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "not off, require or verify".into())
}

/// The items, separated by commas.
pub fn joined(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_secrets_have_their_time_and_are_never_repeated() {
        let read = |text| former_secrets(text).map(|all| format!("{all:?}"));
        let two = "a@b sixteen bytes@1970-01-01T00:00:01Z,another of sixteen@1970-01-01T00:00:02Z";
        assert_eq!(read(two).as_deref(), Ok("[…@1000, …@2000]"));
        for wrong in [
            "a secret of sixteen",
            "a secret of sixteen@tomorrow",
            "a secret@1970-01-01T00:00:01Z",
            "a secret of sixteen@1970-01-01T00:00:01Z,a secret of sixteen@1970-01-01T00:00:01Z",
        ] {
            assert!(read(wrong).is_err_and(|why| !why.contains("a secret")), "{wrong}");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let read = |text| networks(text).map(|all| networks_shown(&all));
        assert_eq!(read("10.1.2.3").as_deref(), Ok("10.1.2.3"));
        assert_eq!(read("localhost, 10.1.2.3/8").as_deref(), Ok("10.0.0.0/8,127.0.0.1,::1"));
        assert_eq!(read("10.0.0.0/8,10.1.2.3,[fd00::1]").as_deref(), Ok("10.0.0.0/8,fd00::1"));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "proxy.example", "0.0.0.0/0", "::/0", ","] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("0.0.0.0/0").is_err_and(|why| why.contains("everybody")));
    }
}
