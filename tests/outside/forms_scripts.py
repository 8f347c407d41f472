#!/usr/bin/env python3
"""Fills a form with texts of many languages, and looks at what is drawn: no boxes, the right letters in the right order and shape.

    forms_scripts.py [--fill PROGRAM] [--keep FOLDER]

For each language a line, and a paragraph in a field with wrapped lines. Of the flattened form

* pdftotext and pdfium give each text back, as it was written,
* mupdf draws no glyph that stands for a missing one,
* poppler's picture of a line is that of FreeType, HarfBuzz and FriBidi (through Pillow) with the same font in the same size.

Scripts whose fonts are not part of the program are drawn with those of `forms_corpus.FONTS`, packages of Debian that are fetched once. Exit status 1 if one of these does not hold.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree

import numpy
import pikepdf
from PIL import Image, ImageDraw, ImageFont

import forms_corpus
import packages
from judging import Judge, built, table
from viewers import Viewers

ASSETS = os.path.join(os.path.dirname(__file__), "..", "..", "documents", "assets")
LINES = {
    "es": "El pingüino Wenceslao añadió ¿cuánto?",
    "ca": "Núria: l·lusió, açò, güell i pèl",
    "eu": "Vaduz, kiwi eta ñabardura",
    "gl": "Fíxate no xardín, é Ñu e Xoán",
    "de": "Falsches Üben von Xylophonmusik quält größere Zwerge",
    "el": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "ru": "Съешь же ещё этих мягких булок",
    "he": "דג סקרן שט בים מאוכזב ולפתע מצא",
    "he in en": "Signed by דוד כהן on 12/05/2027",
    "ar": "نص حكيم له سر قاطع وذو شأن عظيم",
    "ar with digits": "الفاتورة رقم 1234 بتاريخ 2027",
    "zh": "视野无限广，窗外有蓝天",
    "ja": "いろはにほへと漢字カタカナ",
    "ko": "키스의 고유조건은 입술끼리",
    "th": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "hi": "ऋषियों को सताने वाले दुष्ट राक्षसों",
    "ka": "ვეპხის ტყაოსანი შოთა რუსთაველი",
    "hy": "Բել դղյակի ձախ ժամն օֆ ազգությանը",
}
#: pdfium reads words from right to left in the order of words from left to right, and moves marks to other lines: those it found are not looked at.
MOVED_BY_PDFIUM = ("he", "he in en", "ar", "ar with digits", "th", "hi", "es")
#: In points.
SIZE, WIDTH, LEFT, LINE, PARAGRAPH = 14, 420, 40, 26, 64
#: Pixels to a point in the pictures that are compared.
SCALE = 3
#: Least part of the ink that is at the same place, of slightly widened ink; and how much narrower or wider a line may be.
SAME_INK, SAME_WIDTH = 0.85, 0.03


def form(path):
    """A page of lines and one of paragraphs: a field of each language on both. Gives the places: name, page, left, bottom, right, top."""
    document = pikepdf.new()
    font = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica, Encoding=pikepdf.Name.WinAnsiEncoding))
    fields, places = pikepdf.Array(), []
    for page, (height, flags) in enumerate(((LINE, 0), (PARAGRAPH, 1 << 12))):
        document.add_blank_page(page_size=(500, (height + 4) * len(LINES) + 40))
        annotations = []
        for row, language in enumerate(LINES):
            bottom = 20 + row * (height + 4)
            rect = [LEFT, bottom, LEFT + (WIDTH if not flags else 150), bottom + height]
            name = f"{language} {page}"
            appearance = pikepdf.String(f"/Helv {SIZE if not flags else 10} Tf 0 g")
            annotations.append(
                document.make_indirect(
                    pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T=pikepdf.String(name), F=4, Ff=flags, Rect=rect, DA=appearance)
                )
            )
            places.append((name, page, *rect))
        document.pages[page].obj.Annots = pikepdf.Array(annotations)
        fields.extend(annotations)
    document.Root.AcroForm = pikepdf.Dictionary(Fields=fields, DR=pikepdf.Dictionary(Font=pikepdf.Dictionary(Helv=font)))
    document.save(path)
    return places


def plain(text):
    """Without marks of direction and spaces."""
    return unicodedata.normalize("NFC", "".join(character for character in text if not character.isspace() and unicodedata.category(character) != "Cf"))


def poppler_text(path, page, height, left, bottom, right, top):
    box = ["-x", left, "-y", int(height - top), "-W", right - left, "-H", top - bottom, "-f", page + 1, "-l", page + 1]
    ran = subprocess.run(["pdftotext", "-r", "72", *(str(part) for part in box), path, "-"], stdout=subprocess.PIPE, check=True)
    return ran.stdout.decode()


def traced(path, page, height):
    """What mupdf draws on a page: (font, glyph, x, y from below). Characters that share the glyph before them have none."""
    ran = subprocess.run(["mutool", "trace", path, str(page + 1)], stdout=subprocess.PIPE, check=True)
    # Names of fonts and characters from outside may be what XML does not take.
    text = re.sub(r'(unicode)="[^"]*"', "", ran.stdout.decode("utf-8", "replace"))
    found = []
    for drawn in xml.etree.ElementTree.fromstring(text).iter():
        if drawn.tag not in ("fill_text", "clip_text", "stroke_text"):
            continue
        matrix = [float(part) for part in drawn.get("transform", "1 0 0 1 0 0").split()]
        for span in drawn.iter("span"):
            for glyph in span.iter("g"):
                x, y = float(glyph.get("x")), float(glyph.get("y"))
                found.append((span.get("font"), glyph.get("glyph"), x * matrix[0] + y * matrix[2] + matrix[4], height - (x * matrix[1] + y * matrix[3] + matrix[5])))
    return found


def font_files(folder):
    """By name without subset and style marks."""
    files = {}
    for root in (ASSETS, folder):
        for place, _, names in os.walk(root):
            for name in names:
                if name.lower().endswith((".ttf", ".otf", ".ttc")):
                    files[bare(os.path.splitext(name)[0])] = os.path.join(place, name)
    return files


def bare(name):
    return re.sub(r"[^a-z0-9]|regular$", "", name.rpartition("+")[2].lower())


def reference(text, file):
    """The ink of the line, drawn by others with this font."""
    font = ImageFont.truetype(file, SIZE * SCALE, layout_engine=ImageFont.Layout.RAQM)
    picture = Image.new("L", (WIDTH * SCALE * 2, LINE * SCALE * 2), 255)
    ImageDraw.Draw(picture).text((30, 30), text, fill=0, font=font)
    return trimmed(numpy.asarray(picture) < 128)


def trimmed(mask):
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else mask[:0, :0]


def widened(mask, by=2):
    out = mask.copy()
    for _ in range(by):
        grown = out.copy()
        grown[1:] |= out[:-1]
        grown[:-1] |= out[1:]
        grown[:, 1:] |= out[:, :-1]
        grown[:, :-1] |= out[:, 1:]
        out = grown
    return out


def likeness(ours, theirs):
    """How much of the ink of each is ink of the other, and the difference of their widths in parts."""
    if not ours.size or not theirs.size:
        return 0.0, 1.0
    height, width = max(ours.shape[0], theirs.shape[0]) + 4, max(ours.shape[1], theirs.shape[1]) + 4
    frames = []
    for mask in (ours, theirs):
        frame = numpy.zeros((height, width), bool)
        frame[2 : 2 + mask.shape[0], 2 : 2 + mask.shape[1]] = mask
        frames.append(frame)
    first, second = frames
    common = min((first & widened(second)).sum() / first.sum(), (second & widened(first)).sum() / second.sum())
    return float(common), abs(ours.shape[1] - theirs.shape[1]) / theirs.shape[1]


def judged(given, folder, scratch):
    path, out = (os.path.join(scratch, name) for name in ("form.pdf", "filled.pdf"))
    places = form(path)
    values = {name: LINES[name.rpartition(" ")[0]] for name, *_ in places}
    judge = Judge([given.fill, "--fonts", folder])
    answer = judge.ask(json.dumps({"do": "fill", "forms": [path], "values": values, "out": out, "flatten": True}))
    judge.close()
    if given.keep and os.path.exists(out):
        shutil.copy(out, given.keep)
    if not answer.get("ok"):
        return [[f"nothing was filled: {answer}"]], [f"{answer}"]
    heights = [float(page.mediabox[3]) for page in pikepdf.open(out).pages]
    viewers = Viewers(dpi=72 * SCALE, pages=2)
    pages, read = viewers.render("poppler", out), viewers.texts(out, [list(place[1:]) for place in places])
    viewers.close()
    glyphs = [traced(out, page, height) for page, height in enumerate(heights)]
    files = font_files(folder)
    rows, faults = [], [f"replaced: {answer['replaced']}"] if answer["replaced"] else []
    for (name, page, left, bottom, right, top), by_pdfium in zip(places, read or [""] * len(places)):
        text, own, language = values[name], [], name.rpartition(" ")[0]
        found = poppler_text(out, page, heights[page], left, bottom, right, top)
        if plain(found) != plain(text):
            own.append(f"pdftotext reads {found.strip()!r}")
        if language not in MOVED_BY_PDFIUM and plain(by_pdfium) != plain(text):
            own.append(f"pdfium reads {by_pdfium.strip()!r}")
        inside = [(font, glyph) for font, glyph, x, y in glyphs[page] if left - 1 <= x <= right + 1 and bottom <= y <= top]
        fonts = sorted({bare(font) for font, _ in inside})
        if not inside or any(glyph in ("0", ".notdef") for _, glyph in inside):
            own.append("a box is drawn for a missing glyph, or nothing")
        common, wider = None, None
        if page == 0 and len(fonts) == 1 and fonts[0] in files:
            box = [round(part * SCALE) for part in (left, heights[page] - top, right, heights[page] - bottom)]
            ours = trimmed(pages[page][box[1] : box[3], box[0] : box[2]].min(axis=2) < 128)
            common, wider = likeness(ours, reference(text, files[fonts[0]]))
            if common < SAME_INK or wider > SAME_WIDTH:
                own.append(f"it looks unlike {files[fonts[0]]}: {common:.0%} of the ink, width differs by {wider:.1%}")
        rows.append([name, len(inside), " ".join(fonts), f"{common:.0%}" if common is not None else "-", "; ".join(own) or "fine"])
        faults += [f"{name}: {fault}" for fault in own]
    compared = sum(row[3] != "-" for row in rows)
    if compared < len(LINES) * 2 // 3:
        faults.append(f"only {compared} lines could be compared with another drawing")
    return rows, faults


def main():
    arguments = argparse.ArgumentParser(description="Fills a form with texts of many languages and looks at what is drawn.")
    arguments.add_argument("--fill", default=built(program="fill"), help="the program; default: the debug build")
    arguments.add_argument("--keep", help="folder for the filled form")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="scripts-") as scratch:
        rows, faults = judged(given, packages.fonts(forms_corpus.FONTS), scratch)
    print(*table(rows, ["language, page", "glyphs", "fonts", "ink", "judged"][: len(rows[0])]), sep="\n")
    print(f"{len(faults)} faults", *faults, sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
