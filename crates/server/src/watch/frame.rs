//! WebSocket frames (RFC 6455). Those that we send are encoded once and shared by all viewers;
//! those that a client sends are decoded within limits.

use bytes::Bytes;

/// A message's type names its subject: it is the `type`, and the `event:` of a server-sent event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageType {
    Hello,
    Created,
    Updated,
    Closed,
    Leaderboard,
    Agenda,
    /// A reply to something that the client sent.
    Reply,
    /// A ping, which carries nothing.
    KeepAlive,
}

impl MessageType {
    /// Returns the message's `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Created => "poll.created",
            Self::Updated => "poll.updated",
            Self::Closed => "poll.closed",
            Self::Leaderboard => "leaderboard.changed",
            Self::Agenda => "event.changed",
            Self::Reply | Self::KeepAlive => "",
        }
    }
}

/// A message goes over the wire as it is here; clones share the bytes.
#[derive(Clone, Debug)]
pub(super) struct Message {
    wire: Bytes,
    payload_at: u8,
    pub about: MessageType,
    /// The version of the poll, event or leaderboard in it.
    pub version: u64,
}

impl Message {
    /// Joins these parts into a text message.
    pub fn text(about: MessageType, version: u64, parts: &[&[u8]]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        let mut wire = head(0x1, len);
        let payload_at = wire.len() as u8;
        wire.reserve_exact(len);
        for part in parts {
            wire.extend_from_slice(part);
        }
        Self { wire: wire.into(), payload_at, about, version }
    }

    /// Makes a ping without content.
    pub fn ping() -> Self {
        const PING: &[u8] = &[0x89, 0];
        Self {
            wire: Bytes::from_static(PING),
            payload_at: 2,
            about: MessageType::KeepAlive,
            version: 0,
        }
    }

    /// Makes the pong that answers a ping.
    pub fn pong(content: &[u8]) -> Self {
        Self::control(0xA, content)
    }

    /// Makes the close frame, which is the last one and says why the socket is closed.
    pub fn close(code: u16, reason: &str) -> Self {
        let mut content = code.to_be_bytes().to_vec();
        content.extend_from_slice(reason.as_bytes());
        debug_assert!(content.len() <= 125, "reasons are short");
        Self::control(0x8, &content)
    }

    fn control(opcode: u8, content: &[u8]) -> Self {
        let mut wire = head(opcode, content.len());
        let payload_at = wire.len() as u8;
        wire.extend_from_slice(content);
        Self { wire: wire.into(), payload_at, about: MessageType::Reply, version: 0 }
    }

    /// Returns the whole frame.
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// Returns the frame's content, which is JSON for a text message.
    pub fn payload(&self) -> Bytes {
        self.wire.slice(usize::from(self.payload_at)..)
    }
}

