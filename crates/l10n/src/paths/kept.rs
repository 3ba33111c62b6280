//! Rules as a text that can be kept, and compared to see whether they have changed.
//!
//! One rule a line, the one that is asked first on top, after the lists of locales that they use. In a pattern `*` and the
//! names in braces stand for its parts; other bytes that could be taken for something else are written as `%2A`.

use std::fmt::Write;
use std::str::Lines;

use super::code::is_code;
use super::pattern::{Form, Node, Pattern, add_open, add_text};
use super::{MOST_RULES, Rule, Rules, Unusable};

/// The first line; another one will say that the rest is written otherwise.
const FIRST: &str = "paths 1";

/// Names of the parts of a pattern.
const NAMES: [(&str, Node); 6] = [
    ("{locale}", Node::Locale(Form::Plain)),
    ("{android_locale}", Node::Locale(Form::Android)),
    ("*", Node::Star),
    ("{parts}", Node::Parts),
    ("{rest}", Node::Rest),
    ("{anything}", Node::Anything),
];

pub(super) fn write(rules: &Rules) -> String {
    let mut text = format!("{FIRST}\n");
    for list in &rules.lists {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "locales {}", list.join(" "));
    }
    for (word, rules) in [("path", &rules.rules), ("exclude", &rules.excludes)] {
        for Rule { pattern, list } in rules {
            let list = list.map_or_else(|| "any".to_owned(), |list| list.to_string());
            let _ = writeln!(text, "{word} {list} {}", write_pattern(pattern));
        }
    }
    text
}

fn write_pattern(pattern: &Pattern) -> String {
    let mut text = String::new();
    for node in &pattern.nodes {
        match NAMES.iter().find(|(_, named)| named == node) {
            Some((name, _)) => text.push_str(name),
            None => write_text(&mut text, node),
        }
    }
    text
}

fn write_text(text: &mut String, node: &Node) {
    let Node::Text(bytes) = node else { return };
    for &byte in bytes {
        if byte.is_ascii_graphic() && !b"%*{}".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

pub(super) fn read(text: &str) -> Result<Rules, Unusable> {
    let mut lines = text.lines();
    if lines.next() != Some(FIRST) {
        return Err(Unusable(format!("kept rules don't begin with `{FIRST}`")));
    }
    read_lines(lines).ok_or_else(|| Unusable("kept rules have a line that cannot be read".to_owned()))
}

fn read_lines(lines: Lines<'_>) -> Option<Rules> {
    let mut rules = Rules { lists: Vec::new(), rules: Vec::new(), excludes: Vec::new() };
    for line in lines {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "locales" => rules.lists.push(read_list(rest)?),
            "path" => {
                let rule = read_rule(rest, &rules)?;
                rules.rules.push(rules.names_a_locale(&rule).then_some(rule)?);
            }
            "exclude" => {
                let rule = read_rule(rest, &rules)?;
                rules.excludes.push(rule);
            }
            _ => return None,
        }
        (rules.rules.len() + rules.excludes.len() <= MOST_RULES).then_some(())?;
    }
    Some(rules)
}

/// Reads a list of locales, which is sorted.
fn read_list(text: &str) -> Option<Vec<String>> {
    let codes = text.split(' ').filter(|code| !code.is_empty());
    let list: Vec<String> = codes.map(|code| is_code(code).then(|| code.to_owned())).collect::<Option<_>>()?;
    list.is_sorted().then_some(list)
}

fn read_rule(text: &str, rules: &Rules) -> Option<Rule> {
    let (list, pattern) = text.split_once(' ')?;
    let list = match list {
        "any" => None,
        number => Some(number.parse().ok().filter(|&number| number < rules.lists.len())?),
    };
    Some(Rule { pattern: read_pattern(pattern)?, list })
}

fn read_pattern(mut text: &str) -> Option<Pattern> {
    let mut nodes = Vec::new();
    while let Some(first) = text.chars().next() {
        if let Some((name, node)) = NAMES.iter().find(|(name, _)| text.starts_with(name)) {
            add_open(&mut nodes, node.clone());
            text = &text[name.len()..];
        } else if first == '%' {
            let digits = text.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            add_text(&mut nodes, &[u8::from_str_radix(digits, 16).ok()?]);
            text = &text[3..];
        } else {
            let plain = first.is_ascii_graphic() && !"%*{}".contains(first);
            add_text(&mut nodes, plain.then_some(&text.as_bytes()[..1])?);
            text = &text[1..];
        }
    }
    Pattern::of(nodes).ok()
}
