"""Reads the localization files in a folder with compare-locales: each value, and how many words it has. Prints how many megabytes
a second that is."""

import pathlib
import sys
import time

from compare_locales import parser

files = [path for path in pathlib.Path(sys.argv[1]).rglob("*") if path.is_file()]
contents = [(path, path.read_bytes()) for path in files]
began = time.perf_counter()
for path, content in contents:
    reader = parser.getParser(str(path))
    reader.readContents(content)
    for entity in reader.walk(only_localizable=True):
        if not isinstance(entity, parser.Junk):
            entity.val
            entity.count_words()
seconds = time.perf_counter() - began
print(sum(len(content) for _, content in contents) / 1e6 / seconds)
