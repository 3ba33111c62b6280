-- One change in Mercurial and in git, and what a locale's list is made of.

-- Which commit of git a changeset is, as the pushlog of a Mercurial repository says. The commit is its name only: it may be recorded
-- before, later or never, and never is no reason to keep a placeholder for it.
create table twin (
    changeset bigint not null references changeset (id),
    revision  text   not null,
    primary key (changeset, revision)
);
create index twin_revision on twin (revision);

-- Where a locale has files.
create index file_locale_locale on file_locale (locale, repository);

-- Which moves led a branch of git to a commit: asked of each notice, whether its push is recorded.
create index push_target on push (target) where target is not null;
