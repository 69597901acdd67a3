-- The staff list and the rule binder: one row each, written by the one writer.

create table node (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    code text not null,
    parent text,
    level text not null,
    name text not null,
    closed boolean not null
);
comment on table node is 'The organisation: group, division, area, branch, department.';
comment on column node.name is 'The name of an organisation; telephone and address are sealed in the body.';
create unique index node_code on node (code);
create index node_level on node (level, code);

create table person (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    code text not null,
    roles text[] not null,
    deputy text,
    disabled boolean not null
);
comment on table person is 'The staff by code; name, telephone and mail are sealed in the body.';
comment on column person.roles is 'What lists are filtered by: gm, @B1, gm@B1.';
create unique index person_code on person (code);
create index person_roles on person using gin (roles);

create table account (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    code text not null
);
comment on table account is 'Who may sign in; the body holds the argon2id hash of the password.';

create table playbook (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    playbook text not null,
    version bigint not null,
    activated_at timestamptz not null
);
comment on table playbook is 'Versions in force with their digests; the text is in the journal.';

create table calendar (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    calendar text not null,
    version bigint not null,
    activated_at timestamptz not null
);
comment on table calendar is 'Calendars in force, each with its source, for others inherit from it.';

create table catalogue (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    nodes bigint not null,
    persons bigint not null
);
comment on table catalogue is 'One row: the codes that exist, so that parents and deputies are checked without a query.';

create table time_rule (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    mode text not null,
    business_at timestamptz not null
);
comment on table time_rule is 'At most one row: how business time runs.';
