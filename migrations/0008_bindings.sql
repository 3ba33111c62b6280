-- Keys by which a queue of ours is, or may be, bound to an exchange: a broker does not list them to whoever has no more than Pulse's
-- rights. Written before the broker is told, deleted after it let go.
create table queue_binding (
    vhost text not null,
    name  text not null,
    key   text not null,
    primary key (vhost, name, key)
);
