#!/usr/bin/env python3
"""Looks at signatures by hand with tools that are not ours.

    by_hand.py FOLDER [--images FOLDER]

FOLDER has the files `hand_*.pdf` of the example `seal_sample`. Exit status 0 only if pikepdf finds an envelope in the private data of each
signature that should have one, signed bytes cover it, `openssl cms` opens those of `hand_between.pdf` with the holder's key, and poppler,
mupdf and pdfium show the ink: dark blue, within its field, upright on the page as it is displayed, whatever is turned, and nowhere over the
text. With `--images` the pages are kept as PNG files.
"""

import argparse
import pathlib
import subprocess
import sys

import numpy
import pikepdf

from viewers import VIEWERS, Viewers

DPI = 300
#: The proportions of the ink of the fixtures, about, and how far off they may be where there is room for them.
PROPORTIONS, OFF = 2.9, 1.4
#: In the smallest fields text is left out, and proportions are a matter of pixels.
TINY = 20


def envelope(widget):
    """The envelope in the private data of an appearance, or of a form in it."""
    look = widget.get("/AP", {}).get("/N")
    if look is None:
        return None
    forms = [look, *look.get("/Resources", {}).get("/XObject", {}).values()]
    data = [form["/PieceInfo"]["/Rubrica"] for form in forms if "/PieceInfo" in form]
    if not data:
        return None
    assert len(data) == 1 and "/LastModified" in data[0]
    return data[0]["/Private"].read_raw_bytes()


def box_on_page(widget, page, rotation):
    """A widget's rectangle on the page as it is displayed: left, top, right, bottom, in pixels."""
    left, bottom, right, top = (float(corner) for corner in widget["/Rect"])
    width, height = float(page.mediabox[2]), float(page.mediabox[3])
    turn = {
        0: lambda x, y: (x, height - y),
        90: lambda x, y: (y, x),
        180: lambda x, y: (width - x, y),
        270: lambda x, y: (height - y, width - x),
    }[rotation]
    (x0, y0), (x1, y1) = turn(left, bottom), turn(right, top)
    return [round(value * DPI / 72) for value in (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))]


def bounds(mask):
    """Left, top, right, bottom of what is set."""
    ys, xs = numpy.nonzero(mask)
    return (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())) if len(xs) else None


def apart(one, other):
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def faults_of_field(viewer, name, pixels, box, turned):
    """What is wrong with what a viewer shows in a field's box. `turned`: the field is turned by itself, against the page."""
    left, top, right, bottom = box
    # Without the frame, and without the line that the contract draws at the foot of its fields.
    edge = min(4, (right - left) // 8, (bottom - top) // 8)
    shown = pixels[top + edge : bottom - edge, left + edge : right - edge].astype(int)
    red, green, blue = shown[..., 0], shown[..., 1], shown[..., 2]
    is_tiny = min(right - left, bottom - top) <= TINY * DPI / 72
    # Text is never that dark a red, nor are its edges, which pdfium draws in colours. Where lines are thinner than pixels, they are pale.
    ink = (blue - red > 25) & (blue - red < 70) & ((red < 24) | is_tiny)
    text = (abs(blue - red) < 12) & (abs(green - red) < 12) & (red < 90)
    where = bounds(ink)
    if where is None:
        yield f"{name}: no ink"
        return
    width, height = where[2] - where[0] + 1, where[3] - where[1] + 1
    if not is_tiny:
        proportions = (height / width if turned in (90, 270) else width / height) / PROPORTIONS
        if not 1 / OFF < proportions < OFF:
            yield f"{name}: the ink is {width} x {height} pixels"
    words = bounds(text)
    if words is not None and not apart(where, words) and not (is_tiny and viewer == "pdfium"):
        yield f"{name}: text over ink: {words} over {where}"


def opened(envelope, folder):
    """What the holder of the key reads with openssl."""
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-recip", folder / "holder.pem", "-inkey", folder / "holder.key"]
    return subprocess.run(command, input=envelope, capture_output=True, timeout=30).stdout


def faults_of(path, viewers, images):
    with pikepdf.open(path) as pdf:
        page = pdf.pages[0]
        rotation = int(page.get("/Rotate", 0))
        widgets = [annotation for annotation in page.Annots if annotation.get("/FT") == "/Sig"]
        signed = path.read_bytes()
        boxes = []
        for widget in widgets:
            found = envelope(widget)
            if found is None:
                continue
            numbers = [int(number) for number in widget.V.ByteRange]
            if found not in signed[: numbers[1]] and found not in signed[numbers[2] : numbers[2] + numbers[3]]:
                yield f"{widget['/T']}: its envelope is not covered by its signature"
            if path.stem == "hand_between" and opened(found, path.parent) != b"what only its holder reads":
                yield f"{widget['/T']}: openssl does not open its envelope"
            if widget["/Rect"][2] != widget["/Rect"][0]:
                own = widget.get("/MK", {}).get("/R")
                turned = 0 if own is None else (rotation - int(own)) % 360
                boxes.append((str(widget["/T"]), box_on_page(widget, page, rotation), turned))
        with_envelope = sum(envelope(widget) is not None for widget in widgets)
    expected = {"hand_between": 3, "hand_stream": 3, "hand_without_field": 1}.get(path.stem, 8)
    if with_envelope != expected:
        yield f"{with_envelope} envelopes, not {expected}"
    for viewer in VIEWERS:
        pages = viewers.render(viewer, str(path))
        if not pages:
            yield f"{viewer} cannot open it"
            continue
        if images:
            from PIL import Image

            Image.fromarray(pages[0]).save(images / f"{path.stem}_{viewer}.png")
        for name, box, turned in boxes:
            yield from (f"{viewer}: {fault}" for fault in faults_of_field(viewer, name, pages[0], box, turned))


def main():
    arguments = argparse.ArgumentParser(description="Looks at signatures by hand with pikepdf and three viewers.")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--images", type=pathlib.Path, help="keep the pages here")
    given = arguments.parse_args()
    if given.images:
        given.images.mkdir(parents=True, exist_ok=True)
    viewers = Viewers(dpi=DPI, pages=1)
    files = sorted(given.folder.glob("hand_*.pdf"))
    faults = [f"{path.name}: {fault}" for path in files for fault in faults_of(path, viewers, given.images)]
    viewers.close()
    for fault in faults:
        print(fault, file=sys.stderr)
    if not files:
        print("there are no files hand_*.pdf", file=sys.stderr)
    if files and not faults:
        print(f"{len(files)} files with signatures by hand, as they should be in {', '.join(VIEWERS)}")
    return 0 if files and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
