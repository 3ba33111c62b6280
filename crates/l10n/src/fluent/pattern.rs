//! Where the source of a pattern lies, and how many words it has.

use std::ops::Range;

use fluent_syntax::ast::{CallArguments, Expression, InlineExpression, Pattern, PatternElement};

use crate::walk::end_of_line;
use crate::words;

/// Gives the offset of a part of a text.
pub(super) fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Finds the source of a pattern after the name at whose end `name_end` is: from its first character, or its first line's
/// start if that is not the name's line, to the end of its last line.
pub(super) fn span(text: &str, name_end: usize, pattern: &Pattern<&str>) -> Range<usize> {
    let end = end_of_last_line(text, end(text, pattern)).max(name_end);
    start(text, name_end).min(end)..end
}

/// Most texts end where their line does: that is seen without a search.
fn end_of_last_line(text: &str, at: usize) -> usize {
    if text.as_bytes().get(at) == Some(&b'\n') { at } else { end_of_line(text, at) }
}

fn start(text: &str, name_end: usize) -> usize {
    let sign = end_of_spaces(text, name_end) + "=".len();
    let mut start = end_of_spaces(text, sign);
    if text.as_bytes().get(start) != Some(&b'\n') {
        return start;
    }
    let mut line = start;
    while text.as_bytes().get(line) == Some(&b'\n') {
        start = line + 1;
        line = end_of_spaces(text, start);
    }
    start
}

fn end_of_spaces(text: &str, at: usize) -> usize {
    at + text.as_bytes()[at..].iter().take_while(|&&byte| byte == b' ').count()
}

/// Finds the end of a pattern by its last name, literal or text, and the braces that are closed after it.
fn end(text: &str, pattern: &Pattern<&str>) -> usize {
    let mut braces = 0;
    let last = last_part(pattern, &mut braces);
    let mut end = last.map_or(0, |part| offset(text, part) + part.len());
    for _ in 0..braces {
        end += memchr::memchr(b'}', &text.as_bytes()[end..]).map_or(0, |length| length + 1);
    }
    end
}

/// Gives what stands last in a pattern, and counts the braces around it.
fn last_part<'p, 'a>(pattern: &'p Pattern<&'a str>, braces: &mut usize) -> Option<&'p &'a str> {
    let mut pattern = pattern;
    loop {
        match pattern.elements.last()? {
            PatternElement::TextElement { value } => return Some(value),
            PatternElement::Placeable { expression } => match last_of_expression(expression, braces) {
                Last::Part(part) => return Some(part),
                Last::Pattern(inner) => pattern = inner,
            },
        }
    }
}

enum Last<'p, 'a> {
    Part(&'p &'a str),
    Pattern(&'p Pattern<&'a str>),
}

fn last_of_expression<'p, 'a>(expression: &'p Expression<&'a str>, braces: &mut usize) -> Last<'p, 'a> {
    *braces += 1;
    let mut inline = match expression {
        Expression::Inline(inline) => inline,
        Expression::Select { selector, variants } => match variants.last() {
            Some(variant) => return Last::Pattern(&variant.value),
            None => selector,
        },
    };
    loop {
        inline = match inline {
            InlineExpression::StringLiteral { value } | InlineExpression::NumberLiteral { value } => return Last::Part(value),
            InlineExpression::VariableReference { id } => return Last::Part(&id.name),
            InlineExpression::MessageReference { id, attribute } => {
                return Last::Part(&attribute.as_ref().unwrap_or(id).name);
            }
            InlineExpression::FunctionReference { id, arguments } => match last_argument(arguments) {
                Some(argument) => argument,
                None => return Last::Part(&id.name),
            },
            InlineExpression::TermReference { id, attribute, arguments } => match arguments.as_ref().and_then(last_argument) {
                Some(argument) => argument,
                None => return Last::Part(&attribute.as_ref().unwrap_or(id).name),
            },
            InlineExpression::Placeable { expression } => return last_of_expression(expression, braces),
        }
    }
}

fn last_argument<'p, 'a>(arguments: &'p CallArguments<&'a str>) -> Option<&'p InlineExpression<&'a str>> {
    arguments.named.last().map(|named| &named.value).or_else(|| arguments.positional.last())
}

/// Counts the words of the text in a pattern, that of all variants too.
pub(super) fn words(pattern: &Pattern<&str>) -> usize {
    pattern.elements.iter().map(words_of_element).sum()
}

fn words_of_element(element: &PatternElement<&str>) -> usize {
    match element {
        PatternElement::TextElement { value } => words::count_plain(value),
        PatternElement::Placeable { expression } => words_of_expression(expression),
    }
}

fn words_of_expression(expression: &Expression<&str>) -> usize {
    match expression {
        Expression::Select { variants, .. } => variants.iter().map(|variant| words(&variant.value)).sum(),
        Expression::Inline(InlineExpression::Placeable { expression }) => words_of_expression(expression),
        Expression::Inline(_) => 0,
    }
}
