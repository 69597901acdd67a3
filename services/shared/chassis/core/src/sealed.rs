//! Personal data as a core sees it: not at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that only the vault opens, with person and purpose on record.
/// Printing it shows nothing, so it cannot leak through a log or a panic.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// What every sealed text begins with: scheme and version.
    pub const PREFIX: &'static str = "s1.";

    /// `None` for text that the vault did not write.
    pub fn parse(text: &str) -> Option<Sealed> {
        text.starts_with(Self::PREFIX).then(|| Sealed(text.to_owned()))
    }

    /// What the vault wrote, to be opened by it.
    pub fn as_written(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}
