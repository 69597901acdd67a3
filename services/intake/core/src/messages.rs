//! Whether a customer wants messages. He is asked, or says so himself; until then he does.

use chassis_core::{About, Halt, Step};
use proto::intake::v1 as said;

use crate::{access, command::SetMessages, state::Customer};

pub(crate) fn set(command: &SetMessages, step: &mut Step<'_>) -> Result<(), Halt> {
    access::has_any_role(step.actor())?;
    let mut customer: Customer = step.need(command.customer, "客户", "customer")?;
    if customer.no_messages != command.wanted {
        return Ok(());
    }
    customer.no_messages = !command.wanted;
    step.put(&customer);
    let customer_id = customer.id.to_string();
    step.say(About::default(), said::CustomerMessagesSet { customer_id, wanted: command.wanted });
    Ok(())
}
