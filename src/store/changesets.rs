//! One changeset with everything that hangs on it, as its page shows it.

use super::database::{Store, StoreError, parsed, parsed_option};
use super::pushes::{PushedChangeset, changeset_from, kept};
use super::twins::TwinRow;
use crate::domain::{HgDate, Kept, RepositoryId, RepositoryName, Revision, Vcs};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// What a prefix of a revision found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    One(Box<ChangesetRow>),
    /// The first few of those that begin so.
    Several(Vec<Revision>),
}

/// A changeset and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesetRow {
    pub revision: Revision,
    /// False for a placeholder: it was named, nobody has seen it.
    pub known: bool,
    pub obsolete: bool,
    pub author: Kept,
    pub description: Kept,
    pub branch: Kept,
    pub closes_branch: bool,
    pub date: HgDate,
    pub files: Vec<Kept>,
    pub parents: Vec<Revision>,
    pub children: Vec<Revision>,
    /// Each with its URL, and what keeps its history.
    pub repositories: Vec<(RepositoryName, String, Vcs)>,
    pub pushes: Vec<PushOfChangeset>,
    /// The pushes that took it from their branches, where no later push brought it back.
    pub dropped: Vec<PushOfChangeset>,
    /// What replaced it; a marker without a successor says that it was pruned.
    pub successors: Vec<ObsolescenceRow>,
    pub precursors: Vec<ObsolescenceRow>,
    /// The same change in git, or in Mercurial.
    pub twins: Vec<TwinRow>,
}

/// A push that brought a changeset to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushOfChangeset {
    pub repository: RepositoryName,
    pub generation: i64,
    pub push_id: u64,
    pub user: Kept,
    pub date: i64,
}

/// The other end of an obsolescence marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObsolescenceRow {
    pub other: Option<Revision>,
    pub user: Option<Kept>,
    pub date: i64,
}

/// How many candidates an ambiguous prefix shows.
const CANDIDATES: i64 = 10;

const BY_PREFIX: &str = "
    select changeset.id, changeset.revision, changeset.known, changeset.author, changeset.description, changeset.closes_branch,
           changeset.date, changeset.date_offset, changeset.obsolete, branch.name as branch_name
    from changeset left join branch on branch.id = changeset.branch
    where changeset.revision >= $1 and changeset.revision <= $2
    order by changeset.revision
    limit cast($3 as bigint)";
const FILES: &str = "
    select file.path from changeset_file join file on file.id = changeset_file.file
    where changeset_file.changeset = $1 order by file.path";
const PARENTS: &str = "
    select changeset.revision from changeset_parent join changeset on changeset.id = changeset_parent.parent
    where changeset_parent.changeset = $1 order by changeset_parent.position";
const CHILDREN: &str = "
    select changeset.revision from changeset_parent join changeset on changeset.id = changeset_parent.changeset
    where changeset_parent.parent = $1 order by changeset.id limit 100";
const REPOSITORIES: &str = "
    select repository.name, repository.url, repository.vcs from repository_changeset
    join repository on repository.id = repository_changeset.repository
    where repository_changeset.changeset = $1 order by repository.name";
const PUSHES: &str = "
    select repository.name, push.generation, push.push_id, push.pusher, push.date
    from push_changeset join push on push.id = push_changeset.push join repository on repository.id = push.repository
    where push_changeset.changeset = $1 order by push.date, repository.name";
const DROPPED: &str = "
    select repository.name, push.generation, push.push_id, push.pusher, push.date
    from push_dropped join push on push.id = push_dropped.push join repository on repository.id = push.repository
    where push_dropped.changeset = $1
      and not exists (select 1 from push_changeset join push later on later.id = push_changeset.push
                      where push_changeset.changeset = push_dropped.changeset and later.repository = push.repository
                        and later.push_id > push.push_id)
    order by push.date, repository.name";
const SUCCESSORS: &str = "
    select changeset.revision, obsolescence.marker_user, obsolescence.date
    from obsolescence join changeset on changeset.id = obsolescence.successor
    where obsolescence.precursor = $1 order by obsolescence.id";
const PRECURSORS: &str = "
    select changeset.revision, obsolescence.marker_user, obsolescence.date
    from obsolescence join changeset on changeset.id = obsolescence.precursor
    where obsolescence.successor = $1 order by obsolescence.id";

const ANCESTRY: &str = "
    with recursive ancestor (id) as (
        select id from changeset where revision = $1
        union
        select changeset_parent.parent from ancestor join changeset_parent on changeset_parent.changeset = ancestor.id)
    select changeset.revision, parent.revision as parent
    from (select id from ancestor limit cast($2 as bigint)) as near
    join changeset_parent on changeset_parent.changeset = near.id
    join changeset on changeset.id = near.id
    join changeset parent on parent.id = changeset_parent.parent
    order by changeset.revision, changeset_parent.position";

const OF_REPOSITORY: &str = "
    select changeset.id, changeset.revision, changeset.known, changeset.obsolete, changeset.author,
           substr(changeset.description, 1, 1000) as description, branch.name as branch_name
    from repository_changeset
    join changeset on changeset.id = repository_changeset.changeset
    left join branch on branch.id = changeset.branch
    where repository_changeset.repository = $1 and repository_changeset.changeset < $2 and changeset.revision <> $4
    order by repository_changeset.changeset desc
    limit cast($3 as bigint)";

