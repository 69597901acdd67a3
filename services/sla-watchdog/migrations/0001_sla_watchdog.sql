create table cases (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    branch text,
    next_due timestamptz,
    next_clock text,
    state text,
    barred text[] not null default '{}',
    calendars text[] not null default '{}'
);
comment on table cases is 'All clocks of a ticket, under the ticket''s id: evidence heard, what was said of each clock.';
comment on column cases.next_due is 'The deadline that comes first of the clocks not ended; one missed and still open comes before all others.';
comment on column cases.next_clock is 'The playbook''s name of the clock that next_due belongs to.';
comment on column cases.state is 'early (the opening was not heard yet), open, uncovered (open, but no clock runs and no named wait is open: P9), closed.';
comment on column cases.barred is 'Persons who may take no part (DG-03): reads leave the case out for them.';
comment on column cases.calendars is 'Calendar versions under which clocks run that are not judged yet: a new version moves them.';

-- The chase list, of everywhere and of one branch.
create index cases_next_due on cases (next_due, id) where next_due is not null;
create index cases_branch_due on cases (branch, next_due, id) where next_due is not null;
-- What nobody chases.
create index cases_uncovered on cases (branch) where state = 'uncovered';
-- Clocks to be computed anew when a calendar changes.
create index cases_running on cases (id) where calendars <> '{}';
