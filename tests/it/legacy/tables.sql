-- Tables of an old Elmo, as Django makes them; {id}, {bool} and {time} are written differently by the two databases.
create table life_locale (id {id}, code varchar(30) not null unique, name varchar(100), native varchar(100));
create table life_branch (id {id}, name text not null);
create table life_forest (
    id {id}, name varchar(100) not null unique, url varchar(200) not null, archived {bool} not null,
    fork_of_id integer references life_forest (id)
);
create table life_repository (
    id {id}, name varchar(100) not null unique, url varchar(200) not null, archived {bool} not null,
    forest_id integer references life_forest (id), locale_id integer references life_locale (id),
    fork_of_id integer references life_repository (id)
);
create table life_changeset (
    id {id}, revision varchar(40) not null unique, "user" varchar(200) not null, description text,
    branch_id integer not null references life_branch (id)
);
create table life_repository_changesets (id {id}, repository_id integer not null, changeset_id integer not null);
create table life_push (
    id {id}, "user" varchar(200) not null, push_date {time} not null, push_id integer not null check (push_id >= 0),
    repository_id integer not null references life_repository (id)
);
create table life_push_changesets (id {id}, push_id integer not null, changeset_id integer not null);
create table life_tree (id {id}, code varchar(50) not null unique, l10n_id integer not null references life_forest (id));
create table life_tree_repositories (id {id}, tree_id integer not null, repository_id integer not null);
create table l10nstats_run (
    id {id}, srctime {time}, missing integer not null, "missingInFiles" integer not null, obsolete integer not null,
    total integer not null, changed integer not null, unchanged integer not null, keys integer not null,
    errors integer not null, report integer not null, warnings integer not null, completion smallint not null,
    build_id integer, locale_id integer not null references life_locale (id), tree_id integer not null references life_tree (id)
);
create table l10nstats_run_revisions (id {id}, run_id integer not null, changeset_id integer not null);
create table l10nstats_active (id {id}, run_id integer not null unique);
