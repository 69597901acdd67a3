//! A failing plan made smaller: faults and calls are left out as long as it still fails.

use crate::{Listening, Options, Plan, play};

/// A plan that fails, with as little in it as could be found within so many plays.
pub fn shrink(options: &Options, plays: usize) -> Options {
    shrink_with(options, plays, |options| !play(options, Listening::Nobody).violations.is_empty())
}

fn shrink_with(options: &Options, plays: usize, mut fails: impl FnMut(&Options) -> bool) -> Options {
    let whole = Plan::new(options.clone());
    let mut best = Options {
        only_faults: Some(whole.faults.iter().map(|(place, _)| *place).collect()),
        only_tickets: Some(whole.calls.iter().map(|call| call.place).collect()),
        ..options.clone()
    };
    let mut left = plays;
    loop {
        let before = size(&best);
        best = reduce(best, &mut left, &mut fails, |options| &mut options.only_faults);
        best = reduce(best, &mut left, &mut fails, |options| &mut options.only_tickets);
        if left == 0 || size(&best) == before {
            return best;
        }
    }
}

fn size(options: &Options) -> usize {
    [&options.only_faults, &options.only_tickets].iter().map(|only| only.as_ref().map_or(0, Vec::len)).sum()
}

/// Leaves out half of one list, then quarters, and so on to single ones.
fn reduce(
    mut best: Options,
    left: &mut usize,
    fails: &mut impl FnMut(&Options) -> bool,
    list: impl Fn(&mut Options) -> &mut Option<Vec<usize>>,
) -> Options {
    let mut chunk = list(&mut best).as_ref().map_or(0, Vec::len);
    while chunk > 0 {
        let mut start = 0;
        while start < list(&mut best).as_ref().map_or(0, Vec::len) {
            if *left == 0 {
                return best;
            }
            *left -= 1;
            let mut smaller = best.clone();
            if let Some(places) = list(&mut smaller) {
                let end = (start + chunk).min(places.len());
                places.drain(start..end);
            }
            if fails(&smaller) {
                best = smaller;
            } else {
                start += chunk;
            }
        }
        chunk /= 2;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_nothing_to_do_with_it_is_left_out() {
        let needed = |options: &Options| {
            let has =
                |only: &Option<Vec<usize>>, place| only.as_ref().is_none_or(|only| only.contains(&place));
            has(&options.only_faults, 17) && has(&options.only_faults, 60) && has(&options.only_tickets, 5)
        };
        let small = shrink_with(&Options::of(1), 1_000, needed);
        assert_eq!((small.only_faults, small.only_tickets), (Some(vec![17, 60]), Some(vec![5])));
    }

    #[test]
    fn it_ends_when_its_plays_are_used_up() {
        let mut plays = 0;
        let small = shrink_with(&Options::of(1), 7, |_| {
            plays += 1;
            false
        });
        assert_eq!(plays, 7);
        assert_eq!(small.only_faults.map(|only| only.len()), Some(80));
    }
}
