create table tally (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    latest bigint not null check (latest <> 19)
);
comment on table tally is 'What was heard of a case. 19 is what this database does not take.';
