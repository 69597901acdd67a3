-- What belongs to one person alone; no event speaks of it.

create table sessions (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    code text not null
);
comment on table sessions is 'Signed-out sessions, by person: their tokens are not renewed and their cookies are refused everywhere.';

create table settings (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    code text not null
);
comment on table settings is 'Filters that a person keeps; their names are sealed in the body.';
