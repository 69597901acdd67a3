create table follow_up_case (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    state text,
    branch text,
    next_try timestamptz,
    role text,
    barred text[] not null default '{}'
);
comment on table follow_up_case is 'One per ticket, under the ticket''s id: its call-backs of every cycle, and what decides about them.';
comment on column follow_up_case.state is 'early: heard of before it was opened; waiting: no call is due yet; due; sealed.';
comment on column follow_up_case.next_try is 'When the earliest open call is to be tried; null: none is open.';
comment on column follow_up_case.role is 'Who makes that call.';
comment on column follow_up_case.barred is 'Persons who may take no part (DG-03): reads leave the case out for them.';

create index follow_up_case_next on follow_up_case (next_try) where next_try is not null;
create index follow_up_case_branch on follow_up_case (branch, next_try) where next_try is not null;
