//! What is shown of a personal field to whoever may see the case but did not ask to reveal it.

use chassis::mask;
use playbook::{Field, FieldKind};

use crate::form;

/// The masked value of a form's field; of a field that the form no longer knows, only its length.
pub fn field(field: Option<&Field>, text: &str) -> String {
    match field.map(|field| (&field.kind, form::is_name(field))) {
        Some((FieldKind::Phone, _)) => mask::phone(text),
        Some((FieldKind::Plate, _)) => mask::plate(text),
        Some((FieldKind::Vin, _)) => vin(text),
        Some((_, true)) => mask::name(text),
        _ => mask::text(text),
    }
}

/// The last four places: enough to recognise the car on the lift.
fn vin(text: &str) -> String {
    let tail = text.char_indices().rev().nth(3).map_or("", |(at, _)| &text[at..]);
    format!("****{tail}")
}

#[cfg(test)]
mod tests {
    use playbook::{Required, Text};

    use super::*;

    fn named(name: &str, kind: FieldKind) -> Field {
        Field {
            name: name.into(),
            label: Text::default(),
            kind,
            required: Required::Never,
            personal: true,
            hint: None,
            rules: vec![],
        }
    }

    #[test]
    fn each_kind_shows_what_is_needed_to_recognise_it() {
        let shown = |name, kind, text| field(Some(&named(name, kind)), text);
        assert_eq!(shown("phone", FieldKind::Phone, "+8613812345678"), "138****5678");
        assert_eq!(shown("plate", FieldKind::Plate, "沪A12345"), "沪A****5");
        assert_eq!(shown("vin", FieldKind::Vin, "1M8GDM9AXKP042788"), "****2788");
        assert_eq!(shown("customer_name", FieldKind::Text, "李小明"), "李**");
        assert_eq!(shown("content", FieldKind::Text, "变速箱异响"), "[5]");
        assert_eq!(field(None, "abc"), "[3]");
    }
}