/// Returns the head of an unmasked, final frame, with room for the content.
fn head(opcode: u8, len: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(len + 10);
    head.push(0x80 | opcode);
    match len {
        0..=125 => head.push(len as u8),
        126..=0xFFFF => {
            head.push(126);
            head.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    head
}

/// `Received` is a frame that came from a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Text(String),
    /// A part of a message that is not complete yet. A client could send empty ones for ever, so
    /// they are told apart.
    Part {
        empty: bool,
    },
    Ping(Vec<u8>),
    Pong,
    /// A close frame, with the code to answer.
    Close(u16),
}

/// `Close` gives the reason for closing a socket: a code of RFC 6455 §7.4 and a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close(pub u16, pub &'static str);

/// The reasons that the server gives.
impl Close {
    pub const AWAY: Self = Self(1001, "the server is going away; connect again");
    pub const PROTOCOL: Self = Self(1002, "not a valid WebSocket frame (RFC 6455)");
    pub const BINARY: Self = Self(1003, "binary messages are not understood; send JSON as text");
    pub const UTF8: Self = Self(1007, "text must be UTF-8");
    pub const FLOOD: Self = Self(1008, "too many messages; send fewer a second");
    pub const TOO_BIG: Self = Self(1009, "the message is too long");
    pub const BUSY: Self =
        Self(1013, "too many replies are waiting to be read, or there are too many viewers");
    pub const SILENT: Self = Self(1001, "no sign of life; connect again");
}

/// `Decoder` puts a client's frames together. It holds no memory while no frame is under way.
#[derive(Default)]
pub(super) struct Decoder {
    input: Vec<u8>,
    at: usize,
    /// The text of a fragmented message so far.
    text: Option<Vec<u8>>,
}

impl Decoder {
    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.input.drain(..self.at);
            self.at = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Returns the next complete frame, or `None` when more bytes are needed. `limit` is the most
    /// bytes that a message may have; a longer one is refused as soon as its head is there.
    pub fn next(&mut self, limit: usize) -> Result<Option<Received>, Close> {
        let input = &self.input[self.at..];
        let &[first, second, ..] = input else { return Ok(None) };
        let (last, opcode, short) = (first & 0x80 != 0, first & 0x0F, second & 0x7F);
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(Close::PROTOCOL);
        }
        match opcode {
            0x0 if self.text.is_none() => return Err(Close::PROTOCOL),
            0x1 if self.text.is_some() => return Err(Close::PROTOCOL),
            0x0 | 0x1 => {}
            0x2 => return Err(Close::BINARY),
            0x8..=0xA if last && short <= 125 => {}
            _ => return Err(Close::PROTOCOL),
        }
        let (len, mask_at) = match short {
            126 => match input.get(2..4) {
                Some(len) => (u64::from(len[0]) << 8 | u64::from(len[1]), 4),
                None => return Ok(None),
            },
            127 => match input.get(2..10) {
                Some(len) => {
                    (u64::from_be_bytes(len.try_into().expect("a slice of eight bytes")), 10)
                }
                None => return Ok(None),
            },
            len => (u64::from(len), 2),
        };
        let before = self.text.as_ref().map_or(0, Vec::len);
        if opcode < 0x8 && len > limit.saturating_sub(before) as u64 {
            return Err(Close::TOO_BIG);
        }
        let (content_at, len) = (mask_at + 4, len as usize);
        if input.len() < content_at + len {
            return Ok(None);
        }
        let mask = &input[mask_at..content_at];
        let content: Vec<u8> = input[content_at..content_at + len]
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        self.at += content_at + len;
        if self.at == self.input.len() {
            (self.input, self.at) = (Vec::new(), 0);
        }
        self.receive(opcode, last, content).map(Some)
    }

    fn receive(&mut self, opcode: u8, last: bool, content: Vec<u8>) -> Result<Received, Close> {
        match opcode {
            0x8 => close_code(&content).map(Received::Close),
            0x9 => Ok(Received::Ping(content)),
            0xA => Ok(Received::Pong),
            _ => {
                let empty = content.is_empty();
                let mut text = self.text.take().unwrap_or_default();
                text.extend_from_slice(&content);
                if !last {
                    self.text = Some(text);
                    return Ok(Received::Part { empty });
                }
                String::from_utf8(text).map(Received::Text).map_err(|_| Close::UTF8)
            }
        }
    }
}

/// Returns the code to answer a close frame with.
fn close_code(content: &[u8]) -> Result<u16, Close> {
    let (code, reason) = match content {
        [] => return Ok(1000),
        [_] => return Err(Close::PROTOCOL),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Close::PROTOCOL);
    }
    std::str::from_utf8(reason).map_err(|_| Close::UTF8)?;
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes all frames until the bytes are used up or refused.
    fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Received>, Option<Close>) {
        let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
        for chunk in chunks {
            decoder.feed(chunk);
            loop {
                match decoder.next(64) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(why) => return (frames, Some(why)),
                }
            }
        }
        (frames, None)
    }

    /// Generates bytes that are frames more often than chance would make them.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let content = prop::collection::vec(any::<u8>(), 0..80);
        let head = prop::sample::select(vec![0x81, 0x01, 0x80, 0x00, 0x88, 0x89, 0x8A, 0x82, 0xC1]);
        let frame = (head, any::<[u8; 4]>(), content).prop_map(|(first, mask, content)| {
            let mut frame = head_of(first, content.len());
            frame.extend_from_slice(&mask);
            frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            frame
        });
        let noise = prop::collection::vec(any::<u8>(), 0..16);
        prop::collection::vec(prop_oneof![6 => frame, 1 => noise], 0..6)
            .prop_map(|parts| parts.concat())
    }

    fn head_of(first: u8, len: usize) -> Vec<u8> {
        let mut head = head(0, len);
        (head[0], head[1]) = (first, head[1] | 0x80);
        head
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn bytes_mean_the_same_however_they_are_cut(bytes in bytes(), sizes in prop::collection::vec(1..9_usize, 1..20)) {
            let whole = decode(std::iter::once(&bytes[..]));
            let mut rest = &bytes[..];
            let mut sizes = sizes.iter().cycle();
            let chunks = std::iter::from_fn(|| {
                let (chunk, after) = rest.split_at((*sizes.next()?).min(rest.len()));
                rest = after;
                (!chunk.is_empty()).then_some(chunk)
            });
            prop_assert_eq!(decode(chunks), whole);
        }
    }
}