impl Store {
    /// The changesets that a repository holds with numbers below `before`, those recorded last first, each with its number.
    pub async fn changesets_of(
        &self,
        repository: RepositoryId,
        before: i64,
        limit: usize,
    ) -> Result<Vec<(i64, PushedChangeset)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = sqlx::query(OF_REPOSITORY).bind(repository.0).bind(before).bind(limit).bind(Revision::NULL.to_string());
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, changeset_from(row)?))).collect()
    }

    /// The changeset whose revision begins with `prefix`, 1 to 64 hexadecimal digits in lower case.
    pub async fn changeset(&self, prefix: &str) -> Result<Found, StoreError> {
        let query = sqlx::query(BY_PREFIX).bind(prefix.to_owned()).bind(format!("{prefix:f<64}")).bind(CANDIDATES);
        let rows = query.fetch_all(self.readers()).await?;
        match rows.as_slice() {
            [] => Ok(Found::Nothing),
            [row] => Ok(Found::One(Box::new(self.surroundings(row).await?))),
            several => Ok(Found::Several(several.iter().map(|row| parsed(row, "revision")).collect::<Result<_, _>>()?)),
        }
    }

    /// The parents of a changeset and of its nearest ancestors, `most` of these in all; of a root, none. Only what is recorded is there.
    pub async fn ancestry(&self, revision: Revision, most: usize) -> Result<HashMap<Revision, Vec<Revision>>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut ancestry: HashMap<Revision, Vec<Revision>> = HashMap::new();
        for row in sqlx::query(ANCESTRY).bind(revision.to_string()).bind(most).fetch_all(self.readers()).await? {
            ancestry.entry(parsed(&row, "revision")?).or_default().extend(parent_from(&row)?);
        }
        Ok(ancestry)
    }

    async fn surroundings(&self, row: &AnyRow) -> Result<ChangesetRow, StoreError> {
        let id: i64 = row.try_get("id")?;
        let revisions =
            |rows: Vec<AnyRow>| rows.iter().map(|row| parsed(row, "revision")).collect::<Result<Vec<Revision>, StoreError>>();
        let date: Option<i64> = row.try_get("date")?;
        let offset: Option<i64> = row.try_get("date_offset")?;
        let revision: Revision = parsed(row, "revision")?;
        let is_null = revision == Revision::NULL;
        Ok(ChangesetRow {
            revision,
            known: row.try_get::<i64, _>("known")? == 1,
            obsolete: row.try_get::<i64, _>("obsolete")? == 1,
            author: kept(row, "author")?,
            description: kept(row, "description")?,
            branch: kept(row, "branch_name")?,
            closes_branch: row.try_get::<i64, _>("closes_branch")? == 1,
            date: HgDate {
                seconds: date.unwrap_or_default(),
                offset: offset.and_then(|offset| i32::try_from(offset).ok()).unwrap_or_default(),
            },
            files: self.all(FILES, id).await?.iter().map(|row| kept(row, "path")).collect::<Result<_, _>>()?,
            parents: revisions(self.all(PARENTS, id).await?)?,
            children: revisions(self.all(CHILDREN, id).await?)?,
            repositories: self
                .all(REPOSITORIES, id)
                .await?
                .iter()
                .map(|row| Ok((parsed(row, "name")?, row.try_get("url")?, parsed(row, "vcs")?)))
                .collect::<Result<_, StoreError>>()?,
            pushes: self.all(PUSHES, id).await?.iter().map(push_from).collect::<Result<_, _>>()?,
            dropped: self.all(DROPPED, id).await?.iter().map(push_from).collect::<Result<_, _>>()?,
            successors: self.all(SUCCESSORS, id).await?.iter().map(obsolescence_from).collect::<Result<_, _>>()?,
            precursors: if is_null {
                Vec::new()
            } else {
                self.all(PRECURSORS, id).await?.iter().map(obsolescence_from).collect::<Result<_, _>>()?
            },
            twins: self.twins_of(id, revision).await?,
        })
    }

    async fn all(&self, sql: &'static str, id: i64) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(sql).bind(id).fetch_all(self.readers()).await?)
    }
}

/// The parent in a row; none where it is the null changeset, the parent of a root.
pub(super) fn parent_from(row: &AnyRow) -> Result<Option<Revision>, StoreError> {
    Ok(Some(parsed(row, "parent")?).filter(|parent| *parent != Revision::NULL))
}

fn push_from(row: &AnyRow) -> Result<PushOfChangeset, StoreError> {
    Ok(PushOfChangeset {
        repository: parsed(row, "name")?,
        generation: row.try_get("generation")?,
        push_id: row.try_get::<i64, _>("push_id")?.cast_unsigned(),
        user: kept(row, "pusher")?,
        date: row.try_get("date")?,
    })
}

fn obsolescence_from(row: &AnyRow) -> Result<ObsolescenceRow, StoreError> {
    let other: Option<Revision> = parsed_option(row, "revision")?;
    let user: Option<String> = row.try_get("marker_user")?;
    Ok(ObsolescenceRow {
        other: other.filter(|other| *other != Revision::NULL),
        user: user.map(Kept::from_kept),
        date: row.try_get("date")?,
    })
}
