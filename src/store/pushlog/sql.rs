//! The statements of the pushlog. Each is whole where it stands but for two parts that several share: what a changeset has to
//! say, and what it has to touch.

use super::super::database::{RowsSql, rows_sql};
use super::keys::Direction;

/// A text fits a pattern, whatever the case of either. To put texts into lower case is most of the work: not for a pattern that anything
/// fits, and of the pattern itself once, not for each row.
macro_rules! fits_sql {
    ($text:literal, $pattern:literal) => {
        concat!("(", $pattern, " = '%' or lower(", $text, ") like (select lower(", $pattern, ")) escape '\\')")
    };
}
pub(in crate::store) use fits_sql;

/// A path has all of four patterns in it: as many as `MOST_PATHS`.
macro_rules! path_fits_sql {
    ($first:literal, $second:literal, $third:literal, $fourth:literal) => {
        concat!(
            fits_sql!("file.path", $first),
            " and ",
            fits_sql!("file.path", $second),
            " and ",
            fits_sql!("file.path", $third),
            " and ",
            fits_sql!("file.path", $fourth)
        )
    };
}
pub(in crate::store) use path_fits_sql;

/// What a changeset says of itself: `$3` is in its author, `$4` in its description, and its branch is `$5`.
macro_rules! said_sql {
    () => {
        concat!(
            fits_sql!("changeset.author", "$3"),
            " and ",
            fits_sql!("changeset.description", "$4"),
            " and ($5 = '' or changeset.branch = (select branch.id from branch where branch.name = $5))"
        )
    };
}
pub(in crate::store) use said_sql;

/// A changeset of `push_changeset` is what is asked for: by `$2` whether anything of what it says, by `$6` whether it touches a path with
/// all of `$7` to `$10` in it. It is only looked up for what it says.
macro_rules! wanted_sql {
    () => {
        concat!(
            "($2 = 0 or (select 1 from changeset where changeset.id = push_changeset.changeset and ",
            said_sql!(),
            " limit 1) = 1) and ($6 = 0 or (
                 select 1
                 from changeset_file join file on file.id = changeset_file.file
                 where changeset_file.changeset = push_changeset.changeset and ",
            path_fits_sql!("$7", "$8", "$9", "$10"),
            " limit 1) = 1)"
        )
    };
}
pub(in crate::store) use wanted_sql;

/// A text for either way in which a list is read.
pub(super) struct Directed<T> {
    older: T,
    newer: T,
}

impl<T> Directed<T> {
    pub(super) fn towards(&self, direction: Direction) -> &T {
        match direction {
            Direction::Older => &self.older,
            Direction::Newer => &self.newer,
        }
    }
}

/// A number is one of some rows. `$open` and `$close` go around a JSON parameter.
macro_rules! one_of_sql {
    ($number:expr, $open:literal, $rows:literal, $close:literal) => {
        concat!($number, " in (select cast(value->>0 as bigint) from ", $open, $rows, $close, ")")
    };
}

/// A push touches the files of the locale `$locale`.
macro_rules! touches_locale_sql {
    ($push:literal, $locale:literal) => {
        concat!(
            "(select 1 from push_locale
              where push_locale.push = ",
            $push,
            ".id and push_locale.locale = (select locale.id from locale where locale.code = ",
            $locale,
            ") limit 1) = 1"
        )
    };
}

/// A push is in the list of a locale: it went to one of its `$own` repositories, or to one of many locales, `$among`, and touches its files.
macro_rules! listed_of_locale_sql {
    ($push:literal, $open:literal, $close:literal, $own:literal, $among:literal, $locale:literal) => {
        concat!(
            "(",
            one_of_sql!(concat!($push, ".repository"), $open, $own, $close),
            " or (",
            one_of_sql!(concat!($push, ".repository"), $open, $among, $close),
            " and ",
            touches_locale_sql!($push, $locale),
            "))"
        )
    };
}

/// What is read of a push before its repository is.
macro_rules! columns_sql {
    () => {
        "push.id, push.generation, push.push_id, push.pusher, push.date, push.repository, push.branch"
    };
}

