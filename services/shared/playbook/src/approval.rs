//! The authority matrix: kind x amount band x conditions -> chain of approvers. Nobody approves his own request.

use calendar::Limit;
use serde::Serialize;

use crate::{clock::Rung, condition::Condition, facts::Facts, role::RoleAt, step::Performer, text::Text};

/// One stage of a chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Approver {
    pub role: RoleAt,
    /// How long the stage may take.
    #[serde(serialize_with = "crate::model::limit_text")]
    pub limit: Limit,
}

/// A band of amounts: above the band before it, up to and including `up_to`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Minor units, included; `None` for the last band.
    pub up_to: Option<i64>,
    pub chain: Vec<Approver>,
    pub rules: Vec<String>,
}

/// Bands for one kind of request under one condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ladder {
    pub kind: String,
    /// Ladders of the same kind are tried in order; the last has no condition.
    pub when: Option<Condition>,
    /// Ascending.
    pub bands: Vec<Band>,
}

/// A verbal approval counts at once, and the paper follows: until then the work is not complete, and a clock runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verbal {
    #[serde(serialize_with = "crate::model::limit_text")]
    pub paper_within: Limit,
    /// Who hears of a paper that is not there.
    pub ladder: Vec<Rung>,
    pub rules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matrix {
    pub id: String,
    pub name: Text,
    pub currency: String,
    pub ladders: Vec<Ladder>,
    /// A deputy may decide for somebody absent.
    pub deputies: bool,
    pub verbal: Option<Verbal>,
    pub rules: Vec<String>,
}

impl Matrix {
    /// The band that an amount falls into; `None` for a kind the matrix does not know.
    pub fn band(&self, kind: &str, amount_minor: i64, facts: &Facts) -> Option<&Band> {
        let ladder =
            self.ladders.iter().find(|l| l.kind == kind && Condition::met(l.when.as_ref(), facts))?;
        ladder.bands.iter().find(|band| band.up_to.is_none_or(|top| amount_minor <= top))
    }

    /// Who approves, one after another.
    pub fn chain(&self, kind: &str, amount_minor: i64, facts: &Facts) -> Option<&[Approver]> {
        self.band(kind, amount_minor, facts).map(|band| band.chain.as_slice())
    }
}

/// How a step uses a matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalUse {
    pub matrix: String,
    pub kind: String,
    /// Money fact that picks the band; without one, or while it is unknown, the amount is 0.
    pub amount: Option<String>,
    /// Who asks, and so may not decide.
    pub requester: Performer,
    /// The step whose doer asks: he may not decide either.
    pub asked_in: Option<String>,
    /// A refusal goes back to this step.
    pub refused_to: String,
}

impl ApprovalUse {
    pub fn amount_minor(&self, facts: &Facts) -> i64 {
        self.amount.as_deref().and_then(|fact| facts.minor(fact)).unwrap_or(0)
    }
}
