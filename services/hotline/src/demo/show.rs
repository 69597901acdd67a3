//! How far the day is: bars on a terminal, a line every few seconds elsewhere.

use std::{io::IsTerminal, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use proto::Time;
use tokio::time::Instant;

use crate::demo::{clock, tally::Tally};

const EVERY: Duration = Duration::from_secs(5);

/// The display.
pub enum Show {
    Bars { opened: ProgressBar, closed: ProgressBar, news: ProgressBar },
    Lines { last: Option<Instant> },
}

impl Show {
    pub fn new(tickets: u64) -> Show {
        if !std::io::stderr().is_terminal() {
            return Show::Lines { last: None };
        }
        let all = MultiProgress::new();
        let bar = |name: &'static str| {
            let style = ProgressStyle::with_template("{prefix:>8} {bar:40.cyan/blue} {pos}/{len}");
            let bar = all.add(ProgressBar::new(tickets)).with_prefix(name);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        let (opened, closed) = (bar("opened"), bar("closed"));
        let style =
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let news = all.add(ProgressBar::new_spinner()).with_style(style);
        Show::Bars { opened, closed, news }
    }

    pub fn update(&mut self, now: Time, tally: &Tally) {
        match self {
            Show::Bars { opened, closed, news } => {
                opened.set_position(tally.opened);
                closed.set_position(tally.opened.saturating_sub(tally.open.len() as u64));
                news.set_message(line(now, tally));
            }
            Show::Lines { last } => {
                if last.is_none_or(|last| last.elapsed() >= EVERY) {
                    *last = Some(Instant::now());
                    eprintln!("{}", line(now, tally));
                }
            }
        }
    }

    pub fn finish(&self) {
        if let Show::Bars { opened, closed, news } = self {
            opened.finish();
            closed.finish();
            news.finish();
        }
    }
}

fn line(now: Time, tally: &Tally) -> String {
    format!(
        "{} | opened {} dispatched {} acknowledged {} | on time {} breached {} escalated {} | called back {} closed {}",
        clock::shown(now),
        tally.opened,
        tally.dispatched,
        tally.acknowledged,
        tally.on_time,
        tally.breached,
        tally.rungs(),
        tally.called_back,
        tally.closed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let mut tally = Tally::default();
        (tally.opened, tally.closed) = (12, 3);
        let line = line(Time(1_773_014_400_000_000), &tally);
        assert!(line.starts_with("Mon 03-09 08:00 | opened 12 ") && line.ends_with("closed 3"), "{line}");
    }
}