/// A list of pushes with their repositories, found by `$pushes`. Which these are is found before their repositories are looked up:
/// PostgreSQL, which takes the limit for large and those that fit for few, would begin with the repositories and read all pushes of each.
macro_rules! listed_sql {
    ($pushes:expr, $direction:literal) => {
        concat!(
            "select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
                    repository.generation as now_in, repository.vcs, push.branch
             from (",
            $pushes,
            ") as push
             cross join repository
             where repository.id = push.repository
             order by push.date ",
            $direction,
            ", push.id ",
            $direction
        )
    };
}

/// The pushes `$from` somewhere, of `$choice`, between two keys that fit, as many as are asked for.
macro_rules! fitting_sql {
    ($columns:expr, $from:literal, $choice:expr, $but:expr, $direction:literal) => {
        concat!(
            "select ",
            $columns,
            " from ",
            $from,
            " where ",
            $choice,
            " and (push.date, push.id) > ($11, $12) and (push.date, push.id) < ($13, $14)
               and ",
            fits_sql!("push.pusher", "$15"),
            " and (($2 = 0 and $6 = 0) or (
                     select 1 from push_changeset where push_changeset.push = push.id and ",
            wanted_sql!(),
            " limit 1) = 1)",
            $but,
            " order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit cast($16 as bigint) offset $17"
        )
    };
}

macro_rules! fitting_from_sql {
    ($from:literal, $choice:expr, $direction:literal) => {
        listed_sql!(fitting_sql!(columns_sql!(), $from, $choice, "", $direction), $direction)
    };
}

/// The same of each repository of `$1`, as many as there may be of all. SQLite finds them by their numbers, for want of a lateral
/// join; PostgreSQL would go through all pushes for that.
macro_rules! fitting_of_each {
    ($but:ident) => {
        Directed { older: fitting_of_each!($but, "desc"), newer: fitting_of_each!($but, "asc") }
    };
    ($but:ident, $direction:literal) => {
        RowsSql {
            sqlite: listed_sql!(
                concat!(
                    "select ",
                    columns_sql!(),
                    " from json_each($1) as each_of cross join push where push.id in (",
                    fitting_sql!(
                        "push.id",
                        "push",
                        "push.repository = cast(each_of.value->>0 as bigint)",
                        $but!("json_each(", ") as r"),
                        $direction
                    ),
                    ")"
                ),
                $direction
            ),
            postgres: listed_sql!(
                concat!(
                    "select ",
                    columns_sql!(),
                    " from jsonb_array_elements($1::jsonb) as each_of(value) cross join lateral (",
                    fitting_sql!(
                        columns_sql!(),
                        "push",
                        "push.repository = cast(each_of.value->>0 as bigint)",
                        $but!("jsonb_array_elements(", "::jsonb) as r(value)"),
                        $direction
                    ),
                    ") as push"
                ),
                $direction
            ),
        }
    };
}

/// The same among the pushes of known changesets, which are few. `$open` and `$close` go around a JSON parameter.
macro_rules! touched_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        concat!(
            "select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
                    repository.generation as now_in, repository.vcs, push.branch
             from (select distinct push_changeset.push
                   from ",
            $open,
            "$1",
            $close,
            "
                   cross join push_changeset
                   cross join changeset
                   where push_changeset.changeset = cast(value->>0 as bigint)
                     and changeset.id = push_changeset.changeset and ",
            said_sql!(),
            ") as touched
             cross join push
             cross join repository
             where push.id = touched.push and repository.id = push.repository
               and ($2 = '[]' or ",
            listed_of_locale_sql!("push", $open, $close, "$2", "$14", "$13"),
            ")
               and (push.date, push.id) > ($6, $7) and (push.date, push.id) < ($8, $9)
               and ",
            fits_sql!("push.pusher", "$10"),
            " order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit cast($11 as bigint) offset $12"
        )
    };
}

/// The push that stands `$5` after the first one between two keys.
macro_rules! edge_sql {
    ($choice:literal, $direction:literal) => {
        edge_sql!("push", $choice, $direction)
    };
    ($from:literal, $choice:expr, $direction:literal) => {
        concat!(
            "select push.date, push.id
             from ",
            $from,
            " where (push.date, push.id) > ($1, $2) and (push.date, push.id) < ($3, $4)",
            $choice,
            " order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit 1 offset $5"
        )
    };
}

/// For each of some repositories its first push between two keys.
macro_rules! first_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        concat!(
            "select (select push.date from push
                     where push.repository = cast(value->>0 as bigint)
                       and (push.date, push.id) > ($2, $3) and (push.date, push.id) < ($4, $5)
                     order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit 1) as date
             from ",
            $open,
            "$1",
            $close
        )
    };
}

