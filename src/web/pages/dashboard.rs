//! Where all trees and locales stand: filtered, sorted, page by page.

use crate::domain::Grade;
use crate::store::PlaceRow;
use crate::web::Web;
use crate::web::board::Board;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown};
use crate::web::place::{PlaceShown, Tally, table};
use crate::web::selection::{Facets, Key, Order, Selection};
use crate::web::table::Table;
use crate::web::wanted::Wanted;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

const LENGTH: usize = 100;
const MOST: usize = 500;

#[derive(Template, Serialize)]
#[template(path = "pages/dashboard.html")]
struct Page {
    /// How many places fit.
    count: usize,
    /// How many of them come before those that are shown.
    start: usize,
    /// For each tree, how many locales are in each state, whatever states are shown.
    trees: Vec<TreeShown>,
    places: Vec<PlaceShown>,
    #[serde(skip)]
    states: Vec<Choice>,
    #[serde(skip)]
    locales: Vec<Choice>,
    #[serde(skip)]
    columns: Vec<Column>,
    #[serde(skip)]
    earlier: Option<String>,
    #[serde(skip)]
    later: Option<String>,
    #[serde(skip)]
    is_filtered: bool,
    #[serde(skip)]
    has_chosen_locales: bool,
    #[serde(skip)]
    here: Here,
}

#[derive(Serialize)]
struct TreeShown {
    tree: String,
    #[serde(flatten)]
    tally: Tally,
    #[serde(skip)]
    href: String,
    #[serde(skip)]
    chosen: bool,
}

/// A link that adds a name to those that are chosen, or takes it away.
struct Choice {
    word: String,
    count: usize,
    href: String,
    chosen: bool,
}

/// The head of a column, which sorts by it.
struct Column {
    word: &'static str,
    href: String,
    /// As `aria-sort` has it.
    sorted: &'static str,
}

/// What a request asks for.
struct Request {
    selection: Selection,
    order: Order,
    start: usize,
    length: usize,
}

pub(crate) async fn show(State(web): State<Web>, wanted: Wanted, format: Format) -> Result<Response, PageError> {
    let request = Request::read(&wanted)?;
    let now = web.clock.now();
    let board = web.boards.now(now).await?;
    let mut rows = request.selection.of(&board.rows);
    request.order.sort(&mut rows);
    let count = rows.len();
    let rows: Vec<&PlaceRow> = rows.into_iter().skip(request.start).take(request.length).collect();
    let places = places(&board, &rows, now).await?;
    format.answer(&request.page(request.selection.facets(&board.rows), count, places))
}

/// The places with how they came along.
pub(super) async fn places(board: &Board, rows: &[&PlaceRow], now: Timestamp) -> Result<Vec<PlaceShown>, PageError> {
    let (courses, range) = (board.courses(rows).await?, board.course_range());
    Ok(rows.iter().zip(&courses).map(|(row, course)| PlaceShown::of(row, course, &range, now)).collect())
}

impl Request {
    fn read(wanted: &Wanted) -> Result<Request, PageError> {
        Ok(Request {
            selection: Selection::read(wanted)?,
            order: Order::read(wanted)?,
            start: wanted.number("start", 0, 0..=1_000_000)?,
            length: wanted.number("length", LENGTH, 1..=MOST)?,
        })
    }

    fn page(&self, facets: Facets, count: usize, places: Vec<PlaceShown>) -> Page {
        let here = self.here(&self.selection, self.order, self.start);
        let at = |start: usize| self.here(&self.selection, self.order, start).address();
        let end = self.start + places.len();
        Page {
            count,
            start: self.start,
            states: self.states(&facets),
            locales: self.locales(&facets),
            trees: facets.trees.into_iter().map(|(tree, tally)| self.tree(tree, tally)).collect(),
            columns: self.columns(),
            earlier: (self.start > 0).then(|| at(self.start.saturating_sub(self.length))),
            later: (end < count).then(|| at(end)),
            is_filtered: !self.selection.is_all(),
            has_chosen_locales: !self.selection.locales.is_empty(),
            here,
            places,
        }
    }

    /// The page of a selection in an order, from a place on.
    fn here(&self, selection: &Selection, order: Order, start: usize) -> Here {
        let mut here = Here::at("/dashboard/").with_table();
        here = selection.trees.iter().fold(here, |here, tree| here.and("tree", tree));
        here = selection.locales.iter().fold(here, |here, locale| here.and("locale", locale));
        here = selection.states.iter().fold(here, |here, state| here.and("state", state.name()));
        let usual = Order { key: Key::Locale, descending: false };
        let sort = if order == usual { String::new() } else { order.name() };
        let number = |number: usize, usual: usize| if number == usual { String::new() } else { number.to_string() };
        here.and("sort", sort).and("length", number(self.length, LENGTH)).and("start", number(start, 0))
    }

    /// The first page of a selection.
    fn first(&self, selection: &Selection) -> String {
        self.here(selection, self.order, 0).address()
    }

    fn tree(&self, tree: String, tally: Tally) -> TreeShown {
        let href = self.first(&self.selection.toggling_tree(&tree));
        TreeShown { chosen: self.selection.trees.contains(&tree), tree, tally, href }
    }

    fn states(&self, facets: &Facets) -> Vec<Choice> {
        let choice = |state: Grade| Choice {
            word: state.name().to_owned(),
            count: facets.states.of(state),
            href: self.first(&self.selection.toggling_state(state)),
            chosen: self.selection.states.contains(&state),
        };
        Grade::ALL.into_iter().map(choice).collect()
    }

    fn locales(&self, facets: &Facets) -> Vec<Choice> {
        let choice = |(locale, count): (&String, &usize)| Choice {
            word: locale.clone(),
            count: *count,
            href: self.first(&self.selection.toggling_locale(locale)),
            chosen: self.selection.locales.contains(locale),
        };
        facets.locales.iter().map(choice).collect()
    }

    fn columns(&self) -> Vec<Column> {
        let column = |key: Key| Column {
            word: key.name(),
            href: self.here(&self.selection, self.order.after_head_of(key), 0).address(),
            sorted: match (self.order.key == key, self.order.descending) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            },
        };
        Key::ALL.into_iter().map(column).collect()
    }
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        Some(table(&self.places))
    }
}
