//! Named points between each two steps of the work, at which something may happen to a worker. In a build without the feature
//! `points` they are nothing; with it, whoever runs the program says what happens there. Never asked about: no decision depends on them.

/// Names the points, once.
macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)+) => {
        /// A point between two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $($(#[$doc])* $point,)+
        }

        impl Point {
            /// All of them, in the order in which a message meets them.
            pub const ALL: &[Point] = &[$(Point::$point,)+];

            /// As it is named in arguments and reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Point::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// Messages are decoded and decided on, nothing is written.
    MessagesDecided = "messages-decided",
    /// What messages come to is written down, they are not acknowledged.
    MessagesTaken = "messages-taken",
    MessagesAcknowledged = "messages-acknowledged",
    /// What a task published is fetched, nothing is written.
    ResultFetched = "result-fetched",
    /// It is written down and not counted yet.
    ResultRecorded = "result-recorded",
    /// A parked result is taken up again.
    ParkedClaimed = "parked-claimed",
    /// A transaction has written everything and is not committed.
    ChangeWritten = "change-written",
    ChangeCommitted = "change-committed",
    /// A repository has a lease, nothing is done.
    RepositoryClaimed = "repository-claimed",
    PushlogRead = "pushlog-read",
    /// A clone is made beside its place.
    CloneMade = "clone-made",
    ClonePlaced = "clone-placed",
    /// A clone is open and has everything.
    CloneOpened = "clone-opened",
    /// A stretch of changesets is recorded, or the last one with its pushes.
    StretchRecorded = "stretch-recorded",
    /// The clone of a repository that was made anew is set aside, its generation is the old one.
    CloneSetAside = "clone-set-aside",
    GenerationBegun = "generation-begun",
    /// The host of a repository of git has said where its branches are.
    BranchesAsked = "branches-asked",
    BranchesFetched = "branches-fetched",
    CommitsRecorded = "commits-recorded",
    MovesRecorded = "moves-recorded",
    /// A repository is up to date, and its lease not given back.
    RepositoryBrought = "repository-brought",
    LeaseEnded = "lease-ended",
}

#[cfg(feature = "points")]
type Struck = Box<dyn Fn(Point) + Send + Sync>;

#[cfg(feature = "points")]
static STRIKE: std::sync::OnceLock<Struck> = std::sync::OnceLock::new();

impl Point {
    /// The work passes this point.
    #[inline]
    pub fn pass(self) {
        #[cfg(feature = "points")]
        if let Some(strike) = STRIKE.get() {
            strike(self);
        }
    }

    /// From now on, this happens at each point that is passed; the first to say so is heard.
    #[cfg(feature = "points")]
    pub fn strike(what: impl Fn(Point) + Send + Sync + 'static) {
        let _ = STRIKE.set(Box::new(what));
    }
}

#[cfg(test)]
mod tests {
    use super::Point;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_points_have_one_name() {
        let names: BTreeSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