/// A text in both directions and for both databases, which begin and end a list in JSON in their own ways.
macro_rules! of_list {
    ($sql:ident) => {
        Directed {
            older: RowsSql {
                sqlite: $sql!("json_each(", ") as r", "desc"),
                postgres: $sql!("jsonb_array_elements(", "::jsonb) as r(value)", "desc"),
            },
            newer: RowsSql {
                sqlite: $sql!("json_each(", ") as r", "asc"),
                postgres: $sql!("jsonb_array_elements(", "::jsonb) as r(value)", "asc"),
            },
        }
    };
}

macro_rules! fitting_of_list_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        fitting_from_sql!("push", concat!("($1 = '[]' or ", one_of_sql!("push.repository", $open, "$1", $close), ")"), $direction)
    };
}

/// Pushes to the repositories of `$repositories` that touch the files of the locale `$locale`.
macro_rules! in_locale_sql {
    ($open:literal, $close:literal, $repositories:literal, $locale:literal) => {
        concat!(
            "push.id = push_locale.push
             and push_locale.locale = (select locale.id from locale where locale.code = ",
            $locale,
            ") and ",
            one_of_sql!("push.repository", $open, $repositories, $close)
        )
    };
}

macro_rules! fitting_in_locale_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        fitting_from_sql!("push_locale cross join push", in_locale_sql!($open, $close, "$1", "$18"), $direction)
    };
}

macro_rules! edge_in_locale_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        edge_sql!("push_locale cross join push", concat!(" and ", in_locale_sql!($open, $close, "$6", "$7")), $direction)
    };
}

macro_rules! all_sql {
    ($open:literal, $close:literal) => {
        ""
    };
}

/// But for what the list of the locale `$18` shows as pushes to git anyway: a push of Mercurial each of whose changesets is a commit
/// that such a push brought, to a repository of `$19`, or to one of `$20` and to the locale's files, from `$21` until `$22`. A push
/// that made its branch is none of these: it brought the whole history at once. Where nothing came both ways, no push is asked.
macro_rules! once_sql {
    ($open:literal, $close:literal) => {
        concat!(
            " and ((select 1 from twin limit 1) is null
                   or push.branch is not null
                   or (select 1 from push_changeset where push_changeset.push = push.id limit 1) is null
                   or (select 1 from push_changeset own
                       where own.push = push.id
                         and (select 1
                              from twin
                              cross join changeset there
                              cross join push_changeset brought
                              cross join push shown
                              where twin.changeset = own.changeset
                                and there.revision = twin.revision
                                and brought.changeset = there.id
                                and shown.id = brought.push
                                and shown.origin <> (select made.id from changeset made where made.revision = $23)
                                and shown.date between $21 and $22
                                and ",
            listed_of_locale_sql!("shown", $open, $close, "$19", "$20", "$18"),
            "
                              limit 1) is null
                       limit 1) = 1)"
        )
    };
}

pub(super) static IN_LOCALE: Directed<RowsSql> = of_list!(fitting_in_locale_sql);
pub(super) static EDGE_IN_LOCALE: Directed<RowsSql> = of_list!(edge_in_locale_sql);
pub(super) static FITTING_OF_EACH: Directed<RowsSql> = fitting_of_each!(all_sql);
pub(super) static ONCE_OF_EACH: Directed<RowsSql> = fitting_of_each!(once_sql);
pub(super) static FITTING: Directed<RowsSql> = of_list!(fitting_of_list_sql);
/// The pushes of these numbers.
pub(super) static NUMBERED: RowsSql = rows_sql!(
    "select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
            repository.generation as now_in, repository.vcs, push.branch
     from " ROWS "
     cross join push
     cross join repository
     where push.id = cast(value->>0 as bigint) and repository.id = push.repository");
pub(super) static TOUCHED: Directed<RowsSql> = of_list!(touched_sql);
pub(super) static FIRST: Directed<RowsSql> = of_list!(first_sql);
pub(super) static EDGE_OF_ONE: Directed<&str> =
    Directed { older: edge_sql!(" and push.repository = $6", "desc"), newer: edge_sql!(" and push.repository = $6", "asc") };
pub(super) static EDGE: Directed<&str> = Directed { older: edge_sql!("", "desc"), newer: edge_sql!("", "asc") };
