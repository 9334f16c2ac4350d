//! `pollux watch` shows a poll's live results in the terminal.

mod bars;

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use pollux_server::watch::view::PollView;
use rand::RngExt;
use serde::Deserialize;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use self::bars::Screen;
use crate::client::{Server, call, poll_route};
use crate::exit::{Failure, Outcome, REFUSED};
use crate::terminal;

/// The first pause before connecting again is at most this long. The limit doubles with each attempt, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause before connecting again is longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Connecting may take this long.
const CONNECT: Duration = Duration::from_secs(10);
/// After this silence the server is pinged; after twice this silence the connection counts as dead.
const SILENCE: Duration = Duration::from_secs(15);

/// Watch a poll's live results in the terminal
#[derive(clap::Args)]
#[command(
    after_help = "Ends when the result is final. If stdout is not a terminal, or with --json, each update \
    is printed as one line.\n\n\
    Examples:\n  pollux watch 482913\n  pollux watch 482913 --once\n  \
    pollux watch 482913 --json --url http://polls.internal:5000 | jq .totalVotes"
)]
pub struct Args {
    /// The poll's id or join code
    poll: String,
    /// The server's URL
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
    /// Show the current state and exit
    #[arg(long)]
    once: bool,
}

/// `Sent` is a message of the server that matters here. All others are `Other`.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Sent {
    #[serde(rename = "hello")]
    Hello { polls: Vec<PollView> },
    #[serde(rename = "poll.created", alias = "poll.updated", alias = "poll.closed")]
    Poll { poll: Box<PollView> },
    #[serde(other)]
    Other,
}

/// `Ended` says why a connection ended.
enum Ended {
    /// The result is final.
    Final,
    /// The connection broke, and what is shown grows old.
    Broken(String),
}

/// Watches the poll until its result is final.
pub async fn run(args: Args, json: bool) -> Outcome {
    let route = poll_route(&args.poll)?;
    let first: PollView = call(&args.url, Method::GET, &route, None).await?;
    let mut view = Output::new(json, args.once);
    view.take(&first)?;
    if args.once || first.is_final {
        return view.finish();
    }
    let mut attempt = 0;
    loop {
        let before = view.updates;
        match follow(&args.url, &first.id, &mut view).await? {
            Ended::Final => return view.finish(),
            Ended::Broken(why) => {
                attempt = if view.updates > before { 1 } else { attempt + 1 };
                view.broken(&why)?;
            }
        }
        let most = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(10)).min(LONGEST_PAUSE);
        let pause = most.mul_f64(rand::rng().random_range(0.0..1.0));
        let until = Instant::now() + pause;
        while Instant::now() < until {
            sleep((until - Instant::now()).min(Duration::from_secs(1))).await;
            view.redraw()?;
        }
        // A poll that was deleted meanwhile is not worth waiting for. A server that is away is.
        match call::<PollView>(&args.url, Method::GET, &format!("/api/polls/{}", first.id), None)
            .await
        {
            Ok(poll) => {
                view.take(&poll)?;
                if poll.is_final {
                    return view.finish();
                }
            }
            Err(failure) if failure.code == REFUSED => return Err(failure),
            Err(_) => {}
        }
    }
}

/// Follows the poll over one connection, until that ends.
async fn follow(server: &Server, poll: &str, view: &mut Output) -> Outcome<Ended> {
    let url = server.socket(&format!("poll={poll}"));
    let connecting = timeout(CONNECT, tokio_tungstenite::connect_async(&url)).await;
    let mut socket = match connecting {
        Ok(Ok((socket, _))) => socket,
        Ok(Err(error)) => return Ok(Ended::Broken(error.to_string())),
        Err(_) => return Ok(Ended::Broken("timed out".into())),
    };
    let mut clock = interval(Duration::from_secs(1));
    let mut heard = Instant::now();
    let mut asked = false;
    loop {
        let message = tokio::select! {
            biased;
            message = socket.next() => message,
            _ = clock.tick() => {
                view.redraw()?;
                if heard.elapsed() > SILENCE * 2 {
                    return Ok(Ended::Broken("the server fell silent".into()));
                }
                if heard.elapsed() > SILENCE && !asked {
                    asked = true;
                    if let Err(error) = socket.send(Message::Ping(Default::default())).await {
                        return Ok(Ended::Broken(error.to_string()));
                    }
                }
                continue;
            }
        };
        (heard, asked) = (Instant::now(), false);
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => {
                return Ok(Ended::Broken("the server closed the connection".into()));
            }
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Ok(Ended::Broken(error.to_string())),
        };
        let newest = match serde_json::from_str(&text) {
            Ok(Sent::Hello { polls }) => polls.into_iter().find(|shown| shown.id == poll),
            Ok(Sent::Poll { poll: shown }) => Some(*shown).filter(|shown| shown.id == poll),
            Ok(Sent::Other) => None,
            Err(error) => {
                return Err(Failure::failed(format!(
                    "the server does not answer like Pollux: {error}"
                )));
            }
        };
        if let Some(newest) = newest {
            view.take(&newest)?;
            if newest.is_final {
                return Ok(Ended::Final);
            }
        }
    }
}

/// `Output` is the place where updates are shown: bars on a terminal, else lines.
struct Output {
    screen: Option<Screen>,
    json: bool,
    last: Option<PollView>,
    heard: Instant,
    updates: u64,
    trouble: Option<String>,
}

impl Output {
    fn new(json: bool, once: bool) -> Self {
        let bars = !json && stdout().is_terminal();
        Self {
            screen: bars.then(|| Screen::new(!once)),
            json,
            last: None,
            heard: Instant::now(),
            updates: 0,
            trouble: None,
        }
    }

    /// Shows a newer state of the poll. An unchanged one only proves that the server is there.
    fn take(&mut self, poll: &PollView) -> Outcome {
        self.heard = Instant::now();
        self.updates += 1;
        self.trouble = None;
        if self.last.as_ref() == Some(poll) {
            return self.redraw();
        }
        self.last = Some(poll.clone());
        if self.json {
            writeln!(stdout(), "{}", serde_json::to_string(poll)?)?;
        } else if self.screen.is_none() {
            writeln!(stdout(), "{}", bars::line(poll))?;
        }
        self.redraw()
    }

    fn broken(&mut self, why: &str) -> Outcome {
        if self.screen.is_none() {
            terminal::tell(format_args!("pollux: {why}; connecting again"));
        }
        self.trouble = Some(why.to_owned());
        self.redraw()
    }

    fn redraw(&mut self) -> Outcome {
        if let (Some(screen), Some(poll)) = (&mut self.screen, &self.last) {
            screen.draw(poll, self.heard.elapsed(), self.trouble.as_deref())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Outcome {
        Ok(stdout().flush()?)
    }
}
