//! Decides: an [`Event`] and what the store knows of its repository come in, a [`Plan`] goes out. Pure; never asks anybody.

mod task;

pub use task::{Next, Obstacle, after_failure, parked_wait};

use crate::domain::{Forest, KnownRepository, LocaleCode, Marker, NewRepository, Notice, RepositoryId, RepositoryUrl, Vcs};
use crate::event::Event;

/// What the store knows that bears on one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The repository at the event's URL.
    pub repository: Option<KnownRepository>,
    /// The repository whose name the event's URL would have, wherever it is.
    pub namesake: Option<KnownRepository>,
    /// A repository with the host's number that the event names, which is followed at another URL.
    pub renamed: Option<KnownRepository>,
    /// The forests that are followed.
    pub forests: Vec<Forest>,
}

/// What to do about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The repository is at this push or beyond.
    NotePush { repository: RepositoryId, upto: u64 },
    /// Something changed in the repository, no push is named: look at all of it.
    Look { repository: RepositoryId },
    /// Follow a repository that was not known; `upto` as in [`Plan::NotePush`], `markers` as in [`Plan::Mark`].
    Follow { repository: NewRepository, upto: Option<u64>, markers: Vec<Marker> },
    /// Write the markers down, then look at the repository.
    Mark { repository: RepositoryId, markers: Vec<Marker> },
    /// A branch moved: write that down, then look at the repository.
    NoteMove { repository: RepositoryId, host_number: Option<i64>, notice: Notice },
    /// The host calls the repository by another URL; if it said so with a branch that moved, note that too.
    NoteUrl { repository: RepositoryId, url: RepositoryUrl, notice: Option<Notice> },
    /// Nothing; it is only counted.
    Ignore(Reason),
    /// Set the message aside for a person.
    Park(String),
}

/// Why nothing is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    UnknownType,
    NotFollowed,
    Archived,
    AlreadyKnown,
    NotALocale,
}

impl Reason {
    /// The name in counts.
    pub fn name(self) -> &'static str {
        match self {
            Reason::UnknownType => "unknown type",
            Reason::NotFollowed => "not followed",
            Reason::Archived => "archived",
            Reason::AlreadyKnown => "already known",
            Reason::NotALocale => "not a locale",
        }
    }
}

/// Decides what becomes of an event.
pub fn plan(event: Event, known: &Known) -> Plan {
    let Some(url) = event.url() else {
        return Plan::Ignore(Reason::UnknownType);
    };
    match (&known.repository, &known.renamed) {
        (Some(repository), _) | (None, Some(repository)) if repository.archived => Plan::Ignore(Reason::Archived),
        (Some(repository), _) => plan_for_followed(event, repository),
        (None, Some(repository)) => plan_for_renamed(event, repository),
        (None, None) => plan_for_unknown(&event, url, known),
    }
}

/// The host names a repository by a number that is known, and by a URL that is not.
fn plan_for_renamed(event: Event, known: &KnownRepository) -> Plan {
    let repository = known.id;
    match event {
        Event::BranchMoved { url, notice, .. } => Plan::NoteUrl { repository, url, notice: Some(notice) },
        Event::Moved { url, .. } => Plan::NoteUrl { repository, url, notice: None },
        _ => Plan::Look { repository },
    }
}

fn plan_for_followed(event: Event, known: &KnownRepository) -> Plan {
    let repository = known.id;
    match event {
        // A push that is known, with heads that are not, comes from a repository that was stripped or made anew.
        Event::Pushed { upto: Some(upto), .. } if upto <= known.last_push && known.has_heads => Plan::Ignore(Reason::AlreadyKnown),
        Event::Pushed { upto: Some(upto), .. } if upto > known.last_push => Plan::NotePush { repository, upto },
        Event::Obsoleted { markers, .. } => Plan::Mark { repository, markers },
        Event::BranchMoved { host_number, notice, .. } if known.vcs == Vcs::Git => {
            Plan::NoteMove { repository, host_number, notice }
        }
        Event::BranchMoved { .. } | Event::Moved { .. } => Plan::Look { repository },
        Event::Pushed { .. } | Event::NewRepository { .. } => Plan::Look { repository },
        Event::Unknown { .. } => Plan::Ignore(Reason::UnknownType),
    }
}

