//! This module draws a poll with bars, over and over on the same lines of a terminal.

use std::fmt::Write as _;
use std::io::{self, Write, stdout};
use std::time::Duration;

use crossterm::cursor::MoveToPreviousLine;
use crossterm::queue;
use crossterm::style::Stylize;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use pollux_server::watch::view::PollView;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::kind::{BarRow, rows, summary};
use crate::terminal::{colour, quantity};

/// The picture has so many columns and lines if the size of the terminal is unknown.
const DEFAULT_SIZE: (u16, u16) = (80, 24);
/// This many columns of a label are shown.
const LABEL: usize = 28;
/// So many lines are not for bars: the question, the figures, the foot, and the line of the cursor.
const OTHER_LINES: usize = 4;
/// A line for a log has so many rows of a kind that may have any number.
const ROWS_IN_LINE: usize = 10;
/// From this age on the picture says how old its data is.
const OLD: Duration = Duration::from_secs(5);

/// `Screen` has the lines of a terminal that show a poll.
pub struct Screen {
    over: bool,
    colour: bool,
    lines: u16,
}

impl Screen {
    /// Returns a screen that draws over what it drew before, if `over`, and otherwise draws once.
    pub fn new(over: bool) -> Self {
        Self { over, colour: colour(&stdout()), lines: 0 }
    }

    /// Draws the poll; `age` is the time since the server was last heard. A screen that does not draw over
    /// what it drew before ignores every call but the first.
    pub fn draw(
        &mut self,
        poll: &PollView,
        age: Duration,
        trouble: Option<&str>,
    ) -> io::Result<()> {
        if !self.over && self.lines > 0 {
            return Ok(());
        }
        let (width, height) = crossterm::terminal::size().unwrap_or(DEFAULT_SIZE);
        let most = usize::from(height).saturating_sub(OTHER_LINES).max(1);
        let text = picture(poll, age, trouble, (width.into(), most), self.colour);
        let mut out = stdout().lock();
        if self.over {
            queue!(out, BeginSynchronizedUpdate)?;
            if self.lines > 0 {
                queue!(out, MoveToPreviousLine(self.lines), Clear(ClearType::FromCursorDown))?;
            }
        }
        out.write_all(text.as_bytes())?;
        if self.over {
            queue!(out, EndSynchronizedUpdate)?;
        }
        self.lines = text.lines().count() as u16;
        out.flush()
    }
}

/// Returns the poll in one line for a log: `open, 1,204 votes  Rust: 604  Go: 600`.
pub fn line(poll: &PollView) -> String {
    let mut line = state(poll);
    let rows = rows(poll, ROWS_IN_LINE);
    for row in &rows {
        let _ = write!(line, "  {}: {}", row.text, row.number);
    }
    if let Some(figures) = summary(poll, rows.len()) {
        let _ = write!(line, "  {figures}");
    }
    line
}

fn state(poll: &PollView) -> String {
    let state = if poll.is_final { "final" } else { &poll.status };
    match (poll.total_votes, poll.total_voters) {
        (Some(votes), Some(voters)) if votes != voters => {
            format!("{state}, {} by {}", quantity(votes, "vote"), quantity(voters, "voter"))
        }
        (Some(votes), _) => format!("{state}, {}", quantity(votes, "vote")),
        (None, Some(voters)) => {
            format!("{state}, {} so far, results hidden", quantity(voters, "voter"))
        }
        _ => format!("{state}, results hidden"),
    }
}

