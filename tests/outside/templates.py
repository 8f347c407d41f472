#!/usr/bin/env python3
"""Renders the gallery of HTML templates as their authors do, and has others judge the PDFs.

    templates.py --rubrica PROGRAM [--verapdf tests/outside/verapdf.sh] [--keep FOLDER]

Of each template in each language

* `rubrica render` makes it plain, for screen readers and for archives, and with the second engine,
* `qpdf --check` finds no fault,
* every font is embedded (but with the second engine, which lists the fonts that each viewer has),
* pdftotext gives back names of the data,
* poppler and mupdf draw the same pages but for the edges of letters,
* veraPDF says that it keeps the rules of PDF/UA-1 and PDF/A-3b.

Exit status 1 if one of these does not hold.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy

from viewers import Viewers

HERE = os.path.dirname(os.path.abspath(__file__))
GALLERY = os.path.join(HERE, "..", "..", "render", "gallery")
#: What is made of each: arguments, and the rules by which veraPDF judges.
KINDS = {"plain": ([], None), "ua": (["--profile", "pdf-ua"], "ua1"), "ironpress": (["--engine", "ironpress"], None), "a": (["--profile", "pdf-a"], "3b")}
#: Part of the pixels of a page that two viewers may draw otherwise: edges.
EDGES = 0.05


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True)


def texts(value):
    """Texts of the data that are a word or a name."""
    if isinstance(value, dict):
        return [text for member in value.values() for text in texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in texts(member)]
    return [value] if isinstance(value, str) and len(value) < 30 and not any(c in value for c in "<:#\n") else []


def judged(path, kind, data, viewers):
    """What is wrong with a PDF."""
    wrong = []
    checked = run("qpdf", "--check", path)
    if checked.returncode != 0:
        wrong.append(f"qpdf: {(checked.stdout + checked.stderr).splitlines()[-1]}")
    fonts = [line.split() for line in run("pdffonts", path).stdout.splitlines()[2:]]
    if not fonts:
        wrong.append("no fonts")
    if kind != "ironpress" and any(font[-5] != "yes" for font in fonts):
        wrong.append("a font is not embedded")
    shown = "".join(run("pdftotext", path, "-").stdout.split())
    # Dates are written otherwise, and upper case is the template's.
    known = [text for text in texts(data) if not text[:4].isdigit()]
    missing = [text for text in known if "".join(text.split()).lower() not in shown.lower() and text not in ("EUR", "new", "good", "worn", "broken")]
    if kind != "ironpress" and len(missing) > len(known) // 20:
        wrong.append(f"{len(missing)} of {len(known)} texts cannot be read, such as {missing[0]!r}")
    poppler, mupdf = viewers.render("poppler", path), viewers.render("mupdf", path)
    for number, (one, other) in enumerate(zip(poppler or [], mupdf or []), start=1):
        height, width = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
        unlike = (numpy.abs(one[:height, :width].astype(int) - other[:height, :width].astype(int)).max(axis=2) > 96).mean()
        if unlike > EDGES:
            wrong.append(f"page {number}: poppler and mupdf differ in {unlike:.1%} of the pixels")
    if not poppler or len(poppler) != len(mupdf or []):
        wrong.append("a viewer does not open it")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rubrica", required=True)
    parser.add_argument("--verapdf")
    parser.add_argument("--keep")
    given = parser.parse_args()
    viewers, wrong, made = Viewers(dpi=60, pages=10), [], {}
    with tempfile.TemporaryDirectory() as work:
        folder = given.keep or work
        os.makedirs(folder, exist_ok=True)
        for name in sorted(os.listdir(GALLERY)):
            own = os.path.join(GALLERY, name)
            for template in sorted(file for file in os.listdir(own) if file.endswith(".hbs")):
                language = template.removesuffix(".hbs")
                with open(os.path.join(own, language + ".json"), encoding="utf-8") as file:
                    data = json.load(file)
                for kind, (arguments, rules) in KINDS.items():
                    what = f"{name} {language} {kind}"
                    path = os.path.join(folder, f"{name}_{language}_{kind}.pdf")
                    files = [os.path.join(own, template), os.path.join(own, language + ".json"), "--schema", os.path.join(own, "schema.json")]
                    rendered = run(given.rubrica, "render", *files, "-o", path, "--language", language, *arguments)
                    if rendered.returncode != 0:
                        wrong.append(f"{what}: {rendered.stderr.strip()}")
                        continue
                    wrong += [f"{what}: {fault}" for fault in judged(path, kind, data, viewers)]
                    made.setdefault(rules, []).append(path)
        for rules, paths in made.items():
            if rules and given.verapdf:
                said = subprocess.run([given.verapdf, rules], input="\n".join(paths) + "\n", capture_output=True, text=True, check=True)
                for path, line in zip(paths, said.stdout.splitlines(), strict=True):
                    if not line.startswith("conforms"):
                        wrong.append(f"{os.path.basename(path)}: {line[:600]}")
    viewers.close()
    print("\n".join([f"{sum(map(len, made.values()))} PDFs of {len(os.listdir(GALLERY))} templates, {len(wrong)} faults", *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
