//! Which characters are marked as changed.

use std::time::{Duration, Instant};

use elmo_l10n::{Piece, mark};

/// Writes changed runs in brackets.
fn told(pieces: &[Piece<'_>]) -> String {
    pieces.iter().map(|piece| if piece.changed { format!("[{}]", piece.text) } else { piece.text.to_owned() }).collect()
}

fn check(old: &str, new: &str, expected: (&str, &str)) {
    let (old, new) = mark(old, new);

    assert_eq!((&*told(&old), &*told(&new)), expected);
}

#[test]
fn the_characters_that_differ_are_marked() {
    check("Close the tab", "Close this tab", ("Close th[e] tab", "Close th[is] tab"));
    check("Open file", "Open a file", ("Open file", "Open [a ]file"));
    check("Save", "Save…", ("Save", "Save[…]"));
    check("one two three", "one three", ("one t[wo t]hree", "one three"));
}

#[test]
fn equal_values_have_no_mark_and_empty_ones_no_piece() {
    check("same", "same", ("same", "same"));
    check("", "new", ("", "[new]"));
    assert_eq!(mark("", ""), (Vec::new(), Vec::new()));
}

#[test]
fn letters_that_are_left_by_chance_are_marked_too() {
    check("abcdefgh", "xbydzfwh", ("[abcdefg]h", "[xbydzfw]h"));
}

#[test]
fn what_a_person_sees_as_one_character_is_never_divided() {
    check("cafe\u{301}s", "cafes", ("caf[e\u{301}]s", "caf[e]s"));
    check("a👩‍👩‍👧b", "a👩‍👩‍👦b", ("a[👩‍👩‍👧]b", "a[👩‍👩‍👦]b"));
    check("日本語の本", "日本語本", ("日本語[の]本", "日本語本"));
}

#[test]
fn values_that_nobody_would_write_take_no_time() {
    let hostile = [
        ("x".repeat(10_000), "xy".repeat(5_000)),
        (
            (0..10_000).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect(),
            (0..10_000).map(|n| char::from(b'a' + (n * 7 % 19) as u8)).collect(),
        ),
        ("a b ".repeat(250_000), "b c ".repeat(250_000)),
        ("e\u{301}\u{302}".repeat(200_000), "\u{301}".repeat(500_000)),
        ("🇩🇪".repeat(100_000), "🇪🇩".repeat(100_000)),
    ];
    for (old, new) in hostile {
        let start = Instant::now();

        let (olds, news) = mark(&old, &new);

        assert_eq!(told(&olds).replace(['[', ']'], ""), old);
        assert_eq!(told(&news).replace(['[', ']'], ""), new);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} for {}", start.elapsed(), &old[..4]);
    }
}
