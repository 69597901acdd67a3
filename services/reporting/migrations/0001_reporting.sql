-- The read model: a row per ticket, written by the one writer from what all
-- other services say.

create table ticket_row (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    number text not null,
    branch text not null,
    playbook text not null,
    case_type text not null,
    state text not null,
    open boolean not null,
    category text not null,
    severity text not null,
    holder text,
    barred text[] not null,
    opened_at timestamptz,
    closed_at timestamptz,
    rank_at timestamptz not null,
    last_at timestamptz not null
);
comment on table ticket_row is 'Milliseconds behind the owners, who decide; the body holds verdicts, surveys and the log.';
comment on column ticket_row.opened_at is 'Null until the opening was heard; such a row is not shown.';
comment on column ticket_row.closed_at is 'Of the current cycle.';
comment on column ticket_row.barred is 'Persons who may not see it (DG-03).';
comment on column ticket_row.rank_at is 'The deadline that runs out first; without one 9999-01-01, so that a board has one order.';
comment on column ticket_row.last_at is 'The newest thing that happened: a period after it need not look here.';
create index ticket_row_rank on ticket_row (rank_at, id) where opened_at is not null;
create index ticket_row_branch on ticket_row (branch, rank_at, id) where opened_at is not null;
create index ticket_row_open on ticket_row (rank_at, id) where opened_at is not null and open;
create index ticket_row_period on ticket_row (playbook, last_at) where opened_at is not null;
create index ticket_row_number on ticket_row (number);

create table issued (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    report text not null,
    period text not null,
    digest text not null,
    issued_by text not null,
    issued_at timestamptz not null
);
comment on table issued is 'Documents handed out, by the BLAKE3 of their CSV: the same journals give the same bytes.';
create index issued_report on issued (report, period);
