-- Repositories of git: branches that move instead of a pushlog, and locales that are folders.

-- The host's own number of the repository, which stays when it gets another name; known once it has said it.
alter table repository add column host_number bigint;
-- The branches that are followed, as JSON; none where it is the one that the host calls its HEAD.
alter table repository add column branches text;
-- Which locale a path belongs to, as elmo_l10n keeps rules; none where the repository is for one locale or for none.
alter table repository add column locale_rules text;
create index repository_host_number on repository (host, host_number);

-- Where a branch was when its last move was recorded; the null changeset where it is deleted.
create table branch_head (
    repository bigint not null references repository (id),
    branch     bigint not null references branch (id),
    changeset  bigint not null references changeset (id),
    primary key (repository, branch)
);

-- What a host said of a branch's moves, once for each move whichever way it came. Its commits may not be here yet.
create table notice (
    id         {id},
    repository bigint not null references repository (id),
    branch     bigint not null references branch (id),
    origin     text   not null,
    target     text   not null,
    pusher     text   not null,
    date       bigint not null,
    taken_at   bigint not null,
    unique (repository, branch, origin, target, date)
);

-- A push of git is one move of a branch. Until somebody says who moved it and when, it is only seen, and `date` is when.
alter table push add column branch bigint;
alter table push add column origin bigint;
alter table push add column target bigint;
alter table push add column seen bigint not null default 0;
create index push_seen on push (repository) where seen = 1;

-- What a push took away from its branch. Whatever a later push brings again is there again.
create table push_dropped (
    push      bigint not null references push (id),
    changeset bigint not null references changeset (id),
    position  bigint not null,
    primary key (push, changeset)
);
create index push_dropped_changeset on push_dropped (changeset);

-- What happened to a repository itself: renamed, moved, another default branch.
create table repository_event (
    id         {id},
    repository bigint not null references repository (id),
    kind       text   not null,
    words      text   not null,
    at         bigint not null,
    unique (repository, kind, words)
);

-- Which locale a file of a repository belongs to, by its rules; files of none are not here.
create table file_locale (
    repository bigint not null references repository (id),
    file       bigint not null,
    locale     bigint not null references locale (id),
    primary key (repository, file)
);

-- The locales that the files of a push belong to.
create table push_locale (
    push   bigint not null references push (id),
    locale bigint not null references locale (id),
    primary key (push, locale)
);
create index push_locale_locale on push_locale (locale, push);
