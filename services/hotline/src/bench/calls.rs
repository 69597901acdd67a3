//! Cases as the bench opens them: invented callers, each with a car of his own.

use std::collections::BTreeMap;

use proto::intake::v1::{IdentifyRequest, IdentifyResponse, OpenTicketRequest};

use crate::client::request_id;

const SERIES: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789";
const CATEGORIES: [&str; 3] = ["product_quality", "repair_quality", "new_car_contract"];

/// The caller with this number: a telephone that nobody has, a plate that is not given out.
pub struct Caller {
    number: u64,
}

impl Caller {
    pub fn new(number: u64) -> Caller {
        Caller { number }
    }

    fn phone(&self) -> String {
        format!("142{:08}", self.number % 100_000_000)
    }

    fn plate(&self) -> String {
        let base = SERIES.len() as u64;
        let digit = |place: u32| char::from(SERIES[(self.number / base.pow(place) % base) as usize]);
        format!("京Z{}{}{}{}{}", digit(4), digit(3), digit(2), digit(1), digit(0))
    }

    pub fn identify(&self) -> IdentifyRequest {
        IdentifyRequest {
            request_id: request_id(),
            phone: self.phone(),
            name: "钱测试".to_owned(),
            plate: self.plate(),
            model: "朔风 北辰 2.0T".to_owned(),
            ..Default::default()
        }
    }

    pub fn open(&self, known: IdentifyResponse, branches: &[String]) -> OpenTicketRequest {
        let pick =
            |list: &[String]| list.get(self.number as usize % list.len().max(1)).cloned().unwrap_or_default();
        let category = CATEGORIES[self.number as usize % CATEGORIES.len()];
        let content = "更换零件之后，行驶中仍有异响，已到店两次，要求彻底解决并说明原因。";
        let form = [
            ("customer_name", "钱测试".to_owned()),
            ("phone", self.phone()),
            ("plate", self.plate()),
            ("model", "朔风 北辰 2.0T".to_owned()),
            ("content", content.to_owned()),
            ("category", category.to_owned()),
            ("source", "call_centre".to_owned()),
        ];
        OpenTicketRequest {
            request_id: request_id(),
            customer_id: known.customer_id,
            asset_id: known.asset_id,
            playbook: "dealer-group".to_owned(),
            case_type: "complaint".to_owned(),
            branch: pick(branches),
            channel: "phone".to_owned(),
            form: form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_callers_share_a_telephone_or_a_car() {
        let callers = || (0..50_000).map(Caller::new);
        assert_eq!(callers().map(|caller| caller.phone()).collect::<HashSet<_>>().len(), 50_000);
        assert_eq!(callers().map(|caller| caller.plate()).collect::<HashSet<_>>().len(), 50_000);
        assert!(callers().all(|caller| caller.phone().len() == 11 && caller.plate().chars().count() == 7));
    }
}
