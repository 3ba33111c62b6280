//! The pushlog as a query: of all repositories, of those whose names begin in some way, or of one.

use crate::domain::{Repository, RepositoryName};
use crate::store::{PushList, RepositoryRow};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::feed::Feed;
use crate::web::format::{Format, Here, Shown};
use crate::web::push::PushShown;
use crate::web::push_query::{Chip, Chosen, Field, PushQuery, key_text};
use crate::web::repository::RepositoryShown;
use crate::web::shown::Time;
use crate::web::table::{Table, text};
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

/// How many repositories are shown at once; a longer list is folded.
const OPEN_REPOSITORIES: usize = 10;
/// How many changesets of a push are shown when it is alone on its page.
pub(in crate::web) const CHANGESETS_ALONE: usize = 1000;
const FORMATS: &[Format] = &[Format::Json, Format::Csv, Format::Atom];
/// What says which part of a list is shown; with another filter it is another list.
const PLACES: [&str; 4] = ["start", "before", "after", "push"];

#[derive(Template, Serialize)]
#[template(path = "pages/pushes.html")]
struct Page {
    /// The repository, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<RepositoryShown>,
    /// The repositories whose names begin as asked for, on the first page of all their pushes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repositories: Vec<RepositoryShown>,
    pushes: Vec<PushShown>,
    /// Where the list goes on.
    older: Option<String>,
    newer: Option<String>,
    /// Pushes beyond this time were not looked at; `older` or `newer` goes on from there.
    looked_until: Option<Time>,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    is_alone: bool,
    #[serde(skip)]
    looks_up: bool,
    /// The first page with the same filters, where it is not this one.
    #[serde(skip)]
    newest: Option<String>,
    #[serde(skip)]
    chips: Vec<Chip>,
    #[serde(skip)]
    fields: Vec<Field>,
    #[serde(skip)]
    path: String,
    #[serde(skip)]
    here: Here,
}

/// Whose pushes an address is about.
enum Whose {
    All,
    /// Those of repositories whose names begin so.
    Beginning(String),
    One(Box<Repository>),
}

pub(crate) async fn show(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    format: Format,
) -> Result<Response, PageError> {
    let asked = path.ok().map(|Path(name)| name);
    let name = asked.as_deref().and_then(|asked| asked.strip_suffix('/').unwrap_or(asked).parse::<RepositoryName>().ok());
    let (Some(asked), Some(name)) = (asked, name) else {
        return Err(PageError::NotFound("There is no repository of that name: it cannot be one.".to_owned()));
    };
    let query = PushQuery::of(&query.unwrap_or_default())?;
    let whose = match web.store.repository(&name).await? {
        Some(repository) => Whose::One(Box::new(repository)),
        None => Whose::Beginning(asked),
    };
    match query.push() {
        Some(push) => format.answer(&alone(&web, &whose, push, &query).await?),
        None => format.answer(&page(&web, &whose, &query).await?),
    }
}

pub(crate) async fn show_all(State(web): State<Web>, RawQuery(query): RawQuery, format: Format) -> Result<Response, PageError> {
    let query = PushQuery::of(&query.unwrap_or_default())?;
    if query.push().is_some() {
        return Err(only_of_one());
    }
    format.answer(&page(&web, &Whose::All, &query).await?)
}

fn only_of_one() -> PageError {
    PageError::BadRequest(
        "push= can be asked for only where the address names the repository, as /source/pushes/l10n-central/de?push=250."
            .to_owned(),
    )
}

async fn page(web: &Web, whose: &Whose, query: &PushQuery) -> Result<Page, PageError> {
    let filter = query.filter(chosen(web, whose, query).await?);
    let list = web.store.pushes(&filter).await?;
    let mut page = Page::of(whose, query, web.clock.now());
    page.fill(&list, query, web.clock.now());
    if page.chips.is_empty() && query.is_at_start() {
        page.repositories = repositories_of(web, whose).await?;
    }
    Ok(page)
}

/// One push with all of its changesets, or nearly.
async fn alone(web: &Web, whose: &Whose, number: (Option<i64>, u64), query: &PushQuery) -> Result<Page, PageError> {
    let Whose::One(repository) = whose else {
        return Err(only_of_one());
    };
    let push = web.store.push(repository.id, number, CHANGESETS_ALONE).await?;
    let push = push.ok_or_else(|| PageError::NotFound(format!("No push {} of {} is known here.", number.1, repository.name)))?;
    let mut page = Page::of(whose, query, web.clock.now());
    page.is_alone = true;
    page.pushes.push(PushShown::of(&push, web.clock.now()));
    Ok(page)
}

/// Those of all repositories whose pushes a question is about.
pub(in crate::web) async fn chosen_of_all(web: &Web, query: &PushQuery) -> Result<Chosen, PageError> {
    chosen(web, &Whose::All, query).await
}

