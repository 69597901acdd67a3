-- Duties: which cases of a branch are opened by themselves, and when next.

create table almanac (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    playbook text not null,
    branch text not null
);
comment on table almanac is 'The next day of each duty of a branch under a rule book; the timer "duties" opens its case.';
