-- Since when a repository's news waits.

-- When the oldest of the wishes was made that are not met; the timer's comparisons are none of them. Only as long as the repository
-- is due: a program that does not know the column leaves it as it is.
alter table repository add column wished_at bigint;
-- The trace that began with that wish, as W3C's traceparent has it, where somebody traces.
alter table repository add column wish_trace text;

-- The oldest migration that a program must know of to work on these tables. Programs that know more have added to the tables and
-- changed nothing else; one day something may be taken away, and says so here.
create table compatibility (
    oldest bigint not null
);
insert into compatibility (oldest) values (11);
