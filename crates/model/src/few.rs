//! A set of small numbers in one byte: a state is copied for each step of millions.

/// Numbers from 0 to 7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Few(u8);

impl Few {
    pub(crate) fn contains(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }

    pub(crate) fn is_part_of(self, other: Few) -> bool {
        self.0 & !other.0 == 0
    }
}

impl Extend<u8> for Few {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, numbers: T) {
        numbers.into_iter().for_each(|number| self.0 |= 1 << number);
    }
}

impl FromIterator<u8> for Few {
    fn from_iter<T: IntoIterator<Item = u8>>(numbers: T) -> Few {
        let mut few = Few::default();
        few.extend(numbers);
        few
    }
}
