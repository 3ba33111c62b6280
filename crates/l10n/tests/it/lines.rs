//! The difference line by line.

use std::time::{Duration, Instant};

use elmo_l10n::{Side, is_binary, lines};

fn told(old: &[u8], new: &[u8]) -> Vec<String> {
    let mut told = Vec::new();
    for hunk in lines(old, new) {
        told.push("--".to_owned());
        told.extend(hunk.lines.iter().map(|line| {
            let end = if line.ends { "" } else { "$" };
            match line.side {
                Side::Old(number) => format!("{number} - {}{end}", line.text),
                Side::New(number) => format!("- {number} {}{end}", line.text),
                Side::Both { old, new } => format!("{old} {new} {}{end}", line.text),
            }
        }));
    }
    told
}

#[test]
fn changes_come_with_three_lines_around_them() {
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n";
    let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n15\n";

    let expected = [
        "--", "2 2 2", "3 3 3", "4 4 4", "5 - 5", "- 5 five", "6 6 6", "7 7 7", "8 8 8", //
        "--", "11 11 11", "12 12 12", "13 13 13", "14 - 14", "15 14 15",
    ];
    assert_eq!(told(old.as_bytes(), new.as_bytes()), expected);
}

#[test]
fn changes_that_are_near_share_their_lines() {
    assert_eq!(
        told(b"1\n2\n3\n4\n5\n6\n7\n8\n", b"one\n2\n3\n4\n5\n6\n7\neight\n"),
        ["--", "1 - 1", "- 1 one", "2 2 2", "3 3 3", "4 4 4", "5 5 5", "6 6 6", "7 7 7", "8 - 8", "- 8 eight"]
    );
}

#[test]
fn files_that_are_equal_have_no_hunks_and_new_ones_one() {
    assert_eq!(lines(b"a\n", b"a\n"), []);
    assert_eq!(lines(b"", b""), []);
    assert_eq!(told(b"", b"a\nb\n"), ["--", "- 1 a", "- 2 b"]);
    assert_eq!(told(b"a\n", b""), ["--", "1 - a"]);
}

#[test]
fn a_last_line_without_its_end_differs_from_one_with_it() {
    assert_eq!(told(b"a\nb", b"a\nb\n"), ["--", "1 1 a", "2 - b$", "- 2 b"]);
}

#[test]
fn lines_that_are_not_utf8_are_compared_as_bytes() {
    assert_eq!(told(b"\xe4\n", b"\xe5\n"), ["--", "1 - \u{fffd}", "- 1 \u{fffd}"]);
}

#[test]
fn a_zero_byte_near_the_beginning_makes_a_file_binary() {
    assert!(is_binary(b"a\0"));
    assert!(!is_binary(b""));
    assert!(!is_binary("text ü\n".as_bytes()));
    assert!(!is_binary(&[vec![b'a'; 8000], vec![0]].concat()));
}

#[test]
fn files_that_nobody_would_write_take_no_time() {
    let many = |seed: u32| -> Vec<u8> {
        (0..200_000_u32).flat_map(|n| [b'a' + (n.wrapping_mul(seed).wrapping_mul(n) >> 7) as u8 % 20, b'\n']).collect()
    };
    let start = Instant::now();

    assert!(!lines(&many(17), &many(31)).is_empty());
    assert!(!lines(&vec![b'\n'; 1_000_000], &vec![b'\n'; 900_000]).is_empty());

    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
