-- What every service's schema holds beside its own tables. Idempotent: run at
-- each start before the service's own migrations.

create table if not exists shard (
    shard int2 primary key,
    epoch int4 not null,
    seq int8 not null,
    hash bytea not null,
    stamp int8 not null,
    published int8 not null default 0
);
comment on table shard is 'The end of each shard''s journal; written by its one writer.';
comment on column shard.stamp is 'Microseconds UTC of the last stamp given; the next is above it.';
comment on column shard.published is 'Entries up to here are acknowledged by the event stream.';

create table if not exists journal (
    shard int2 not null,
    epoch int4 not null,
    seq int8 not null,
    hash bytea not null,
    kind text not null,
    payload bytea not null,
    subject uuid,
    branch text,
    actor text not null,
    cause text not null,
    hops int2 not null,
    directory_seq int8 not null,
    recorded_at int8 not null,
    occurred_at int8,
    to_shard int2,
    pair_seq int8,
    traceparent text not null,
    primary key (shard, seq)
);
comment on column journal.seq is 'Rises over epochs too, so a number is never given twice in one journal; an epoch begins above all that was known.';
comment on table journal is 'The truth, the outbox and the audit trail: seq without gaps, each entry hashed over the one before.';
create index if not exists journal_pair on journal (shard, to_shard, pair_seq) where to_shard is not null;
create index if not exists journal_subject on journal (subject) where subject is not null;

create table if not exists cursor (
    service text not null,
    from_shard int2 not null,
    to_shard int2 not null,
    peer boolean not null,
    epoch int4 not null,
    seq int8 not null,
    stream_seq int8 not null,
    primary key (to_shard, service, from_shard, peer)
);
alter table cursor add column if not exists hash bytea not null default ''::bytea;
comment on column cursor.hash is 'Of the last applied entry, over which the next one is hashed; empty or zero: not known.';
comment on table cursor is 'How far each source is applied, written with its effects. Peer: entries addressed to to_shard, counted by pair.';

create table if not exists pair (
    from_shard int2 not null,
    to_shard int2 not null,
    seq int8 not null,
    primary key (from_shard, to_shard)
);
comment on table pair is 'The last number of each pair of homes: entries for another home are gapless in it.';

create table if not exists timer (
    shard int2 not null,
    due_at int8 not null,
    name text not null,
    id uuid not null,
    primary key (id, name)
);
comment on table timer is 'The next action of each aggregate; due_at in microseconds of business time.';
create index if not exists timer_due on timer (shard, due_at);

create table if not exists reply (
    request uuid not null,
    caller text not null,
    shard int2 not null,
    content bytea not null,
    reply bytea not null,
    epoch int4 not null,
    seq int8 not null,
    at timestamptz not null default clock_timestamp(),
    primary key (request, caller)
);
create index if not exists reply_at on reply (at);
comment on table reply is 'Accepted requests, remembered 72 h; content is a keyed hash, the reply holds ids only.';

create table if not exists directory_entry (
    seq int8 primary key,
    kind text not null,
    payload bytea not null,
    recorded_at int8 not null
);
comment on table directory_entry is 'The directory''s journal as far as this service has read it.';

do $$ begin
    -- What an older program set aside cannot be decided again: it is kept to be read.
    if exists (select from information_schema.columns where table_schema = current_schema()
               and table_name = 'quarantine' and column_name = 'subject') then
        alter table quarantine rename to quarantine_before;
        alter index quarantine_pkey rename to quarantine_before_pkey;
    end if;
end $$;

create table if not exists quarantine (
    id uuid primary key,
    shard int2 not null,
    aggregate uuid,
    place int8 not null,
    cause text not null,
    kind text not null,
    payload bytea not null,
    fault text,
    reason text not null,
    at int8 not null
);
comment on table quarantine is 'Inputs that could not be decided, and those that wait behind them, until somebody redrives or discards.';
comment on column quarantine.aggregate is 'What is held with it; a command that failed holds nothing.';
comment on column quarantine.place is 'Its place in the queue of its aggregate.';
comment on column quarantine.payload is 'The input as the loop keeps it (MessagePack); what is personal in it is sealed.';
comment on column quarantine.fault is 'Why it could not be decided; null while it only waits.';
create index if not exists quarantine_queue on quarantine (aggregate, place);

create table if not exists tenure (
    shard int2 primary key,
    process uuid,
    trying text,
    killers text[] not null default '{}'
);
comment on table tenure is 'Which process owns a shard; null once it left in order. Written when a shard is taken, and while its owner is careful.';
comment on column tenure.trying is 'The input that is being tried after an owner died: if its trier dies too, it is set aside unread.';
comment on column tenure.killers is 'Inputs that former owners died on and that have not come again so far.';

create table if not exists vault_key (
    owner uuid primary key,
    wrapped bytea not null
);
comment on table vault_key is 'One key per customer, wrapped by the master key; destroying it erases what it sealed.';

create table if not exists vault_opening (
    id int8 generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    owner uuid not null,
    actor text not null,
    purpose text not null
);
comment on table vault_opening is 'Who opened sealed data, and why.';

create table if not exists stream (
    name text primary key,
    created text not null
);
comment on table stream is 'The event stream as last seen: another creation time means a wiped broker.';

create table if not exists executor (
    name text not null,
    shard int2 not null,
    seq int8 not null,
    acting int8,
    primary key (name, shard)
);
comment on table executor is 'How far each executor has read the journal; acting: begun, outcome not recorded.';

create table if not exists rewinding (
    service text not null,
    shard int2 not null,
    reader int2 not null,
    peer boolean not null,
    own boolean not null,
    epoch int4 not null,
    seq int8 not null,
    from_epoch int4 not null,
    from_seq int8 not null,
    to_epoch int4 not null,
    to_seq int8 not null,
    noted boolean not null default false,
    primary key (service, shard, reader, peer, own, epoch)
);
comment on table rewinding is 'Stretches of history taken back: own: by this service; else after they had been heard here. Peer: counted by pair.';
comment on column rewinding.noted is 'Which entries were withdrawn stands in ghost, as far as it could be found out.';

create table if not exists ghost (
    service text not null,
    shard int2 not null,
    epoch int4 not null,
    seq int8 not null,
    kind text not null,
    subject uuid,
    recorded_at int8 not null,
    primary key (service, shard, epoch, seq)
);
comment on table ghost is 'Entries that were withdrawn: of this service''s journal, or heard here before they were.';
create index if not exists ghost_subject on ghost (subject) where subject is not null;
