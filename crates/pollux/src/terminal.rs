//! This module writes for people: colour and progress bars if somebody is looking, and numbers as people read
//! them.

use std::fmt::{Display, Write as _};
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Writes a line to stderr. If nobody reads it any more, because the pipe is closed or the disk is full, the line
/// is lost and the command goes on, where `eprintln!` would end it.
pub fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Returns whether to colour what is written to this stream.
pub fn colour(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Returns a bar on stderr over this many steps, or a spinner if the number is unknown. It is invisible
/// unless stderr is a terminal.
pub fn progress(steps: Option<u64>, what: &'static str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(steps, target).with_message(what);
    let template = match steps {
        Some(_) => "{wide_bar} {human_pos} of {human_len} {msg}, {rate} a second, {eta} {prefix}",
        None => "  {spinner} {human_pos} {msg}, {rate} a second, {elapsed} {prefix}",
    };
    let style = ProgressStyle::with_template(template).expect("a template of known keys");
    bar.with_style(style.with_key(
        "rate",
        |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{:.0}", state.per_sec());
        },
    ))
}

/// Returns a whole number with its thousands apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a share as the screens do (web/src/ui/writing.ts): 100% means everybody and 0% means nobody, and neither
/// is ever rounded to.
pub fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    if share > 0.0 && share < 1.0 {
        format!("{:.1}%", share.clamp(0.1, 0.9))
    } else {
        format!("{:>3.0}%", if share < 100.0 { share.min(99.0) } else { 100.0 })
    }
}

/// Returns a number and its noun: `1 vote`, `1,200 votes`.
pub fn quantity(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Returns numbers in a row: `1,2,3`.
pub fn list<T: ToString>(numbers: &[T]) -> String {
    numbers.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// Returns bytes as text that moves no cursor and stays on its line. What cannot be shown is escaped.
pub fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // Characters that turn the direction of what follows are as harmful as control characters.
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Returns a short length of time as people write it: `350µs`, `4.2ms`, `1.5s`, `3m`.
pub fn brief(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..1_000_000 => format!("{:.1}ms", micros as f64 / 1e3),
        1_000_000..120_000_000 => format!("{:.1}s", micros as f64 / 1e6),
        _ => format!("{}m", time.as_secs() / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(quantity(1, "vote"), "1 vote");
        assert_eq!(brief(Duration::from_micros(4_200)), "4.2ms");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(plain("Zürich → ok".as_bytes()), "Zürich → ok");
        assert_eq!(plain(b"a\x1b[2Jb\tc\n\xff"), "a\\u{1b}[2Jb\\tc\\n\\xff");
        assert_eq!(plain("\u{202e}x".as_bytes()), "\\u{202e}x");
    }

    #[test]
    fn a_share_is_rounded_to_neither_everybody_nor_nobody() {
        let shares = [(0, 300), (1, 3000), (1, 300), (299, 300), (300, 300), (200, 300), (2, 1)];
        let written = shares.map(|(votes, people)| percent(votes, people));
        assert_eq!(written, ["  0%", "0.1%", "0.3%", " 99%", "100%", " 67%", "100%"]);
    }
}
