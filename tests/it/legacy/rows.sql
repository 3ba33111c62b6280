-- What an old Elmo knew: {host} is the upstream, {fr1} and so on are revisions there, {fr1.at} the times of their pushes.
insert into life_locale (id, code, name, native) values
    (1, 'fr', 'French', 'Français'), (2, 'de', 'German', null), (3, 'it', null, null), (4, 'not a locale', null, null);
insert into life_branch (id, name) values (1, 'default');
insert into life_forest (id, name, url, archived, fork_of_id) values
    (1, 'l10n-central', '{host}/l10n-central/', {false}, null), (2, 'old', '{host}/old/', {true}, 1);
insert into life_repository (id, name, url, archived, forest_id, locale_id, fork_of_id) values
    (1, 'l10n-central/fr', '{host}/l10n-central/fr/', {false}, 1, 1, null),
    (2, 'l10n-central/de', '{host}/l10n-central/de/', {false}, 1, 2, null),
    (3, 'old/it', '{host}/old/it/', {true}, 2, 3, null),
    (4, 'l10n-central/../up', '{host}/up/', {false}, null, null, null);
insert into life_changeset (id, revision, "user", description, branch_id) values
    (1, '0000000000000000000000000000000000000000', '', '', 1),
    (2, '{fr1}', 'flod', 'one', 1), (3, '{fr2}', 'flod', 'two', 1), (4, '{de1}', 'flod', 'one', 1), (5, '{de3}', 'flod', 'three', 1),
    (6, '1111111111111111111111111111111111111111', 'anna', 'gone', 1), (7, 'half', '', '', 1);
insert into life_repository_changesets (repository_id, changeset_id) values
    (1, 1), (1, 2), (1, 3), (2, 1), (2, 4), (2, 5), (3, 6);
-- Of de the second push never came; of it the third is there twice.
insert into life_push (id, "user", push_date, push_id, repository_id) values
    (1, 'flod@example.org', '{fr1.at}', 1, 1), (2, 'flod@example.org', '{fr2.at}', 2, 1),
    (3, 'flod@example.org', '{de1.at}', 1, 2), (4, 'flod@example.org', '{de3.at}', 3, 2),
    (5, 'anna@example.org', '2012-03-04 05:06:07', 7, 3), (6, 'anna@example.org', '2012-03-05 05:06:07', 9, 3),
    (7, 'anna@example.org', '2012-03-05 05:06:07', 9, 3), (8, 'anna@example.org', '2012-03-06 05:06:07', 10, 3);
insert into life_push_changesets (push_id, changeset_id) values (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 6), (7, 6), (8, 7);
insert into life_tree (id, code, l10n_id) values (1, 'fx_central', 1);
insert into life_tree_repositories (tree_id, repository_id) values (1, 3);
insert into l10nstats_run (id, srctime, missing, "missingInFiles", obsolete, total, changed, unchanged, keys, errors, report,
                           warnings, completion, build_id, locale_id, tree_id) values
    (1, '{fr1.at}', 30, 10, 0, 100, 60, 0, 5, 0, 0, 0, 60, null, 1, 1),
    (2, '{fr2.at}', 2, 1, 4, 100, 97, 0, 5, 0, 0, 0, 97, null, 1, 1),
    (3, null, 2, 1, 4, 100, 97, 0, 5, 0, 0, 0, 97, null, 2, 1),
    (4, '2012-03-04 05:06:07', 2, 1, 4, 100, 97, 0, 5, 0, 0, 0, 97, null, 4, 1);
insert into l10nstats_run_revisions (run_id, changeset_id) values (1, 2), (2, 3), (2, 6), (4, 6);
insert into l10nstats_active (run_id) values (2);
