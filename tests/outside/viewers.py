"""Renders pages with poppler, mupdf and pdfium, and compares what they show.

Run as a program it serves pdfium: a crash of it then ends that process only.
"""

import json
import os
import select
import struct
import subprocess
import sys
import time

import numpy

VIEWERS = ("poppler", "mupdf", "pdfium")
TIMEOUT = 30.0
#: Difference of a colour channel below which two pixels count as equal: the same program rounds alike, so this is small.
TOLERANCE = 8
#: The same for `roughly_unlike`, beside what is within one pixel.
ROUGH_TOLERANCE = 48


class Viewers:
    """The three viewers. Pages beyond `pages` are not looked at. `cropped`: poppler too shows the crop box alone, as the others do."""

    def __init__(self, dpi=45, pages=4, cropped=False):
        self.dpi, self.pages, self.cropped = dpi, pages, cropped
        self.pdfium = None

    def render(self, viewer, path):
        """The pages as arrays of height x width x 3, or None where the viewer cannot open the file."""
        return {"poppler": self._poppler, "mupdf": self._mupdf, "pdfium": self._pdfium}[viewer](path)

    def compare(self, before, after, masks=(), viewers=VIEWERS):
        """What each viewer says of two files: "same", "differs: ...", "lost" (only the first opens), "unopened" (the first does not)."""
        return {viewer: self._compare(viewer, before, after, masks) for viewer in viewers}

    def _compare(self, viewer, before, after, masks):
        was = self.render(viewer, before)
        if not was:
            return "unopened"
        now = self.render(viewer, after)
        if not now:
            return "lost"
        return difference(was, now, masks, self.dpi)

    def close(self):
        if self.pdfium is not None:
            self.pdfium.kill()
            self.pdfium.wait()
            self.pdfium.stdin.close()
            self.pdfium.stdout.close()
            self.pdfium = None

    def _poppler(self, path):
        return self._program(["pdftoppm", "-q", *(["-cropbox"] if self.cropped else []), "-r", str(self.dpi), "-l", str(self.pages), path])

    def _mupdf(self, path):
        return self._program(["mutool", "draw", "-q", "-F", "ppm", "-o", "-", "-r", str(self.dpi), path, f"1-{self.pages}"])

    def _program(self, command):
        try:
            ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return None
        return ppm_pages(ran.stdout)

    def texts(self, path, boxes):
        """What pdfium reads within each box (page, left, bottom, right, top; in the page's space), or None where it cannot open the file."""

        def answer(until):
            (length,) = struct.unpack("<I", self._read(4, until))
            return json.loads(self._read(length, until))

        return self._ask_pdfium({"path": path, "boxes": boxes}, answer)

    def _pdfium(self, path):
        def answer(until):
            (count,) = struct.unpack("<I", self._read(4, until))
            pages = []
            for _ in range(count):
                height, width = struct.unpack("<II", self._read(8, until))
                pages.append(numpy.frombuffer(self._read(height * width * 3, until), numpy.uint8).reshape(height, width, 3))
            return pages or None

        return self._ask_pdfium({"path": path, "dpi": self.dpi, "pages": self.pages}, answer)

    def _ask_pdfium(self, job, answer):
        if self.pdfium is None:
            self.pdfium = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        try:
            self.pdfium.stdin.write((json.dumps(job) + "\n").encode())
            self.pdfium.stdin.flush()
            return answer(time.monotonic() + TIMEOUT)
        except (EOFError, BrokenPipeError, TimeoutError):
            self.close()
            return None

    def _read(self, count, until):
        out = bytearray()
        while len(out) < count:
            if not select.select([self.pdfium.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            read = os.read(self.pdfium.stdout.fileno(), count - len(out))
            if not read:
                raise EOFError
            out += read
        return bytes(out)


def ppm_pages(data):
    """The images of a concatenation of binary PPM files."""
    pages, at = [], 0
    while data[at : at + 2] == b"P6":
        numbers = []
        at += 2
        while len(numbers) < 3:
            while data[at : at + 1].isspace():
                at += 1
            if data[at : at + 1] == b"#":
                at = data.index(b"\n", at)
                continue
            end = at
            while data[end : end + 1].isdigit():
                end += 1
            numbers.append(int(data[at:end]))
            at = end
        width, height, _ = numbers
        at += 1
        pixels = numpy.frombuffer(data, numpy.uint8, width * height * 3, at) if len(data) >= at + width * height * 3 else None
        if pixels is None:
            return None
        pages.append(pixels.reshape(height, width, 3))
        at += width * height * 3
    return pages or None


def difference(before, after, masks, dpi, unlike=None):
    """ "same", or what differs outside of `masks`: (page, left, top, right, bottom) in points from the page's upper left corner, or a
    function from the number of a page and its shown width and height in points to such boxes. `unlike`: which pixels of two pages differ;
    those that are not the same, unless `roughly_unlike` is given."""
    if len(before) != len(after):
        return f"differs: {len(before)} pages became {len(after)}"
    for number, (was, now) in enumerate(zip(before, after)):
        if was.shape != now.shape:
            return f"differs: page {number + 1} has another size"
        unlike_here = (unlike or strictly_unlike)(was, now)
        height, width = (length * 72 / dpi for length in was.shape[:2])
        for page, *box in masks(number, width, height) if callable(masks) else masks:
            if page == number:
                left, top, right, bottom = (coordinate * dpi / 72 for coordinate in box)
                # A pixel at the edge belongs to both sides.
                unlike_here[max(0, int(top) - 2) : int(bottom) + 3, max(0, int(left) - 2) : int(right) + 3] = False
        count = int(unlike_here.sum())
        if count:
            rows, columns = unlike_here.nonzero()
            box = [int(part * 72 / dpi) for part in (columns.min(), rows.min(), columns.max(), rows.max())]
            return f"differs: page {number + 1}, {count} pixels in {box} points"
    return "same"


def texts_of(job):
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(job["path"])
        pages = {page: document[page].get_textpage() for page in sorted({box[0] for box in job["boxes"]})}
        return [pages[page].get_text_bounded(left, bottom, right, top) for page, left, bottom, right, top in job["boxes"]]
    except Exception:
        return None


def strictly_unlike(was, now):
    return numpy.abs(was.astype(numpy.int16) - now.astype(numpy.int16)).max(axis=2) > TOLERANCE


def roughly_unlike(was, now):
    """Pixels whose like is not within one pixel: viewers smooth what they draw as an annotation, or beside other fonts, a little differently,
    and pdfium colours the edges of letters in a field."""
    was, now = (pixels.astype(numpy.int16).sum(axis=2) // 3 for pixels in (was, now))
    return beyond(was, now) | beyond(now, was)


def beyond(pixels, others):
    """Which pixels are darker or lighter than all around them in the other picture."""
    padded = numpy.pad(others, 1, mode="edge")
    height, width = others.shape
    around = [padded[row : row + height, column : column + width] for row in range(3) for column in range(3)]
    lowest, highest = numpy.minimum.reduce(around), numpy.maximum.reduce(around)
    return (pixels < lowest - ROUGH_TOLERANCE) | (pixels > highest + ROUGH_TOLERANCE)


def serve_pdfium():
    import pypdfium2

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        if "boxes" in job:
            found = json.dumps(texts_of(job)).encode()
            out.write(struct.pack("<I", len(found)) + found)
            out.flush()
            continue
        pages = []
        try:
            document = pypdfium2.PdfDocument(job["path"])
            document.init_forms()
            for number in range(min(len(document), job["pages"])):
                bitmap = document[number].render(scale=job["dpi"] / 72, may_draw_forms=True, rev_byteorder=True)
                pixels = bitmap.to_numpy()
                pages.append(numpy.ascontiguousarray(numpy.repeat(pixels, 3, 2)[:, :, :3] if pixels.shape[2] == 1 else pixels[:, :, :3]))
            document.close()
        except Exception:
            # Whatever it is that pdfium does not like: the file is not shown.
            pages = []
        out.write(struct.pack("<I", len(pages)))
        for pixels in pages:
            out.write(struct.pack("<II", *pixels.shape[:2]) + pixels.tobytes())
        out.flush()


if __name__ == "__main__":
    serve_pdfium()
