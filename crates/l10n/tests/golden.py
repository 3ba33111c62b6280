"""Writes what compare-locales makes of the files in corpus/ to golden/, for the tests to compare with.

    python3 -m venv venv && venv/bin/pip install compare-locales==9.0.5
    venv/bin/python golden.py

Of each file: its entities, and its junk with line and column. compare-locales never gets past some entries of .po files;
what it gives up to there is followed by "endless". Half of a surrogate pair becomes U+FFFD, since JSON cannot hold it.
Files in corpus/large/ are made large first, as the test does it: a head, a block that is repeated with its number for "@"
until there are 5,000,000 characters, and a tail, with a line "@@" after the first two. Of these there are numbers and a digest.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from compare_locales.parser import Junk, getParser
from compare_locales.parser.fluent import FluentEntity

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
GOLDEN = HERE / "golden"
LARGE = 5_000_000


def main():
    for path in sorted(CORPUS.rglob("*.*")):
        name = path.relative_to(CORPUS)
        large = name.parts[0] == "large"
        found = large_file(path) if large else read(path)
        target = GOLDEN / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(found, indent=1) + "\n")


def read(path):
    parser = getParser(path.as_posix())
    parser.readFile(str(path))
    found = {"entities": [], "junk": []}
    for entry in parser:
        if not isinstance(entry, Junk):
            found["entities"].append(entity(entry))
        elif entry.span[0] == entry.span[1] and entry.ctx:
            found["endless"] = True
            break
        else:
            line, column = entry.position()
            found["junk"].append({"line": line, "column": column, "text": entry.all})
    return found


def entity(entry):
    return {
        "key": text(key(entry)),
        "value": text(value(entry)),
        "attributes": attributes(entry),
        "comment": text(comment(entry)),
        "words": entry.count_words(),
    }


def key(entry):
    """A .po file's key is a pair; gettext writes it as one."""
    if not isinstance(entry.key, tuple):
        return entry.key
    message, context = entry.key
    return message if context is None else f"{context}\x04{message}"


def value(entry):
    return entry.val if entry.val_span is not None else None


def attributes(entry):
    if not isinstance(entry, FluentEntity):
        return []
    return [[attribute.key, attribute.raw_val] for attribute in entry.attributes]


def comment(entry):
    if isinstance(entry, FluentEntity):
        return entry.entry.comment and entry.entry.comment.content
    return entry.pre_comment and entry.pre_comment.val


def text(value):
    return value and value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def large_file(path):
    head, block, tail = path.read_text().split("@@\n")
    parts, size, number = [head], 0, 0
    while size < LARGE:
        parts.append(block.replace("@", str(number)))
        size += len(parts[-1])
        number += 1
    with TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        whole.write_text("".join(parts) + tail)
        return summary(read(whole))


def summary(found):
    entities = found["entities"]
    texts = [text for entity in entities for text in texts_of(entity)]
    return {
        "entities": len(entities),
        "junk": len(found["junk"]),
        "words": sum(entity["words"] for entity in entities),
        "digest": digest("\0".join(texts)),
    }


def texts_of(entity):
    yield entity["key"]
    yield entity["value"] or ""
    for name, value in entity["attributes"]:
        yield name
        yield value
    yield entity["comment"] or ""


def digest(text):
    """FNV-1a of 64 bits."""
    hash = 0xCBF29CE484222325
    for byte in text.encode():
        hash = (hash ^ byte) * 0x100000001B3 % 2**64
    return f"{hash:016x}"


if __name__ == "__main__":
    main()