fn plan_for_unknown(event: &Event, url: &RepositoryUrl, known: &Known) -> Plan {
    if let Some(namesake) = &known.namesake {
        return Plan::Park(format!("{url} calls itself {}, which is followed at {}", namesake.name, namesake.url));
    }
    if let Some((forest, rest)) = known.forests.iter().find_map(|forest| Some((forest, url.under(&forest.url)?))) {
        return plan_for_forest(event, url, forest, rest);
    }
    match known.forests.iter().find(|forest| has_path_of(url, forest)) {
        Some(forest) => Plan::Park(format!("{url} has the path of forest {}, which is followed at {}", forest.name, forest.url)),
        None => Plan::Ignore(Reason::NotFollowed),
    }
}

fn plan_for_forest(event: &Event, url: &RepositoryUrl, forest: &Forest, rest: &str) -> Plan {
    if forest.archived {
        return Plan::Ignore(Reason::Archived);
    }
    let Ok(locale) = rest.parse::<LocaleCode>() else {
        return Plan::Ignore(Reason::NotALocale);
    };
    let (upto, markers) = match event {
        Event::Pushed { upto, .. } => (*upto, Vec::new()),
        Event::Obsoleted { markers, .. } => (None, markers.clone()),
        _ => (None, Vec::new()),
    };
    Plan::Follow { repository: member(forest, locale, url.clone()), upto, markers }
}

/// The repository of `forest` for `locale`.
pub fn member(forest: &Forest, locale: LocaleCode, url: RepositoryUrl) -> NewRepository {
    NewRepository {
        name: forest.name.repository(&locale),
        url,
        fork_of: forest.fork_of.as_ref().map(|origin| origin.repository(&locale)),
        vcs: Vcs::Mercurial,
        branches: Vec::new(),
        forest: Some(forest.name.clone()),
        locale: Some(locale),
    }
}

