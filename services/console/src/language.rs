//! Chinese first, English beside it.

use axum::http::{HeaderMap, header};
use playbook::{Lang, Text};

use crate::session::cookie;

/// The cookie that keeps somebody's choice.
pub const COOKIE: &str = "__Host-language";

/// The language that somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tongue(pub Lang);

impl Tongue {
    /// By his choice, else by what his browser asks for, else Chinese.
    pub fn of(headers: &HeaderMap) -> Tongue {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match cookie::read(headers, COOKIE).as_deref() {
            Some("en") => Tongue(Lang::En),
            Some(_) => Tongue(Lang::Zh),
            None if asked.is_some_and(|asked| asked.to_ascii_lowercase().starts_with("en")) => {
                Tongue(Lang::En)
            }
            None => Tongue(Lang::Zh),
        }
    }

    pub fn say<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        if self.is_english() { en } else { zh }
    }

    pub fn text<'w>(&self, text: &'w Text) -> &'w str {
        text.get(self.0)
    }

    pub fn is_english(&self) -> bool {
        self.0 == Lang::En
    }

    /// For `lang`, `accept-language` and `Intl`.
    pub fn code(&self) -> &'static str {
        self.say("zh-CN", "en")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tongue(headers: &[(header::HeaderName, &str)]) -> &'static str {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        Tongue::of(&headers.collect()).code()
    }

    #[test]
    fn a_choice_counts_before_the_browser_and_chinese_before_all() {
        assert_eq!(tongue(&[]), "zh-CN");
        assert_eq!(tongue(&[(header::ACCEPT_LANGUAGE, "en-GB,zh;q=0.5")]), "en");
        assert_eq!(tongue(&[(header::ACCEPT_LANGUAGE, "fr")]), "zh-CN");
        let chosen = (header::COOKIE, "a=b; __Host-language=zh");
        assert_eq!(tongue(&[(header::ACCEPT_LANGUAGE, "en"), chosen]), "zh-CN");
        assert_eq!(tongue(&[(header::COOKIE, "__Host-language=en")]), "en");
    }
}
