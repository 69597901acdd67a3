//! Refusals, as people of either language read them.

use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

/// The same request, refused in Chinese and in English.
#[derive(Debug)]
pub struct Refused {
    pub zh: Status,
    pub en: Status,
}

impl Refused {
    /// Asks in both languages. A refusal is not remembered, so the second asking is the first one again.
    pub async fn in_both<T: Clone, R: std::fmt::Debug>(
        message: T,
        ask: impl AsyncFn(Request<T>) -> Result<Response<R>, Status>,
    ) -> Refused {
        let zh = ask(Request::new(message.clone())).await.expect_err("it is refused");
        let mut request = Request::new(message);
        request.metadata_mut().insert("accept-language", "en".parse().expect("a language"));
        let en = ask(request).await.expect_err("it is refused in English too");
        let refused = Refused { zh, en };
        refused.must_be_clear();
        refused
    }

    /// Sentence and fields are said in the language asked for, and mean the same.
    fn must_be_clear(&self) {
        let Refused { zh, en } = self;
        assert_eq!((zh.code(), fields(zh)), (en.code(), fields(en)));
        for text in said(zh) {
            assert!(is_chinese(&text), "no Chinese: {text}");
        }
        for text in said(en) {
            assert!(!text.is_empty() && !is_chinese(&text), "no English: {text}");
        }
    }

    pub fn code(&self) -> Code {
        self.zh.code()
    }

    /// The fields that it names, sorted.
    pub fn fields(&self) -> Vec<String> {
        fields(&self.zh)
    }

    /// The gate that refused, by its code.
    pub fn gate(&self) -> String {
        self.zh.get_details_error_info().map(|info| info.reason).unwrap_or_default()
    }

    /// The rule that decided, if one did.
    pub fn rule(&self) -> Option<String> {
        self.zh.get_details_error_info()?.metadata.get("rule").cloned()
    }

    /// All that is said, in both languages.
    pub fn text(&self) -> String {
        said(&self.zh).into_iter().chain(said(&self.en)).collect::<Vec<_>>().join("\n")
    }
}

fn fields(status: &Status) -> Vec<String> {
    let named = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    let mut fields: Vec<_> = named.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}

/// The sentence, and one for each field.
fn said(status: &Status) -> Vec<String> {
    let named = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    std::iter::once(status.message().to_owned())
        .chain(named.into_iter().map(|violation| violation.description))
        .collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}
