-- What pages ask for with years of data, found quickly.

-- The newest runs of a tree.
create index run_of_tree on run (tree, id);

-- Counts recordings of changesets and pushes, of which there are too many to be counted for every page.
insert into version (name, number) values ('recordings', 1);