/// The repositories whose pushes are asked for.
async fn chosen(web: &Web, whose: &Whose, query: &PushQuery) -> Result<Chosen, PageError> {
    if !query.chooses_repositories() {
        match whose {
            Whose::All => return Ok(Chosen::default()),
            Whose::One(one) => return Ok(Chosen { repositories: Some(vec![one.id]), of_locale: None }),
            Whose::Beginning(_) => {}
        }
    }
    let followed = web.store.repository_names().await?;
    let is_asked_for = |row: &&RepositoryRow| match whose {
        Whose::All => true,
        Whose::One(one) => row.id == one.id,
        Whose::Beginning(beginning) => row.name.as_str().starts_with(beginning.as_str()),
    };
    if let Whose::Beginning(beginning) = whose
        && !followed.iter().any(|row| is_asked_for(&row))
    {
        return Err(PageError::NotFound(format!("No repository whose name begins with {beginning} is followed here.")));
    }
    let chosen = query.choose(followed.iter().filter(is_asked_for));
    let are_all = chosen.repositories.as_ref().is_some_and(|ids| !ids.is_empty() && ids.len() == followed.len());
    Ok(if are_all && chosen.of_locale.is_none() { Chosen::default() } else { chosen })
}

async fn repositories_of(web: &Web, whose: &Whose) -> Result<Vec<RepositoryShown>, PageError> {
    let Whose::Beginning(beginning) = whose else {
        return Ok(Vec::new());
    };
    let now = web.clock.now();
    let followed = web.store.repositories().await?;
    let under = followed.iter().filter(|one| one.name.as_str().starts_with(beginning.as_str()));
    Ok(under.map(|one| RepositoryShown::of(one, now)).collect())
}

impl Whose {
    fn name(&self) -> &str {
        match self {
            Whose::All => "",
            Whose::Beginning(beginning) => beginning.trim_end_matches('/'),
            Whose::One(repository) => repository.name.as_str(),
        }
    }

    fn path(&self) -> String {
        match self {
            Whose::Beginning(beginning) => format!("/source/pushes/{beginning}"),
            Whose::All | Whose::One(_) => format!("/source/pushes/{}", self.name()),
        }
    }
}

impl Page {
    /// The page of a question, without its answer.
    fn of(whose: &Whose, query: &PushQuery, now: Timestamp) -> Page {
        let path = whose.path();
        let repository = match whose {
            Whose::One(repository) => Some(RepositoryShown::of(repository, now)),
            Whose::All | Whose::Beginning(_) => None,
        };
        Page {
            repositories: Vec::new(),
            pushes: Vec::new(),
            older: None,
            newer: None,
            looked_until: None,
            name: whose.name().to_owned(),
            is_alone: false,
            looks_up: query.looks_up(),
            newest: None,
            chips: query.chips(&path),
            fields: query.fields(repository.is_some()),
            here: query.here(&path).as_any_of(FORMATS),
            path,
            repository,
        }
    }

    fn fill(&mut self, list: &PushList, query: &PushQuery, now: Timestamp) {
        let first = self.here.without(&PLACES);
        self.older = list.older.map(|key| first.with("before", key_text(key)));
        self.newer = list.newer.map(|key| first.with("after", key_text(key)));
        self.newest = (!query.is_at_start()).then(|| first.address());
        self.looked_until = list.looked_until.map(|seconds| Time::of_seconds(seconds, now));
        self.pushes = list.pushes.iter().map(|push| PushShown::of(push, now)).collect();
    }

    /// Whether the push at `index` is the first shown of an older making of the repository.
    fn opens_generation(&self, index: usize) -> bool {
        let (push, Some(repository)) = (&self.pushes[index], &self.repository) else {
            return false;
        };
        push.generation != repository.generation && (index == 0 || self.pushes[index - 1].generation != push.generation)
    }

    /// The parts of the name before its last, each with the address of what lies under it.
    fn folders(&self) -> Vec<(&str, &str)> {
        let name = self.name.as_str();
        let ends = name.match_indices('/').map(|(end, _)| end);
        let starts = std::iter::once(0).chain(name.match_indices('/').map(|(end, _)| end + 1));
        ends.zip(starts).map(|(end, start)| (&name[start..end], &name[..end])).collect()
    }

    fn last_part(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    fn title(&self) -> String {
        match (self.name.as_str(), self.is_alone.then(|| self.pushes.first()).flatten()) {
            (name, Some(push)) => format!("{name} push {}", push.push_id),
            ("", None) => "Pushes".to_owned(),
            (name, None) => format!("Pushes to {name}"),
        }
    }

    fn has_many_repositories(&self) -> bool {
        self.repositories.len() > OPEN_REPOSITORIES
    }

    /// What the form asks for itself, or what another filter makes meaningless.
    fn asked(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.name).chain(PLACES).collect()
    }
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        let mut table = Table::of(&["repository", "push_id", "date", "user", "changesets", "tip", "description"]);
        for push in &self.pushes {
            table.add(vec![
                text(&push.repository),
                push.push_id.to_string(),
                push.time.machine(),
                text(&push.user),
                push.changesets_in_all.to_string(),
                push.tip.clone().unwrap_or_default(),
                text(&push.tip_line()),
            ]);
        }
        Some(table)
    }

    fn feed(&self) -> Option<Feed> {
        let address = self.here.feed()?;
        Some(Feed {
            id: format!("urn:elmo:pushes:{}", self.here.address()),
            title: self.title(),
            page: self.here.address(),
            address,
            entries: self.pushes.iter().map(PushShown::entry).collect(),
        })
    }
}
