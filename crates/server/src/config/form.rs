//! The forms of settings: how their texts are read and written, and the errors for those that cannot be read.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use pollux_core::id::UnixMillis;

use super::types::{FormerSecret, Password, Roles};

/// The least length of a secret, in bytes.
const SECRET: usize = 16;

/// `ReadValue` reads a value. Its error says what the value should have been.
type ReadValue<T> = Box<dyn Fn(&str) -> Result<T, String> + Send + Sync>;
/// `ShowValue` writes a value as it would be typed.
type ShowValue<T> = Box<dyn Fn(&T) -> String + Send + Sync>;

/// A value form says how a setting's value is read and written.
pub struct ValueForm<T> {
    /// The placeholder of the value in the help.
    pub(super) value: &'static str,
    /// The least and the greatest value; empty when any will do.
    pub(super) limits: String,
    /// What holds when nothing is set, in words.
    pub(super) absent: &'static str,
    /// Whether the value must not appear in a message.
    pub(super) is_secret: bool,
    /// Reads the value, or says what it should have been.
    pub(super) read: ReadValue<T>,
    /// Writes the value as it would be typed; empty when there is none, or it is secret.
    pub(super) show: ShowValue<T>,
}

impl<T: 'static> ValueForm<T> {
    fn new(
        value: &'static str,
        read: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
        show: impl Fn(&T) -> String + Send + Sync + 'static,
    ) -> Self {
        let (read, show) = (Box::new(read), Box::new(show));
        Self { value, limits: String::new(), absent: "", is_secret: false, read, show }
    }

    fn limits(self, limits: impl Into<String>) -> Self {
        Self { limits: limits.into(), ..self }
    }

    fn secret(self) -> Self {
        Self { is_secret: true, show: Box::new(|_| String::new()), ..self }
    }

    /// Sets the words for what holds when nothing is set.
    pub fn absent(self, absent: &'static str) -> Self {
        Self { absent, ..self }
    }

    /// Makes the value optional.
    pub fn optional(self) -> ValueForm<Option<T>> {
        let Self { value, limits, absent, is_secret, read, show } = self;
        ValueForm {
            value,
            limits,
            absent,
            is_secret,
            read: Box::new(move |text| read(text).map(Some)),
            show: Box::new(move |value| value.as_ref().map_or(String::new(), &show)),
        }
    }
}

fn whole<N: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static>(
    value: &'static str,
    noun: &'static str,
    range: impl RangeBounds<N> + Send + Sync + 'static,
) -> ValueForm<N> {
    let limits = match (range.start_bound(), range.end_bound()) {
        (Bound::Included(least), Bound::Included(most)) => format!("from {least} to {most}"),
        (Bound::Included(least), _) => format!("from {least} up"),
        _ => unreachable!("a setting's range has a least, and includes its most"),
    };
    let wrong = format!("not a {noun} {limits}");
    let read = move |text: &str| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| wrong.clone())
    };
    ValueForm::new(value, read, N::to_string).limits(limits)
}

/// Returns the form of a number within a range.
pub fn count<N: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static>(
    range: impl RangeBounds<N> + Send + Sync + 'static,
) -> ValueForm<N> {
    whole("COUNT", "whole number", range)
}

/// Returns the form of a number of bytes within a range.
pub fn bytes(range: impl RangeBounds<usize> + Send + Sync + 'static) -> ValueForm<usize> {
    whole("BYTES", "whole number", range)
}

/// Returns the form of a port within a range.
pub fn port(range: impl RangeBounds<u16> + Send + Sync + 'static) -> ValueForm<u16> {
    whole("PORT", "port", range)
}

/// Returns the form of a rate, which is a number per unit of time and the burst above it.
pub fn rate() -> ValueForm<(u32, u32)> {
    let read = |text: &str| {
        let number = |text: &str| text.trim().parse().ok().filter(|number| *number >= 1);
        let both = text.split_once('/').and_then(|(rate, burst)| number(rate).zip(number(burst)));
        both.ok_or_else(|| "not a rate and a burst such as 5/20".into())
    };
    ValueForm::new("RATE/BURST", read, |(rate, burst)| format!("{rate}/{burst}"))
        .limits("from 1/1 up")
}

/// Returns the form of a length of time that is more than zero.
pub fn time() -> ValueForm<Duration> {
    let read = |text: &str| match parse_duration(text)? {
        Duration::ZERO => Err("must be more than 0s".into()),
        time => Ok(time),
    };
    ValueForm::new("TIME", read, shown_time).limits("more than 0s")
}

/// Returns the form of a length of time that may be `0s`, which stands for none.
pub fn time_or_none() -> ValueForm<Duration> {
    ValueForm::new("TIME", parse_duration, shown_time)
}

