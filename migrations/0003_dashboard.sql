-- What pages ask for, found quickly.

-- Pushes by time, of all repositories and of one; the number decides where two came in the same second.
drop index push_date;
create index push_newest on push (date, id);
create index push_of_repository on push (repository, date, id);

-- Counts changes of things that are read far more often than they change, so that what was read before can be used until then.
create table version (
    name   text   primary key,
    number bigint not null
);
insert into version (name, number) values ('results', 1);

-- When the last message that came to this was taken.
alter table message_count add column last_at bigint;
