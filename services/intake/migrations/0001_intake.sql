-- The register: tickets, customers by phone, assets, counters. Each row has the
-- columns that people query and the aggregate itself (`body`, MessagePack).

create table ticket (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    number text not null,
    state text not null,
    branch text not null,
    case_type text not null,
    category text not null,
    severity text not null,
    opened_at timestamptz not null,
    customer text,
    barred text[] not null,
    tokens text[] not null
) with (fillfactor = 80);
comment on table ticket is 'A case (立项 to 销项). Personal text inside the body is sealed; columns are impersonal.';
comment on column ticket.number is 'Read out to the customer: shard, sequence, Luhn digit. Unique by construction; no constraint spans shards.';
comment on column ticket.state is 'open, closed';
comment on column ticket.barred is 'Persons complained about, by directory code: they do not see the case (DG-03).';
comment on column ticket.tokens is 'Keyed, truncated search tokens of phone, plate, VIN and name.';
create index ticket_number on ticket (number);
create index ticket_customer on ticket (customer) where customer is not null;
create index ticket_tokens on ticket using gin (tokens) with (fastupdate = on);

create table customer (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    since timestamptz not null,
    tokens text[] not null
) with (fillfactor = 80);
comment on table customer is 'Whoever called; name and phone are sealed in the body.';
comment on column customer.tokens is 'Keyed, truncated search tokens; copied to each ticket, which is where people search.';

create table phone_book (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    customer text not null
);
comment on table phone_book is 'Phone to customer. The id is made from the phone''s keyed token, so one phone has one writer.';

create table asset (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    openings int8 not null
);
comment on table asset is 'A vehicle, product or flat at its own home: all openings about it in one order, for repeats (A-08).';
comment on column asset.openings is 'How many openings the body remembers.';

create table counter (
    id uuid primary key,
    shard int2 not null,
    body bytea not null,
    last int8 not null
);
comment on table counter is 'The last ticket number given in a shard.';