/// Reads a length of time as people type it: `500ms`, `10s`, `2m`, `1h`, `365d`. A bare number is in seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("unknown unit {unit:?}; write for example 500ms, 10s or 2m")),
    };
    number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number * scale)
        .filter(|seconds| seconds.is_finite() && (0.0..=86_400.0 * 365.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "not a length of time such as 500ms, 10s or 2m".into())
}

fn shown_time(time: &Duration) -> String {
    match time.as_secs() {
        0 if !time.is_zero() => format!("{}ms", time.as_micros() as f64 / 1e3),
        _ => format!("{}s", time.as_secs_f64()),
    }
}

/// Returns the form of a yes or no, in the usual spellings.
pub fn switch() -> ValueForm<bool> {
    let read = |text: &str| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("neither true nor false".into()),
    };
    ValueForm::new("true|false", read, bool::to_string)
}

/// Returns the form of one of several names, in upper or lower case.
pub fn choice<T: Copy + Send + Sync>(
    value: &'static str,
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> ValueForm<T> {
    let read = move |text: &str| {
        let found = all.iter().find(|item| name(**item).eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|item| name(*item)).collect();
            let (last, first) = names.split_last().expect("there is something to choose from");
            format!("not {} or {last}", first.join(", "))
        })
    };
    ValueForm::new(value, read, move |item| name(*item).to_owned())
}

/// Returns the form of any text.
pub fn text(value: &'static str) -> ValueForm<String> {
    ValueForm::new(value, |text| Ok(text.into()), String::clone)
}

/// Returns the form of a path to something that may not exist yet.
pub fn path(value: &'static str) -> ValueForm<PathBuf> {
    ValueForm::new(value, |text| Ok(text.into()), |path: &PathBuf| path.display().to_string())
}

/// Returns the form of a file, which must be readable.
pub fn file() -> ValueForm<PathBuf> {
    let read = |text: &str| match std::fs::File::open(text) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(error.to_string()),
    };
    ValueForm { read: Box::new(read), ..path("FILE") }
}

/// Returns the form of a password, which may be any text.
pub fn password() -> ValueForm<Password> {
    ValueForm::new("PASSWORD", |text| Ok(Password(text.into())), |_| String::new()).secret()
}

/// Returns the form of a secret that is too long to be guessed.
pub fn secret(value: &'static str) -> ValueForm<String> {
    ValueForm::new(value, read_secret, String::clone)
        .secret()
        .limits(format!("{SECRET} bytes or more"))
}

fn read_secret(text: &str) -> Result<String, String> {
    match text.len() {
        SECRET.. => Ok(text.to_owned()),
        length => Err(format!("only {length} bytes long; {SECRET} or more are needed")),
    }
}

/// Returns the form of the secrets that were rotated away, each as `SECRET@TIME`. No error repeats a secret.
pub fn former_secrets() -> ValueForm<Vec<FormerSecret>> {
    let read = |text: &str| {
        let mut all: Vec<FormerSecret> = Vec::new();
        for (number, item) in (1..).zip(listed(text)) {
            let (former, time) = item.rsplit_once('@').ok_or_else(|| {
                format!("the secret no. {number} has no @TIME; one that holds a comma cannot be given here")
            })?;
            let time: jiff::Timestamp = time.parse().map_err(|_| {
                format!("behind the @ of no. {number} is no time such as 2026-12-01T03:00:00Z")
            })?;
            let until = UnixMillis(u64::try_from(time.as_millisecond()).unwrap_or(0));
            if all.last().is_some_and(|before| before.until >= until) {
                return Err(format!("no. {number} ends no later than the one before it"));
            }
            let former = read_secret(former).map_err(|why| format!("no. {number}: {why}"))?;
            all.push(FormerSecret { text: former, until });
        }
        Ok(all)
    };
    ValueForm::new("SECRETS", read, |_| String::new()).secret()
}

/// Returns the form of a node's roles.
pub fn roles() -> ValueForm<Roles> {
    let read = |text: &str| {
        let mut roles = Roles { web: false, processor: false };
        for item in listed(text) {
            match item {
                "web" => roles.web = true,
                "processor" => roles.processor = true,
                _ => return Err(format!("{item:?} is neither web nor processor")),
            }
        }
        if roles.web || roles.processor { Ok(roles) } else { Err("names no role".into()) }
    };
    ValueForm::new("ROLES", read, Roles::to_string)
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn joined<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// Returns the form of a list of IP addresses; `localhost` stands for both loopback addresses.
pub fn addresses() -> ValueForm<Vec<IpAddr>> {
    ValueForm::new("ADDRESSES", read_addresses, |all: &Vec<_>| joined(all))
}

fn read_addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut all = Vec::new();
    // An address given twice would fail to bind, as if another process had taken it.
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
                format!("{item:?} is not an IP address such as 0.0.0.0, 192.168.1.20 or ::1")
            })?);
        }
    }
    if all.is_empty() { Err("names no address".into()) } else { Ok(all) }
}

