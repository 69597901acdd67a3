//! The parts of a commit that set inputs aside and bring them back.

use super::Builder;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AsideParts {
    pub put: bool,
    pub gone: bool,
    pub gone_timers: bool,
    pub trying: bool,
}

/// In the order in which `session::aside::bind` binds.
pub(super) fn parts(b: &mut Builder, parts: AsideParts) {
    if parts.put {
        let rows =
            b.unnest(&["uuid", "int2", "uuid", "int8", "text", "text", "bytea", "text", "text", "int8"]);
        b.part(&format!(
            "insert into quarantine (id, shard, aggregate, place, cause, kind, payload, fault, reason, at) \
             select * from {rows} \
             on conflict (id) do update set fault = excluded.fault, reason = excluded.reason"
        ));
    }
    if parts.gone {
        let ids = b.unnest(&["uuid"]);
        b.part(&format!("delete from quarantine where id in (select u.id from {ids} as u(id))"));
    }
    if parts.gone_timers {
        let rows = b.unnest(&["uuid", "text"]);
        b.part(&format!(
            "delete from quarantine q using {rows} as u(aggregate, cause) \
             where q.aggregate = u.aggregate and q.cause = u.cause"
        ));
    }
    if parts.trying {
        // Arrays of arrays do not unnest: one line per killer.
        let rows = b.unnest(&["int2", "text", "text"]);
        b.part(&format!(
            "update tenure t set trying = u.trying, killers = coalesce(string_to_array(u.killers, E'\\n'), '{{}}') \
             from {rows} as u(shard, trying, killers) where t.shard = u.shard"
        ));
    }
}
