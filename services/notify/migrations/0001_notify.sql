create table notice (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    state text,
    ticket text,
    branch text,
    recipient text,
    rule text,
    channel text,
    queued_at timestamptz
);
comment on table notice is 'One telling of one person, with what became of it. Words and address are sealed in the body.';
comment on column notice.state is 'queued (a failed try waits for the next one), sent, failed.';
comment on column notice.recipient is 'A person''s directory code; empty: nobody was found to be told.';
comment on column notice.rule is 'The playbook''s rule, or ladder-... for those whom the watchdog found.';

create index notice_ticket on notice (ticket, queued_at desc);
create index notice_newest on notice (queued_at desc);
create index notice_recipient on notice (recipient, queued_at desc);

create table notify_case (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    branch text,
    barred text[] not null default '{}'
);
comment on table notify_case is 'One per ticket, under the ticket''s id: what decides who is told.';
comment on column notify_case.barred is 'Persons who may take no part (DG-03): reads leave the case out for them.';
