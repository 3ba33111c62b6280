"""Writes which locales compare-locales finds the paths in paths/ to belong to, to golden/paths/, for the tests to compare with.

    python3 -m venv venv && venv/bin/pip install compare-locales==9.0.5
    venv/bin/python paths.py

Each folder in paths/ is the root of a repository. Its paths.txt has the path of a configuration in the first line and paths to
ask for in the others. A path belongs to each locale whose comparison would take it for a file of that locale, of those that the
configuration lists or, if it lists none, those in LOCALES. Where compare-locales refuses the configuration, its reason is written.
"""

import json
from pathlib import Path

from compare_locales.paths import ProjectFiles, TOMLParser

HERE = Path(__file__).parent
CASES = HERE / "paths"
GOLDEN = HERE / "golden" / "paths"
LOCALES = ["de", "en-US", "fr", "he", "ja-JP-mac", "pt-BR", "sr-Latn"]


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for case in sorted(CASES.iterdir()):
        (GOLDEN / f"{case.name}.json").write_text(json.dumps(answers(case), indent=1) + "\n")


def answers(case):
    config, *paths = (case / "paths.txt").read_text().splitlines()
    try:
        project = TOMLParser().parse(str(case / config), env={"l10n_base": str(case)})
        if not project.all_locales:
            project.set_locales(LOCALES)
        files = {locale: ProjectFiles(locale, [project]) for locale in project.all_locales}
        return {path: [locale for locale in files if belongs(files[locale], str(case / path))] for path in paths}
    except Exception as error:
        return {"refused": type(error).__name__}


def belongs(files, path):
    if files.exclude and files.exclude.match(path) is not None:
        return False
    return any(matcher["l10n"].match(path) is not None for matcher in files.matchers)


if __name__ == "__main__":
    main()
