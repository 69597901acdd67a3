//! Who is calling: the customer of a phone, found or created at the phone's home, so that a retry
//! or a second agent with the same new caller meets the same writer and gets the same answer.

use chassis_core::{Halt, Refusal, RefusalKind, Step};
use proto::Id;

use crate::{
    access,
    command::{AssetGiven, Identified, Identify},
    keys,
    state::{Customer, KnownAsset, PhoneBook},
};

pub(crate) fn identify(command: &Identify, step: &mut Step<'_>) -> Result<Identified, Halt> {
    access::has_any_role(step.actor())?;
    let (mut customer, created) = find_or_create(command, step)?;
    let before = customer.clone();
    // Sealed under another owner's key (a race with the first call of a new number): what is on
    // file stays, and the words that do not belong to it are dropped.
    let ours = customer.id == command.owner;
    if ours {
        fill_name(&mut customer, command);
    }
    let asset = command.asset.as_ref().and_then(|given| name_asset(&mut customer, given, ours));
    if created || customer != before {
        step.put(&customer);
    }
    Ok(Identified {
        customer: customer.id,
        asset,
        created,
        file_check: customer.file_check(asset),
        open_tickets: customer.open_tickets(),
    })
}

fn find_or_create(command: &Identify, step: &mut Step<'_>) -> Result<(Customer, bool), Halt> {
    let home = keys::phone_book(&command.phone_token);
    if let Some(book) = step.get::<PhoneBook>(home)? {
        return Ok((step.need(book.customer, "客户", "customer")?, false));
    }
    if command.owner.bucket() != home.bucket() {
        return Err(moved().into());
    }
    step.put(&PhoneBook { id: home, customer: command.owner });
    let customer = Customer {
        id: command.owner,
        phone: command.phone.clone(),
        name: command.name.clone(),
        tokens: sorted(command.tokens.clone()),
        assets: Vec::new(),
        tickets: Vec::new(),
        contacts: Vec::new(),
        no_messages: false,
        since: step.now(),
    };
    Ok((customer, true))
}

/// The customer that the shell had found under this phone is gone (erased meanwhile).
fn moved() -> Refusal {
    Refusal::new(
        RefusalKind::Aborted,
        "customer-moved",
        "客户档案刚刚变动，请重新查询来电号码。",
        "The customer file has just changed; identify the caller again.",
    )
}

fn fill_name(customer: &mut Customer, command: &Identify) {
    if customer.name.is_none() && command.name.is_some() {
        customer.name.clone_from(&command.name);
        customer.tokens = sorted([customer.tokens.as_slice(), &command.tokens].concat());
    }
}

/// The asset on file with this plate or VIN, else a new one. The id comes from the plate where
/// there is one: every complaint carries it (DG-04), so all callers about a car meet at one home.
fn name_asset(customer: &mut Customer, given: &AssetGiven, ours: bool) -> Option<Id> {
    let same = |known: &KnownAsset| {
        let both = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        both(&known.plate_token, &given.plate_token) || both(&known.vin_token, &given.vin_token)
    };
    if let Some(known) = customer.assets.iter_mut().find(|known| same(known)) {
        if ours {
            complete(known, given);
        }
        return Some(known.id);
    }
    let id = keys::asset(given.plate_token.as_ref().or(given.vin_token.as_ref())?);
    let sealed = |text: &Option<_>| if ours { text.clone() } else { None };
    customer.assets.push(KnownAsset {
        id,
        plate_token: given.plate_token.clone(),
        vin_token: given.vin_token.clone(),
        plate: sealed(&given.plate),
        vin: sealed(&given.vin),
        model: sealed(&given.model),
        tokens: sorted(given.tokens.clone()),
        brand: given.brand.clone(),
        confirmed: false,
    });
    Some(id)
}

/// What the file did not know yet. A car with a known VIN keeps its id when its plate changes.
fn complete(known: &mut KnownAsset, given: &AssetGiven) {
    fn fill<T: Clone>(known: &mut Option<T>, given: &Option<T>) {
        if known.is_none() {
            known.clone_from(given);
        }
    }
    fill(&mut known.plate_token, &given.plate_token);
    fill(&mut known.vin_token, &given.vin_token);
    fill(&mut known.plate, &given.plate);
    fill(&mut known.vin, &given.vin);
    fill(&mut known.model, &given.model);
    fill(&mut known.brand, &given.brand);
    known.tokens = sorted([known.tokens.as_slice(), &given.tokens].concat());
}

pub(crate) fn sorted(mut tokens: Vec<String>) -> Vec<String> {
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
