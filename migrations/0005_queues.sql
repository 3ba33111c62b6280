-- What an operator looks at.

-- How many messages wait at the broker, as it told a worker last: web servers have no connection to it.
create table queue_depth (
    vhost    text   not null,
    name     text   not null,
    messages bigint not null,
    asked_at bigint not null,
    primary key (vhost, name)
);

-- Since when somebody has the repository in hand.
alter table repository add column lease_since bigint;
