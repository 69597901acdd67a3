//! Explained and done: what the rule book does not open as a case is put on record as a contact, in the customer's file
//! and in the journal. Nobody works on it and no clock runs.

use chassis_core::{About, Step};
use proto::intake::v1 as said;

use crate::{command::Contacted, keys, open::Draft, state::CustomerContact};

pub(crate) fn log(draft: Draft<'_>, step: &mut Step<'_>) -> Contacted {
    let branch = draft.branch.clone();
    let bucket =
        draft.customer.as_ref().map_or_else(|| keys::branch_bucket(&branch), |file| file.id.bucket());
    let contact = CustomerContact {
        id: step.mint(bucket),
        playbook: draft.playbook.id.clone(),
        case_type: draft.case_type.id.clone(),
        category: draft.judged.category.clone(),
        branch: branch.clone(),
        channel: draft.channel.clone(),
        at: draft.opened_at,
        by: step.actor().code(),
        personal: draft.personal.clone(),
    };
    let about = About { subject: Some(contact.id), branch: Some(branch), occurred_at: draft.occurred_at };
    step.say(about, logged(&draft, &contact));
    let (id, category) = (contact.id, contact.category.clone());
    if let Some(mut customer) = draft.customer {
        customer.remember_contact(contact);
        step.put(&customer);
    }
    Contacted { contact: id, category }
}

fn logged(draft: &Draft<'_>, contact: &CustomerContact) -> said::ContactLogged {
    said::ContactLogged {
        contact_id: contact.id.to_string(),
        customer_id: draft.customer.as_ref().map(|file| file.id.to_string()).unwrap_or_default(),
        playbook: Some(proto::common::v1::PlaybookRef {
            id: draft.playbook.id.clone(),
            version: draft.playbook.version,
        }),
        case_type: contact.case_type.clone(),
        branch: contact.branch.clone(),
        channel: contact.channel.clone(),
        category: contact.category.clone(),
        facts: organisation::facts::to_proto(&draft.facts),
        logged_at: contact.at.0,
    }
}
