//! Android's `strings.xml`: `<string name="key">value</string>` in `<resources>`, and beside compare-locales also `<plurals>`
//! and `<string-array>`, whose items are attributes.
//!
//! A file that is not well-formed is junk as a whole. Nothing is taken from a DTD: its entities stay as they are written.

mod content;

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesRef, BytesStart, Event};

use self::content::{Comment, Content};
use crate::file::{Attribute, File, Junkyard};
use crate::{Entity, Junk, Places, words};

/// Reads such a file.
pub(crate) fn parse(text: &str) -> File<'_> {
    if let Some(at) = text.bytes().position(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) {
        return broken(text, at, "a character that XML does not allow".into());
    }
    let mut resources = Resources::of(text);
    match resources.read() {
        Ok(()) => File { entities: resources.entities, junk: resources.junk.into_junk() },
        Err(what) => broken(text, resources.error_position(), what),
    }
}

fn broken(text: &str, at: usize, what: Broken) -> File<'_> {
    let place = Places::of(text).at(at);
    File { entities: Vec::new(), junk: vec![Junk { span: 0..text.len(), place, what }] }
}

/// Why the whole file is junk.
type Broken = Cow<'static, str>;

struct Resources<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    has_doctype: bool,
    entities: Vec<Entity<'a>>,
    junk: Junkyard<'a>,
    /// The comment that belongs to the next element, unless more than one line end comes before that.
    comment: Option<Comment>,
}

impl<'a> Resources<'a> {
    fn of(text: &'a str) -> Resources<'a> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        reader.config_mut().expand_empty_elements = true;
        Resources { text, reader, has_doctype: false, entities: Vec::new(), junk: Junkyard::of(text), comment: None }
    }

    fn read(&mut self) -> Result<(), Broken> {
        self.prolog()?;
        while self.child()? {}
        self.epilog()
    }

    /// Reads up to the first tag and over it.
    fn prolog(&mut self) -> Result<(), Broken> {
        loop {
            match self.event()? {
                Event::Start(tag) => return root(&tag),
                Event::DocType(_) => self.has_doctype = true,
                event => outside_of_root(&event)?,
            }
        }
    }

