//! Statements over the read model. Instants travel as microseconds, as the
//! writer stores them, so that a page begins exactly where the last one ended.

/// A page of a board. $1 branches or null for all; $2 state (`open`: not
/// closed); $3 type; $4 severity; $5 the person who looks; $6, $7 where the
/// last page ended; $8 how many; $9 who holds it.
pub const BOARD: &str = "\
    select body from ticket_row \
    where opened_at is not null \
      and ($1::text[] is null or branch = any($1)) \
      and ($2 = '' or ($2 = 'open' and open) or state = $2) \
      and ($3 = '' or case_type = $3) \
      and ($4 = '' or severity = $4) \
      and ($9 = '' or holder = $9) \
      and not barred @> array[$5] \
      and (rank_at, id) > ('epoch'::timestamptz + $6 * interval '1 microsecond', $7::uuid) \
    order by rank_at, id limit $8";

/// Everything that a period may concern, in one statement: one moment of the
/// model. $1 playbook; $2, $3 the period; $4 branches or null for all.
pub const PERIOD: &str = "\
    select body from ticket_row \
    where opened_at is not null and playbook = $1 \
      and last_at >= 'epoch'::timestamptz + $2 * interval '1 microsecond' \
      and opened_at < 'epoch'::timestamptz + $3 * interval '1 microsecond' \
      and ($4::text[] is null or branch = any($4))";

/// How far each source is applied, by any replica.
pub const CURSORS: &str = "\
    select service, from_shard, max(seq) from cursor \
    where not peer and service <> 'reporting' \
    group by service, from_shard order by service, from_shard";
