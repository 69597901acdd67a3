create table work (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    number text,
    cycle bigint,
    state text,
    open boolean,
    branch text,
    case_type text,
    customer text,
    unit text,
    role text,
    holders text[] not null default '{}',
    approvers text[] not null default '{}',
    approval_roles text[] not null default '{}',
    barred text[] not null default '{}',
    opened_at timestamptz,
    changed_at timestamptz
);
comment on table work is 'The work order (派工单): one per ticket, under the ticket''s id, through all its cycles.';
comment on column work.state is 'unplaced: nobody found yet; dispatched; acknowledged; sealed: all done; withdrawn: the ticket ended first.';
comment on column work.open is 'Something may still be done in this cycle.';
comment on column work.role is 'The role that the newest hand-off went to.';
comment on column work.holders is 'Directory codes of the persons whose turn something is: receiver, performers, helpers, approvers.';
comment on column work.approvers is 'Those of them who are asked to approve.';
comment on column work.approval_roles is 'The roles whose approval is asked for now; stands even while nobody is found for one.';
comment on column work.barred is 'Persons who may take no part (DG-03): reads leave the order out for them.';

create index work_open_branch on work (branch, id) where open;
create index work_open on work (id) where open;
create index work_holders on work using gin (holders) where open;
create index work_approvals on work (id) where open and cardinality(approval_roles) > 0;
create index work_customer on work (customer);
