-- Forests, repositories, pushes, changesets, and what could not be taken.
--
-- One text for SQLite and PostgreSQL: {id} is a number that counts by itself. Columns that end in _at, _until and _since are
-- microseconds since 1970 by our clock; `date` is seconds since 1970 as the outside says it. Yes and no are 1 and 0.
-- Text from outside is kept as domain::Kept writes it, so that bytes which are not text survive.

create table locale (
    id     {id},
    code   text not null unique,
    name   text,
    native text
);

create table forest (
    id       {id},
    name     text   not null unique,
    url      text   not null unique,
    archived bigint not null default 0,
    fork_of  bigint references forest (id)
);

create table repository (
    id             {id},
    name           text   not null unique,
    url            text   not null unique,
    host           text   not null,
    vcs            text   not null,
    forest         bigint references forest (id),
    locale         bigint references locale (id),
    fork_of        bigint references repository (id),
    -- The folder under clones/: the origin's name for a fork that shares its clone.
    clone          text   not null,
    archived       bigint not null default 0,
    created_at     bigint not null,

    -- Counts how often the host made the repository anew; ids of pushes are unique within one.
    generation     bigint not null default 1,
    announced_push bigint not null default 0,
    last_push      bigint not null default 0,

    -- How often somebody wanted it looked at without naming a push, and how many of these wishes are met.
    wishes         bigint not null default 0,
    wishes_met     bigint not null default 0,

    -- When it is to be taken next, none while there is nothing to do; who came with news (0) before the timer (1).
    due_at         bigint,
    priority       bigint not null default 0,
    lease_holder   text,
    lease_until    bigint not null default 0,

    checked_at     bigint,
    failing_since  bigint,
    attempts       bigint not null default 0,
    error_class    text,
    error          text
);
create index repository_due on repository (due_at);
create index repository_clone on repository (clone);
create index repository_forest on repository (forest);

create table branch (
    id   {id},
    name text not null unique
);

create table file (
    id     {id},
    -- 160 bits of the path's SHA-256: a path may be longer than what a B-tree of PostgreSQL takes.
    digest text not null unique,
    path   text not null
);

create table changeset (
    id            {id},
    revision      text   not null unique,
    -- 0 for a placeholder: somebody named the changeset, nobody has seen it.
    known         bigint not null default 0,
    author        text,
    description   text,
    branch        bigint references branch (id),
    closes_branch bigint not null default 0,
    date          bigint,
    -- Seconds west of UTC.
    date_offset   bigint,
    obsolete      bigint not null default 0
);
create index changeset_placeholder on changeset (id) where known = 0;

-- Before every first changeset.
insert into changeset (revision, known, author, description, date, date_offset)
values ('0000000000000000000000000000000000000000', 1, '', '', 0, 0);

create table changeset_parent (
    changeset bigint not null references changeset (id),
    position  bigint not null,
    parent    bigint not null references changeset (id),
    primary key (changeset, position)
);
create index changeset_parent_parent on changeset_parent (parent);

-- The largest table, and without foreign keys: docs/decisions says why.
create table changeset_file (
    changeset bigint not null,
    file      bigint not null,
    primary key (changeset, file)
);
create index changeset_file_file on changeset_file (file);

-- Which changesets a repository holds. Whatever is here has its ancestors here too, in the same generation or a later one.
create table repository_changeset (
    repository bigint not null references repository (id),
    changeset  bigint not null references changeset (id),
    generation bigint not null,
    primary key (repository, changeset)
);
create index repository_changeset_changeset on repository_changeset (changeset);

create table push (
    id         {id},
    repository bigint not null references repository (id),
    generation bigint not null,
    push_id    bigint not null,
    -- `user` is a word of SQL.
    pusher     text   not null,
    date       bigint not null,
    unique (repository, generation, push_id)
);
create index push_date on push (date);

create table push_changeset (
    push      bigint not null references push (id),
    changeset bigint not null references changeset (id),
    position  bigint not null,
    primary key (push, changeset)
);
create index push_changeset_changeset on push_changeset (changeset);

-- One row a successor; a pruned changeset has one row with the null changeset.
create table obsolescence (
    id         {id},
    precursor  bigint not null references changeset (id),
    successor  bigint not null references changeset (id),
    repository bigint not null references repository (id),
    marker_user text,
    date       bigint not null,
    unique (precursor, successor)
);
create index obsolescence_successor on obsolescence (successor);

create table parked (
    id           {id},
    digest       text   not null unique,
    exchange     text   not null,
    routing_key  text   not null,
    body         text   not null,
    reason       text   not null,
    times        bigint not null default 1,
    first_at     bigint not null,
    last_at      bigint not null
);

-- What became of messages, by exchange, type and outcome.
create table message_count (
    exchange text   not null,
    kind     text   not null,
    outcome  text   not null,
    count    bigint not null,
    primary key (exchange, kind, outcome)
);