/// The same path at another host: somebody else speaks in the forest's name.
fn has_path_of(url: &RepositoryUrl, forest: &Forest) -> bool {
    let path = forest.url.path();
    !path.is_empty() && url.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{Known, Plan, Reason, plan};
    use crate::domain::{Forest, ForestId, Kept, KnownRepository, Notice, RepositoryId, RepositoryUrl, Revision, UrlRules, Vcs};
    use crate::event::Event;

    fn url(text: &str) -> RepositoryUrl {
        RepositoryUrl::parse(text, UrlRules::OnlyHttp).unwrap()
    }

    fn forest() -> Forest {
        Forest {
            id: ForestId(1),
            name: "l10n-central".parse().unwrap(),
            url: url("https://h/l10n-central"),
            archived: false,
            fork_of: None,
        }
    }

    fn at_push_5() -> KnownRepository {
        KnownRepository {
            id: RepositoryId(7),
            name: "l10n-central/de".parse().unwrap(),
            url: url("https://h/l10n-central/de"),
            vcs: Vcs::Mercurial,
            host_number: None,
            archived: false,
            last_push: 5,
            has_heads: true,
        }
    }

    fn known() -> Known {
        Known { repository: Some(at_push_5()), namesake: Some(at_push_5()), renamed: None, forests: vec![forest()] }
    }

    fn pushed(at: &str, upto: Option<u64>) -> Event {
        Event::Pushed { url: url(at), upto, heads: Vec::new() }
    }

    const DE: &str = "https://h/l10n-central/de";

    #[test]
    fn a_push_beyond_the_last_one_is_noted() {
        assert_eq!(plan(pushed(DE, Some(6)), &known()), Plan::NotePush { repository: RepositoryId(7), upto: 6 });
    }

    #[test]
    fn a_known_push_is_ignored_unless_its_heads_are_new() {
        assert_eq!(plan(pushed(DE, Some(5)), &known()), Plan::Ignore(Reason::AlreadyKnown));
        let mut other_heads = known();
        other_heads.repository.as_mut().unwrap().has_heads = false;
        assert_eq!(plan(pushed(DE, Some(1)), &other_heads), Plan::Look { repository: RepositoryId(7) });
    }

    #[test]
    fn without_a_push_number_or_for_a_repository_made_again_all_of_it_is_looked_at() {
        assert_eq!(plan(pushed(DE, None), &known()), Plan::Look { repository: RepositoryId(7) });
        assert_eq!(plan(Event::NewRepository { url: url(DE) }, &known()), Plan::Look { repository: RepositoryId(7) });
    }

    fn at_github() -> KnownRepository {
        KnownRepository { vcs: Vcs::Git, host_number: Some(7), url: url("https://g/l10n/all"), ..at_push_5() }
    }

    fn branch_moved(at: &str) -> (Event, Notice) {
        let (before, after) = (Revision::NULL, Revision::from_bytes([1; 20]));
        let notice = Notice { branch: Kept::from("main"), before, after, pusher: Kept::from("flod"), date: 5 };
        (Event::BranchMoved { url: url(at), host_number: Some(7), notice: notice.clone() }, notice)
    }

    #[test]
    fn a_branch_that_moved_is_noted() {
        let (event, notice) = branch_moved("https://g/l10n/all");
        let known = Known { repository: Some(at_github()), ..Known::default() };
        assert_eq!(plan(event, &known), Plan::NoteMove { repository: RepositoryId(7), host_number: Some(7), notice });
    }

    #[test]
    fn a_repository_that_was_renamed_is_known_by_its_number() {
        let (event, notice) = branch_moved("https://g/l10n/new-name");
        let renamed = Known { renamed: Some(at_github()), ..Known::default() };
        let url = url("https://g/l10n/new-name");
        let noted = Plan::NoteUrl { repository: RepositoryId(7), url: url.clone(), notice: Some(notice) };
        assert_eq!(plan(event.clone(), &renamed), noted);
        let moved = Event::Moved { url: url.clone(), host_number: 7 };
        assert_eq!(plan(moved, &renamed), Plan::NoteUrl { repository: RepositoryId(7), url, notice: None });
        assert_eq!(plan(event, &Known::default()), Plan::Ignore(Reason::NotFollowed));
    }

    #[test]
    fn archived_repositories_are_left_alone() {
        let mut archived = known();
        archived.repository.as_mut().unwrap().archived = true;
        assert_eq!(plan(pushed(DE, Some(6)), &archived), Plan::Ignore(Reason::Archived));
    }

    #[test]
    fn any_message_in_a_forest_makes_its_repository_followed() {
        let forests = Known { forests: vec![forest()], ..Known::default() };
        let Plan::Follow { repository, upto, .. } = plan(pushed("https://h/l10n-central/ja-JP-mac", Some(3)), &forests) else {
            panic!("not followed")
        };
        assert_eq!((repository.name.as_str(), upto), ("l10n-central/ja-JP-mac", Some(3)));
        assert_eq!(plan(pushed("https://h/l10n-central/a/b", None), &forests), Plan::Ignore(Reason::NotALocale));
        assert_eq!(plan(pushed("https://h/try", None), &forests), Plan::Ignore(Reason::NotFollowed));
    }

    #[test]
    fn another_host_that_speaks_for_a_followed_path_is_parked() {
        let forests = Known { forests: vec![forest()], ..Known::default() };
        assert!(matches!(plan(pushed("https://evil/l10n-central/de", Some(1)), &forests), Plan::Park(_)));
        let mut namesake = known();
        namesake.repository = None;
        assert!(matches!(plan(Event::NewRepository { url: url("https://evil/l10n-central/de") }, &namesake), Plan::Park(_)));
    }

    #[test]
    fn a_fork_forest_makes_forks() {
        let fork = Forest { name: "beta".parse().unwrap(), fork_of: Some("l10n-central".parse().unwrap()), ..forest() };
        let forests = Known { forests: vec![fork], ..Known::default() };
        let Plan::Follow { repository, .. } = plan(Event::NewRepository { url: url(DE) }, &forests) else { panic!("not followed") };
        assert_eq!(repository.fork_of.unwrap().as_str(), "l10n-central/de");
    }
}