/// Returns the form of a list of networks such as `10.0.0.0/8`. An address is a network of one, and
/// `localhost` stands for both loopback addresses.
pub fn networks() -> ValueForm<Vec<IpNet>> {
    let read = |text: &str| {
        let mut all: Vec<IpNet> = Vec::new();
        for item in listed(text) {
            if item.contains('/') {
                let network: IpNet = item.parse().map_err(|_| {
                    format!(
                        "{item:?} is not a network such as 10.0.0.0/8, 192.168.1.20 or fd00::/8"
                    )
                })?;
                if network.prefix_len() == 0 {
                    let why = "covers all addresses; name the proxies' own networks";
                    return Err(format!("{item:?} {why}"));
                }
                all.push(network.trunc());
            } else {
                all.extend(read_addresses(item)?.into_iter().map(IpNet::from));
            }
        }
        if all.is_empty() { Err("names no address".into()) } else { Ok(IpNet::aggregate(&all)) }
    };
    // The address of a network of one is written without the length of its prefix.
    let name = |network: &IpNet| {
        let alone = network.prefix_len() == network.max_prefix_len();
        if alone { network.addr().to_string() } else { network.to_string() }
    };
    ValueForm::new("NETWORKS", read, move |all: &Vec<_>| {
        joined(&all.iter().map(name).collect::<Vec<_>>())
    })
}

/// Returns the form of an `http` or `https` URL, which is kept without a slash at its end.
pub fn url() -> ValueForm<String> {
    ValueForm::new("URL", read_url, String::clone)
}

fn read_url(text: &str) -> Result<String, String> {
    let url = text.trim().trim_end_matches('/');
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => Ok(url.to_owned()),
        _ => Err("not a URL such as https://polls.example.org".into()),
    }
}

/// Returns the form of a list of origins, which are URLs without a path.
pub fn origins() -> ValueForm<Vec<String>> {
    let origin = |item: &str| {
        let origin = read_url(item).ok().filter(|url| url.matches('/').count() == 2);
        origin.ok_or_else(|| format!("{item:?} is no origin such as https://example.org"))
    };
    let read = move |text: &str| listed(text).map(origin).collect();
    ValueForm::new("ORIGINS", read, |all: &Vec<_>| joined(all))
}

/// Returns the form of a list of brokers, each with its port.
pub fn brokers() -> ValueForm<Vec<String>> {
    let broker = |item: &str| {
        let (host, port) = item.rsplit_once(':').unwrap_or((item, ""));
        let named = !host.is_empty() && !host.contains(['/', ' ']);
        let fits = named && port.parse().is_ok_and(|port: u16| port > 0);
        let wrong = || format!("{item:?} is no broker such as kafka1:9092");
        if fits { Ok(item.to_owned()) } else { Err(wrong()) }
    };
    let read = move |text: &str| match listed(text).map(broker).collect() {
        Ok(all) if Vec::is_empty(&all) => Err("names no broker".into()),
        read => read,
    };
    ValueForm::new("HOST:PORT,…", read, |all: &Vec<_>| joined(all))
}

/// Returns the form of a prefix of topic names.
pub fn topic_prefix() -> ValueForm<String> {
    let read = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if text.len() > 200 || !text.chars().all(fits) {
            return Err("not up to 200 letters, digits, dots, dashes and underscores".into());
        }
        Ok(text.to_owned())
    };
    ValueForm { read: Box::new(read), ..text("TEXT") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_secrets_have_their_time_and_are_never_repeated() {
        let read = |text| (former_secrets().read)(text).map(|all| format!("{all:?}"));
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
        let read = |text| (networks().read)(text).map(|all| (networks().show)(&all));
        assert_eq!(read("10.1.2.3").as_deref(), Ok("10.1.2.3"));
        assert_eq!(read("localhost, 10.1.2.3/8").as_deref(), Ok("10.0.0.0/8,127.0.0.1,::1"));
        assert_eq!(read("10.0.0.0/8,10.1.2.3,[fd00::1]").as_deref(), Ok("10.0.0.0/8,fd00::1"));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "proxy.example", "0.0.0.0/0", "::/0", ","] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("0.0.0.0/0").is_err_and(|why| why.contains("covers all addresses")));
    }

    #[test]
    fn durations_are_typed_as_people_do_and_shown_so() {
        for (typed, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("10", 10_000, "10s"),
            ("1.5s", 1_500, "1.5s"),
            ("2m", 120_000, "120s"),
            ("150.5s", 150_500, "150.5s"),
            ("0", 0, "0s"),
            ("365d", 31_536_000_000, "31536000s"),
        ] {
            assert_eq!(parse_duration(typed), Ok(Duration::from_millis(millis)));
            assert_eq!(shown_time(&Duration::from_millis(millis)), shown);
        }
        assert_eq!(shown_time(&Duration::from_micros(500)), "0.5ms");
        for wrong in ["", "s", "-1s", "10 parsecs", "nan", "1e99"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
