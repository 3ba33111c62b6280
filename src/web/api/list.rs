//! Lists with keys to page by: a key names the last item that was seen, so that what comes in meanwhile moves nothing.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How many items are answered at once: 50, or as many as asked for, 500 at most.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(super) struct Limit(usize);

impl Limit {
    pub(super) const MOST: usize = 500;

    pub(super) fn number(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Limit {
        Limit(50)
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Limit, String> {
        let number = text.parse().ok().filter(|number| (1..=Limit::MOST).contains(number));
        number.map(Limit).ok_or_else(|| format!("it can be a number from 1 to {}", Limit::MOST))
    }
}

/// Where a list of things with codes begins, and how long it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ByCode {
    /// The `next` of an answer: the code of the last one seen.
    key: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

impl ByCode {
    /// What comes after the key, of all in the order of their codes.
    pub(super) fn list<I, T>(
        &self,
        all: impl IntoIterator<Item = I>,
        code: impl Fn(&I) -> String,
        shown: impl FnMut(I) -> T,
    ) -> List<T> {
        let following = all.into_iter().filter(|item| self.key.as_ref().is_none_or(|key| code(item) > *key));
        List::of(following, self.limit.unwrap_or_default(), &code, shown)
    }
}

/// The number in a key.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(super) struct NumberKey(pub(super) i64);

impl TryFrom<String> for NumberKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<NumberKey, &'static str> {
        let number = text.parse().ok().filter(|number| *number >= 0);
        number.map(NumberKey).ok_or("it can be what an answer had as next")
    }
}

/// Some of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    items: Vec<T>,
    /// What to give as `key=` for those that follow; null at the end.
    next: Option<String>,
}

impl<T> List<T> {
    /// The first items of these; `key` names one.
    pub(super) fn of<I>(
        items: impl IntoIterator<Item = I>,
        limit: Limit,
        key: impl Fn(&I) -> String,
        shown: impl FnMut(I) -> T,
    ) -> List<T> {
        let mut items: Vec<I> = items.into_iter().take(limit.0 + 1).collect();
        let are_more = items.len() > limit.0;
        items.truncate(limit.0);
        let next = items.last().filter(|_| are_more).map(key);
        List { items: items.into_iter().map(shown).collect(), next }
    }

    /// Items that know by themselves where their list goes on.
    pub(super) fn going_on(items: Vec<T>, next: Option<String>) -> List<T> {
        List { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, List};

    #[test]
    fn a_list_says_where_it_goes_on() {
        let list = |limit| List::of(["a", "b", "c"], Limit(limit), |item| (*item).to_owned(), str::len);
        assert_eq!((list(2).items.len(), list(2).next.as_deref()), (2, Some("b")));
        assert_eq!((list(3).items.len(), list(3).next), (3, None));
    }
}