    fn epilog(&mut self) -> Result<(), Broken> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                event => outside_of_root(&event)?,
            }
        }
    }

    /// Reads what comes next among the resources, and says whether that was not their end.
    fn child(&mut self) -> Result<bool, Broken> {
        let start = self.position();
        match self.event()? {
            Event::End(_) => return Ok(false),
            Event::Eof => return Err("`resources` is not closed".into()),
            Event::Comment(comment) => self.comment.get_or_insert_default().add(&comment),
            Event::Text(space) => self.pass(&space),
            Event::CData(space) => self.pass(&space),
            Event::Start(tag) => self.element(&tag, start)?,
            Event::GeneralRef(reference) => _ = self.resolve(&reference)?,
            _ => self.comment = None,
        }
        Ok(true)
    }

    fn pass(&mut self, space: &str) {
        self.comment.take_if(|comment| !comment.goes_on_after(space));
    }

    fn element(&mut self, tag: &BytesStart<'a>, start: usize) -> Result<(), Broken> {
        let comment = self.comment.take().map(|comment| Cow::Owned(comment.into_text()));
        let name = name_of(tag, "name")?;
        let (value, attributes) = match (tag.name().as_ref(), &name) {
            ("string", Some(_)) => (Some(self.value()?), Vec::new()),
            ("plurals", Some(_)) => (None, self.items(|tag, _| name_of(tag, "quantity"))?),
            ("string-array", Some(_)) => (None, self.items(|_, index| Ok(Some(index.to_string().into())))?),
            _ => {
                self.value()?;
                self.junk.add(start..self.position(), "neither a string, plurals nor an array of strings with a name");
                return Ok(());
            }
        };
        let words = value.iter().chain(attributes.iter().map(|item| &item.value)).map(|value| words::count(value)).sum();
        let span = start..self.position();
        self.entities.push(Entity { key: name.unwrap_or_default(), value, attributes, comment, span, words });
        Ok(())
    }

    /// Reads the items of an element to its end, each named by its tag and its number.
    fn items(
        &mut self,
        name: impl Fn(&BytesStart<'a>, usize) -> Result<Option<Cow<'a, str>>, Broken>,
    ) -> Result<Vec<Attribute<'a>>, Broken> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                Event::End(_) => return Ok(items),
                Event::Eof => return Err("an element is not closed".into()),
                Event::Start(tag) => {
                    let value = self.value()?;
                    items.extend(name(&tag, items.len())?.map(|name| Attribute { name, value }));
                }
                _ => {}
            }
        }
    }

    /// Reads an element to its end: its text, or its source if there is markup in it.
    fn value(&mut self) -> Result<Cow<'a, str>, Broken> {
        let mut content = Content::default();
        let start = self.position();
        let mut depth = 1_usize;
        loop {
            let end = self.position();
            match self.event()? {
                Event::Eof => return Err("an element is not closed".into()),
                Event::End(_) if depth == 1 => return Ok(content.value(&self.text[start..end])),
                Event::End(_) => depth -= 1,
                Event::Start(tag) => {
                    check(&tag)?;
                    depth += 1;
                    content.has_markup = true;
                }
                Event::CData(data) if depth == 1 => _ = content.data.get_or_insert(data.into_inner()),
                Event::Text(text) => content.add(text.into_inner()),
                Event::GeneralRef(reference) => content.add(self.resolve(&reference)?),
                _ => content.has_markup = true,
            }
        }
    }

    /// Gives what a reference stands for. One that is declared in a DTD stays as it is.
    fn resolve(&self, reference: &BytesRef<'a>) -> Result<Cow<'a, str>, Broken> {
        if let Some(char) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
            return Ok(Cow::Owned(char.to_string()));
        }
        match resolve_xml_entity(reference) {
            Some(text) => Ok(Cow::Borrowed(text)),
            None if self.has_doctype => Ok(Cow::Owned(format!("&{};", &**reference))),
            None => Err(format!("the entity `{}` is not declared", &**reference).into()),
        }
    }

    fn event(&mut self) -> Result<Event<'a>, Broken> {
        self.reader.read_event().map_err(|error| error.to_string().into())
    }

    /// Tells where reading has failed: where the XML is wrong, or behind what is not wanted.
    fn error_position(&self) -> usize {
        match self.reader.error_position() as usize {
            0 => self.position(),
            at => at,
        }
    }

    fn position(&self) -> usize {
        self.reader.buffer_position() as usize
    }
}

fn root(tag: &BytesStart<'_>) -> Result<(), Broken> {
    check(tag)?;
    match tag.name().as_ref() {
        "resources" => Ok(()),
        other => Err(format!("the root is `{other}` and not `resources`").into()),
    }
}

fn outside_of_root(event: &Event<'_>) -> Result<(), Broken> {
    match event {
        Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Ok(()),
        Event::Text(text) if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() => Ok(()),
        Event::Eof => Err("there is no element".into()),
        _ => Err("there is something outside of the root".into()),
    }
}

/// Says whether the attributes of a tag are well-formed.
fn check(tag: &BytesStart<'_>) -> Result<(), Broken> {
    name_of(tag, "").map(|_| ())
}

/// Gives the value of an attribute, and fails if any is not well-formed.
fn name_of<'a>(tag: &BytesStart<'_>, attribute: &str) -> Result<Option<Cow<'a, str>>, Broken> {
    let mut value = None;
    // Looking for an attribute that comes twice would take quadratic time.
    for found in tag.attributes().with_checks(false) {
        let found = found.map_err(|error| error.to_string())?;
        if found.key.as_ref() == attribute {
            let unescaped = unescape_with(&found.value, resolve_xml_entity).map_err(|error| error.to_string())?;
            value = Some(Cow::Owned(unescaped.into_owned()));
        }
    }
    Ok(value)
}