/// Returns the whole picture, at most `width` columns wide. Of a kind that may have any number of rows it has `most`.
fn picture(
    poll: &PollView,
    age: Duration,
    trouble: Option<&str>,
    (width, most): (usize, usize),
    colour: bool,
) -> String {
    let mut text = String::new();
    let bold = |text: String| if colour { text.bold().to_string() } else { text };
    let dim = |text: String| if colour { text.dim().to_string() } else { text };
    let rows = rows(poll, most);
    let widest = |of: fn(&BarRow<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let label = widest(|row| columns(&row.text)).min(LABEL);
    let number = widest(|row| columns(&row.number));
    let note = widest(|row| columns(&row.note));
    let room = width.saturating_sub(label + number + note + 6).clamp(4, 60);

    let _ = writeln!(text, "{}", bold(cut(&poll.question, width.max(8))));
    for BarRow { text: name, bar: part, number: value, note } in &rows {
        let name = cut(name, label);
        let name = format!("{name}{}", " ".repeat(label.saturating_sub(columns(&name))));
        let _ = match part {
            Some((part, longest)) => {
                let bar = bar(*part, room);
                let bar = match (colour, longest) {
                    (true, true) => bar.green().to_string(),
                    (true, false) => bar.blue().to_string(),
                    (false, _) => bar,
                };
                writeln!(text, "{name}  {bar}  {value:>number$} {note}")
            }
            None => writeln!(text, "{name}  –"),
        };
    }
    if let Some(figures) = summary(poll, rows.len()) {
        let _ = writeln!(text, "{}", cut(&figures, width.max(8)));
    }
    let mut foot = state(poll);
    if let Some(code) = &poll.code {
        let _ = write!(foot, " · join with {code}");
    }
    if !poll.is_final && age >= OLD {
        let _ = write!(foot, " · as of {} s ago", age.as_secs());
    }
    if let Some(trouble) = trouble {
        let _ = write!(foot, " · connecting again ({trouble})");
    }
    let _ = writeln!(text, "{}", dim(cut(&foot, width.max(8))));
    text
}

/// Returns a bar in eighths of a column that fills this part of the room, padded to the whole room.
fn bar(part: f64, room: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (part.clamp(0.0, 1.0) * room as f64 * 8.0).floor() as usize;
    let (full, part) = (eighths / 8, eighths % 8);
    let mut bar: String = std::iter::repeat_n('█', full).collect();
    if full < room {
        bar.push(EIGHTHS[part]);
        bar.extend(std::iter::repeat_n(' ', room - full - 1));
    }
    bar
}

/// Returns how many columns of a terminal a text takes. A character of an East Asian script takes two, and so does an
/// emoji of whatever parts. Each character is counted by itself, because few terminals join letters.
fn columns(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Returns as much of a text as fits into so many columns, with control characters replaced: what people wrote must not
/// move our cursor.
fn cut(text: &str, most: usize) -> String {
    let safe = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    let text: String = text.chars().map(safe).collect();
    if columns(&text) <= most {
        return text;
    }
    let mut room = most.saturating_sub(1);
    let fits = |character: &&str| {
        let left = room.checked_sub(columns(character));
        room = left.unwrap_or(0);
        left.is_some()
    };
    text.graphemes(true).take_while(fits).chain(["…"]).collect()
}

#[cfg(test)]
mod tests {
    use pollux_server::watch::view::kind::KindView;
    use pollux_server::watch::view::kind::choice::{ChoiceModeView, ChoiceView, OptionView};
    use pollux_server::watch::view::kind::number::{NumberView, NumberWord};
    use pollux_server::watch::view::kind::points::{PointsOptionView, PointsView, PointsWord};
    use pollux_server::watch::view::kind::ranking::{RankingOptionView, RankingView, RankingWord};
    use pollux_server::watch::view::kind::rating::{
        RatingView, RatingWord, StatementView, SymbolView,
    };
    use pollux_server::watch::view::kind::words::{WordView, WordsView, WordsWord};

    use super::*;

    fn poll(votes: [Option<u64>; 2]) -> PollView {
        let kind = KindView::Choice(ChoiceView {
            kind: ChoiceModeView::Single,
            max_choices: 1,
            options: vec![
                OptionView { id: 1, text: "Rust".into(), votes: votes[0] },
                OptionView {
                    id: 2,
                    text: "A rather long name for an option".into(),
                    votes: votes[1],
                },
            ],
        });
        of(kind, votes)
    }

    fn of(kind: KindView, votes: [Option<u64>; 2]) -> PollView {
        PollView {
            id: "0199".into(),
            code: Some("482913".into()),
            question: "Which?".into(),
            kind,
            status: "open".into(),
            is_final: false,
            round: 1,
            phase: 1,
            revote: "replace".into(),
            results: "live".into(),
            turnout: "shown".into(),
            revealed: true,
            total_votes: votes[0].zip(votes[1]).map(|(a, b)| a + b),
            total_voters: votes[0].zip(votes[1]).map(|(a, b)| a + b),
            version: 1,
            result_hash: None,
            listed: true,
            voter_ids: true,
            created_at: String::new(),
            closes_at: None,
            closes_after: None,
            missed_closes_at: None,
            closed_at: None,
            event_id: None,
            embed: Vec::new(),
        }
    }

    #[test]
    fn bars_are_proportional() {
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.5, 4), "██  ");
        assert_eq!(bar(1.0 / 32.0, 4), "▏   ");
        assert_eq!(bar(0.0, 4), "    ");
        assert_eq!(bar(2.0, 4), "████");
    }

    #[test]
    fn a_picture_keeps_to_its_width() {
        let drawn = picture(&poll([Some(1500), Some(500)]), Duration::ZERO, None, (60, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        Rust                          █████████████████  1,500  75%
        A rather long name for an o…  █████▋               500  25%
        open, 2,000 votes · join with 482913
        ");
        assert!(drawn.lines().all(|line| line.chars().count() <= 60), "{drawn}");
    }

    #[test]
    fn hidden_results_show_no_number() {
        let drawn =
            picture(&poll([None, None]), Duration::from_secs(9), Some("gone"), (80, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        Rust                          –
        A rather long name for an o…  –
        open, results hidden · join with 482913 · as of 9 s ago · connecting again (gon…
        ");
    }

    #[test]
    fn turnout_shows_before_the_results_do() {
        let hidden = PollView { total_voters: Some(1412), ..poll([None, None]) };
        assert_eq!(state(&hidden), "open, 1,412 voters so far, results hidden");
        assert!(!line(&hidden).contains('%'), "{}", line(&hidden));
    }

    #[test]
    fn a_rating_shows_means_and_how_they_came_about() {
        let statement = |id, text: &str, mean, spread: [u64; 5]| StatementView {
            id,
            text: text.into(),
            votes: Some(spread.iter().sum()),
            mean,
            spread: Some(spread.to_vec()),
        };
        let kind = KindView::Rating(RatingView {
            kind: RatingWord::Rating,
            steps: 5,
            lowest: 1,
            low_label: String::new(),
            high_label: String::new(),
            symbol: SymbolView::Stars,
            statements: vec![
                statement(1, "The room", Some(4.2), [0, 1, 2, 9, 8]),
                statement(2, "The food", None, [0; 5]),
            ],
        });
        let drawn = picture(&of(kind, [Some(20), Some(1)]), Duration::ZERO, None, (50, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        The room  ██████████████████████▍       4.2 ▁▂▃██
        The food                                  – ▁▁▁▁▁
        open, 21 votes · join with 482913
        ");
    }

    #[test]
    fn a_ranking_shows_points_and_mean_places() {
        let option = |id, text: &str, points, mean| RankingOptionView {
            id,
            text: text.into(),
            votes: Some(20),
            points: Some(points),
            first: Some(0),
            mean,
            spread: Some(vec![0; 2]),
        };
        let kind = KindView::Ranking(RankingView {
            kind: RankingWord::Ranking,
            places: 2,
            options: vec![option(1, "App", 1200, Some(1.3)), option(2, "Shop", 600, None)],
        });
        let drawn = picture(&of(kind, [Some(20), Some(1)]), Duration::ZERO, None, (50, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        App   ██████████████████████████  1,200 place 1.3
        Shop  █████████████                 600 place –
        open, 21 votes · join with 482913
        ");
    }

    #[test]
    fn points_show_their_share() {
        let option = |id, text: &str, points, people| PointsOptionView {
            id,
            text: text.into(),
            points: Some(points),
            people: Some(people),
        };
        let kind = KindView::Points(PointsView {
            kind: PointsWord::Points,
            budget: 100,
            options: vec![option(1, "App", 1200, 20), option(2, "Shop", 300, 1)],
        });
        let drawn = picture(&of(kind, [Some(20), Some(1)]), Duration::ZERO, None, (50, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        App   ███████████████████████████████  1,200  80%
        Shop  ███████▊                           300  20%
        open, 21 votes · join with 482913
        ");
    }

    /// Returns the view of a number that these people gave, from 0 on in steps of 0.5.
    fn number(spread: Option<Vec<u64>>) -> KindView {
        use pollux_core::kind::number::{Decimal, Form};
        let form =
            Form::new(Decimal::whole(0), Decimal::whole(20), Decimal::of_millionths(500_000));
        let solution = Decimal::of_millionths(3_250_000);
        KindView::Number(NumberView {
            kind: NumberWord::Number,
            min: form.value(0),
            max: form.value(40),
            step: form.value(1),
            unit: "kg".into(),
            solution: spread.is_some().then_some(solution),
            votes: spread.as_ref().map(|counts| counts.iter().sum()),
            mean: spread.as_ref().and_then(|counts| form.mean(counts)),
            median: spread.as_ref().and_then(|counts| form.median(counts)),
            nearest: spread
                .as_ref()
                .and_then(|counts| form.nearest(solution, counts))
                .map(Into::into),
            spread,
        })
    }

    #[test]
    fn a_number_shows_how_its_answers_are_spread() {
        let mut counts = vec![0; 41];
        for (slot, people) in [(2, 1), (5, 3), (6, 5), (40, 1)] {
            counts[slot] = people;
        }
        let view = of(number(Some(counts)), [Some(10), Some(0)]);
        let drawn = picture(&view, Duration::ZERO, None, (66, 20), false);
        insta::assert_snapshot!(drawn, @r"
        Which?
        0–2 kg        █████▍                                       1  10%
        2.5–4.5 kg    ███████████████████████████████████████████  8  80%
        5–7 kg                                                     0   0%
        7.5–9.5 kg                                                 0   0%
        10–12 kg                                                   0   0%
        12.5–14.5 kg                                               0   0%
        15–17 kg                                                   0   0%
        17.5–19.5 kg                                               0   0%
        20 kg         █████▍                                       1  10%
        mean 4.35 kg · median 3 kg · right answer 3.25 kg · nearest 3 kg …
        open, 10 votes · join with 482913
        ");
        assert!(
            line(&view)
                .ends_with("mean 4.35 kg · median 3 kg · right answer 3.25 kg · nearest 3 kg by 5")
        );
        let hidden = of(number(None), [None, None]);
        insta::assert_snapshot!(picture(&hidden, Duration::ZERO, None, (66, 20), false), @r"
        Which?
        answers  –
        open, results hidden · join with 482913
        ");
        let nobody = of(number(Some(vec![0; 41])), [Some(0), Some(0)]);
        assert_eq!(line(&nobody).matches(':').count(), 0, "there are no bars: {}", line(&nobody));
    }

    /// Returns the view of these words, and of others that it does not have.
    fn words(shown: Option<&[(&str, u64)]>, more: u64) -> KindView {
        let known = shown.map(|_| more);
        let word = |(text, votes): &(&str, u64)| WordView { text: (*text).into(), votes: *votes };
        KindView::Words(WordsView {
            kind: WordsWord::Words,
            max_words: 3,
            approve: false,
            words: shown.map(|words| words.iter().map(word).collect()),
            more_words: known,
            other_votes: known.map(|more| more * 1000),
            unshown_votes: known.map(|more| more / 2),
        })
    }

    #[test]
    fn the_top_words_are_shown_in_columns_whatever_their_script() {
        let shown = [
            ("Rust", 1200),
            ("可观测性", 600),
            ("نجاح", 50),
            ("👩🏽‍💻 only", 20),
            ("접근성을 처음부터 생각하는 화면과 글", 3),
            ("Ünïcödé", 1),
        ];
        let view = of(words(Some(&shown), 2), [Some(1500), Some(0)]);
        let drawn = |most| picture(&view, Duration::ZERO, None, (56, most), false);
        insta::assert_snapshot!(drawn(20), @r"
        Which?
        Rust                          █████████████  1,200  80%
        可观测性                      ██████▌          600  40%
        نجاح                          ▌                 50   3%
        👩🏽‍💻 only                       ▏                 20   1%
        접근성을 처음부터 생각하는 …                     3 0.2%
        Ünïcödé                                          1 0.1%
        and 2 more · other words: 2,000 votes · not shown: 1 vo…
        open, 1,500 votes · join with 482913
        ");
        assert!(drawn(20).lines().all(|line| columns(line) <= 56), "{}", drawn(20));
        let bars = |drawn: &str| drawn.lines().filter(|line| line.contains('%')).count();
        assert_eq!((bars(&drawn(20)), bars(&drawn(4))), (6, 4));
        assert!(drawn(4).contains("\nand 4 more · "), "{}", drawn(4));
        let few = of(words(Some(&shown[..1]), 0), [Some(1200), Some(0)]);
        assert_eq!(line(&few), "open, 1,200 votes  Rust: 1,200", "there is nothing more to tell");
        let hidden = picture(&of(words(None, 0), [None; 2]), Duration::ZERO, None, (56, 9), false);
        insta::assert_snapshot!(hidden, @r"
        Which?
        words  –
        open, results hidden · join with 482913
        ");
    }

    #[test]
    fn a_line_for_a_log_has_only_the_first_words() {
        let many: Vec<_> = (0..300).map(|_| ("a word", 1)).collect();
        let line = line(&of(words(Some(&many), 1), [Some(300), Some(0)]));
        assert_eq!(line.matches("a word: 1").count(), ROWS_IN_LINE, "{line}");
        assert!(line.ends_with("  and 291 more · other words: 1,000 votes"), "{line}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("可观测性", 8), "可观测性");
        assert_eq!(cut("可观测性", 7), "可观测…");
        assert_eq!(cut("可观测性", 6), "可观…", "half a column is left");
        assert_eq!(cut("a👩🏽‍💻b", 3), "a…");
        assert_eq!(cut("a👩🏽‍💻b", 4), "a👩🏽‍💻b");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
    }

    #[test]
    fn texts_cannot_move_the_cursor() {
        assert_eq!(cut("a\u{1b}[2Jb", 10), "a\u{FFFD}[2Jb");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
