//! Sums behind one figure and one group. Exact: whole numbers throughout.

/// What has been counted so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tally {
    Count(i64),
    Share {
        part: i64,
        of: i64,
    },
    /// Seconds, in the order they came.
    Times(Vec<i64>),
    /// Answers and their sum.
    Mean {
        sum: i64,
        of: i64,
    },
}

impl Tally {
    /// In the unit of the figure: rates in thousandths, means in hundredths,
    /// both rounded half up; the median of times.
    pub(crate) fn value(&self) -> i64 {
        match self {
            Tally::Count(count) => *count,
            Tally::Share { part, of } => rounded(part * 1000, *of),
            Tally::Times(times) => quantile(times, 50),
            Tally::Mean { sum, of } => rounded(sum * 100, *of),
        }
    }

    pub(crate) fn cases(&self) -> u64 {
        let cases = match self {
            Tally::Count(cases) | Tally::Share { of: cases, .. } | Tally::Mean { of: cases, .. } => *cases,
            Tally::Times(times) => times.len() as i64,
        };
        cases.unsigned_abs()
    }

    /// The time that nine of ten cases stayed within.
    pub(crate) fn ninetieth(&self) -> Option<i64> {
        match self {
            Tally::Times(times) => Some(quantile(times, 90)),
            _ => None,
        }
    }
}

fn rounded(number: i64, by: i64) -> i64 {
    if by == 0 { 0 } else { (number * 2 + by).div_euclid(by * 2) }
}

/// Nearest rank: a value that occurred, and the same one everywhere.
fn quantile(times: &[i64], per_cent: usize) -> i64 {
    if times.is_empty() {
        return 0;
    }
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * per_cent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_half_up() {
        assert_eq!(Tally::Share { part: 2, of: 3 }.value(), 667);
        assert_eq!(Tally::Share { part: 1, of: 16 }.value(), 63);
        assert_eq!(Tally::Share { part: 0, of: 0 }.value(), 0);
        assert_eq!(Tally::Mean { sum: 13, of: 3 }.value(), 433);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let times = Tally::Times(vec![50, 10, 40, 20, 30]);
        assert_eq!((times.value(), times.ninetieth()), (30, Some(50)));
        let even = Tally::Times(vec![4, 1, 3, 2]);
        assert_eq!(even.value(), 2);
        let ten = Tally::Times((1..=10).collect());
        assert_eq!(ten.ninetieth(), Some(9));
        assert_eq!(Tally::Times(Vec::new()).value(), 0);
    }
}
