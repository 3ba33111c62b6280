-- What tasks publish: runs of a comparison, one for each tree and locale, hooked to the changesets that were compared.

-- A repository that a comparison names, whether it is followed or not; the followed one has the same URL.
create table compared_repository (
    id  {id},
    url text not null unique
);

-- What a product compares: a configuration in a repository.
create table tree (
    id         {id},
    code       text   not null unique,
    repository bigint not null references compared_repository (id),
    config     text   not null,
    unique (repository, config)
);

-- One run of a task. A re-run is a result of its own.
create table task_result (
    id              {id},
    root            text   not null,
    task            text   not null,
    task_run        bigint not null,
    resolved_at     bigint not null,
    compare_locales text   not null,
    taken_at        bigint not null,
    unique (root, task, task_run)
);

-- Details of comparisons by reference; the bytes are fetched when somebody looks.
create table artifact (
    id         {id},
    result     bigint not null references task_result (id),
    name       text   not null,
    expires_at bigint,
    unique (result, name)
);

create table run (
    id           {id},
    result       bigint not null references task_result (id),
    tree         bigint not null references tree (id),
    locale       bigint not null references locale (id),
    artifact     bigint not null references artifact (id),
    -- Seconds since 1970: the newest push among what was compared; while none is known, when the task ended.
    srctime      bigint not null,
    errors       bigint not null,
    warnings     bigint not null,
    missing      bigint not null,
    missing_w    bigint not null,
    report       bigint not null,
    obsolete     bigint not null,
    changed      bigint not null,
    changed_w    bigint not null,
    unchanged    bigint not null,
    unchanged_w  bigint not null,
    keys         bigint not null,
    total        bigint not null,
    completion   bigint not null,
    total_w      bigint not null,
    completion_w bigint not null,
    unique (result, tree, locale)
);
create index run_active on run (tree, locale, srctime);

create table run_revision (
    run        bigint not null references run (id),
    changeset  bigint not null references changeset (id),
    repository bigint not null references compared_repository (id),
    primary key (run, repository)
);
create index run_revision_changeset on run_revision (changeset);

-- The run that counts for a tree and locale: the newest srctime, then the newest end of its task.
create table active (
    tree   bigint not null references tree (id),
    locale bigint not null references locale (id),
    run    bigint not null references run (id),
    primary key (tree, locale)
);

-- Which deployment a parked message came from; when it is tried again by itself, if it is, and how often it was.
alter table parked add column root text;
alter table parked add column due_at bigint;
alter table parked add column tries bigint not null default 0;
create index parked_due on parked (due_at);
