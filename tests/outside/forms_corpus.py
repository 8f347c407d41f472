"""Real forms: the files with fields to fill among the PDFs that other projects test with. Fetched by name, never committed.

    forms_corpus.py [--least N]

As a program it fetches them and prints how many each package has. What each package says of its licence, as of the versions below: we fetch and read the files, and give none of them on.
"""

import argparse
import collections
import hashlib
import json
import os
import sys

import pikepdf

import packages
from form_fields import fillable_fields

#: Debian's sources, and under which licence.
DEBIAN = {
    "pdf.js": "Apache-2.0",
    "libpdfbox2-java": "Apache-2.0",
    "libpdfbox-java": "Apache-2.0",
    "qpdf": "Apache-2.0",
    "okular": "GPL-2.0-or-later",
    "libitext5-java": "AGPL-3.0",
    "pymupdf": "AGPL-3.0",
}
SDISTS = {"pypdf": "BSD-3-Clause", "pyhanko": "MIT"}
#: Forms of courts and authorities, as filled by interviews of docassemble.
WHEELS = {
    "docassemble.law==0.5.9": "MIT",
    "docassemble.alaffidavitofindigency==2.3.0": "MIT",
    "docassemble.alweaver==2.3.1": "MIT",
    "docassemble.assemblyline==4.8.0": "MIT",
    "docassemble.base==1.10.5": "MIT",
    "docassemble.demo==1.10.5": "MIT",
    "docassemble.hmctshelper==0.0.1": "MIT",
    "docassemble.hmlrhelper==0.0.3": "MIT",
    "docassemble.lawvexpungementevaluator==1.0.2": "MIT",
    "docassemble.lawvfamilylaw==0.1.8": "MIT",
    "docassemble.lawvnamechange==1.0.12": "MIT",
    "docassemble.LAWVRentersRightsWestVirginia==0.1.3": "MIT",
}
MODULES = {"github.com/pdfcpu/pdfcpu@v0.15.0": "Apache-2.0"}
#: Fonts of scripts that the program has none for: Chinese, Japanese and Korean; Devanagari; Thai. Apache-2.0; OFL-1.1; GPL-2.0 with the exception for fonts.
FONTS = ("fonts-droid-fallback", "fonts-lohit-deva", "fonts-tlwg-loma-ttf")


def forms():
    """The paths of all forms that pikepdf (the library of qpdf) opens and that have a field to fill, one of each content."""
    paths = packages.fetch(tuple(DEBIAN), tuple(SDISTS), tuple(WHEELS), tuple(MODULES))
    known = os.path.join(packages.CACHE, "forms.json")
    key = hashlib.sha256("\n".join(paths).encode()).hexdigest()
    if os.path.exists(known):
        with open(known) as file:
            kept = json.load(file)
        if kept["of"] == key:
            return [os.path.join(packages.PDFS, name) for name in kept["forms"]]
    found = [path for path in packages.without_copies(paths) if has_fields(path)]
    with open(known, "w") as file:
        json.dump({"of": key, "forms": [os.path.relpath(path, packages.PDFS) for path in found]}, file)
    return found


def has_fields(path):
    try:
        with pikepdf.open(path) as document:
            return bool(fillable_fields(document))
    except Exception:
        # Whatever it is that pikepdf does not like: the file is none that qpdf opens.
        return False


def package_of(path):
    """Of which package a file is."""
    name = os.path.relpath(path, packages.PDFS).partition(os.sep)[0]
    return "docassemble" if name.startswith("docassemble") else name


def sample(paths, count):
    """So many of the files, from each package in proportion, the same in every run."""
    if not count or count >= len(paths):
        return paths
    ordered = sorted(paths, key=lambda path: (package_of(path), hashlib.sha256(os.path.basename(path).encode()).digest()))
    step = len(ordered) / count
    return sorted(ordered[int(index * step)] for index in range(count))


def main():
    arguments = argparse.ArgumentParser(description="Fetches the forms that other projects test with.")
    arguments.add_argument("--least", type=int, default=1, help="fail if there are fewer forms")
    given = arguments.parse_args()
    found = forms()
    for package, count in sorted(collections.Counter(map(package_of, found)).items()):
        print(f"{count:5}  {package}")
    print(f"{len(found):5}  in all")
    return 0 if len(found) >= given.least else 1


if __name__ == "__main__":
    sys.exit(main())
