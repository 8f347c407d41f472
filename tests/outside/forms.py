#!/usr/bin/env python3
"""Fills real forms and has others judge the result: qpdf, pikepdf, poppler, mupdf and pdfium.

    forms.py [--fill PROGRAM] [--count N] [--pages N] [--save RESULTS.json] [--only WORD] [--keep FOLDER] [--jobs N]

The forms are those of `forms_corpus`. Every field of each is filled with a plausible value: with the fields kept, flattened, and once more together with another form. Then

* `qpdf --check` finds neither an error nor a warning,
* pikepdf reads back the values that we filled in, and no field but unsigned signatures is left in what was flattened,
* outside of its fields every viewer shows the page as in the empty form, and what was flattened as what was not; a form of two, as alone,
* pdfium finds each text within its field, and each viewer shows it where it shows it when it has to draw the field by itself.

Prints tables. Exit status 1 if more than the shares in `ALLOWED` fail, or a form is refused for a reason that `known` does not name. `--count 0` takes all.
"""

import argparse
import collections
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

import numpy
import pikepdf

import forms_corpus
import geometry
import known
import packages
from form_fields import COMB, COMBO, PASSWORD, PUSH_BUTTON, all_fields, fillable_fields
from form_values import filled_by_viewers, font_size, plausible, read_back
from judging import Judge, built, table, tally
from viewers import VIEWERS, Viewers, difference, roughly_unlike

DPI = 72
#: Which share of what was looked at may fail, by kind: of the filled files, and for "field" of the fields. Nothing else may.
ALLOWED = {"qpdf": 0.02, "flat": 0.01, "outside": 0.01, "text": 0.01, "field": 0.01}
#: How wide pdfium's arrow in a combo box is, with its frame, in points.
ARROW = 15
#: Difference of a colour channel from which a pixel is ink.
INK = 48


class Worker:
    """What each process of the run keeps."""

    def __init__(self, given, folder):
        self.given, self.folder = given, tempfile.mkdtemp(dir=folder)
        self.judge, self.viewers = Judge([given.fill, "--fonts", given.fonts]), Viewers(dpi=DPI, pages=given.pages, cropped=True)
        #: A form that was filled before, and its values: the next one is merged with it.
        self.partner = None

    def path(self, name):
        return os.path.join(self.folder, name + ".pdf")

    def ask(self, do, forms, **more):
        return self.judge.ask(json.dumps({"do": do, "forms": forms} | more), timeout=60.0)

    def examine(self, form):
        result = {"file": os.path.relpath(form, packages.PDFS), "package": forms_corpus.package_of(form), "faults": [], "fields": 0}
        described = self.ask("inspect", [form])
        if not described.get("ok"):
            return result | unanswered(described)
        fields = described["forms"][0]["fields"]
        self.names = {field["name"] for field in fields}
        with pikepdf.open(form) as document:
            result["faults"] += differing_fields(fields, document)
            values = plausible(fields, document)
        if not values:
            return result | {"outcome": "nothing to fill"}
        result["fields"] = len(values)
        for name, flatten in (("kept", False), ("flat", True)):
            answer = self.ask("fill", [form], values=values, out=self.path(name), flatten=flatten, raw=True)
            if not answer.get("ok"):
                return result | unanswered(answer)
            if answer["unknown"] or answer["replaced"]:
                result["faults"].append(["answer", f"{name}: unknown {answer['unknown'][:3]}, replaced {answer['replaced'][:3]}"])
        result |= {"outcome": "filled", "ms": answer["ms"]}
        checks = (self.sound, self.values, self.look, self.texts, self.as_viewers_draw, self.merged)
        for check in checks:
            try:
                result["faults"] += check(form, values)
            except pikepdf.PdfError as error:
                result["faults"].append(["qpdf", f"pikepdf does not read the result: {error}"[:200]])
        self.partner = (form, values)
        if result["faults"] and self.given.keep:
            for name in ("kept", "flat", "drawn", "blank", "merged-kept", "merged-flat"):
                if os.path.exists(self.path(name)):
                    shutil.copy(self.path(name), os.path.join(self.given.keep, f"{result['file'].replace('/', '_')[:-4]}-{name}.pdf"))
        return result

    def sound(self, form, _values):
        return [["qpdf", f"{name}: {found}"] for name in ("kept", "flat") if (found := qpdf_says(self.path(name)))]

    def values(self, form, values):
        with pikepdf.open(self.path("kept")) as document:
            wrong = read_back(document, values)
        faults = [["values", "; ".join(wrong[:5])]] if wrong else []
        return faults + [["flattened", left] for left in left_fields(self.path("flat"))]

    def look(self, form, _values):
        """The page outside of its fields as before, and flattened as kept."""
        faults = []
        boxes = [grown(box) for box in geometry.widget_boxes(form, None)]
        drawn_by_viewers = [grown(box) for box in without_look(self.path("kept"))]
        self.rendered = {}
        for viewer in VIEWERS:
            empty, kept, flat = (self.viewers.render(viewer, path) for path in (form, self.path("kept"), self.path("flat")))
            self.rendered[viewer] = kept
            if not empty:
                continue
            for kind, before, after, masks in (("outside", empty, kept, boxes), ("outside", empty, flat, boxes), ("flat", kept, flat, drawn_by_viewers)):
                found = difference(before, after, masks, DPI, roughly_unlike) if before and after else "lost"
                if found != "same":
                    faults.append([kind, f"{viewer}: {'flat' if after is flat else 'kept'} {found}"])
        return faults

    def texts(self, _form, values):
        """pdfium reads in each field of the flattened form what was filled into it."""
        with pikepdf.open(self.path("kept")) as document:
            shown = [(field, widget) for field in self.text_fields(document, values) for widget in field.widgets if widget.shown]
            boxes = [[widget.page, *widget.rect] for _, widget in shown]
            found = self.viewers.texts(self.path("flat"), boxes)
            if found is None:
                return [["text", "pdfium does not open it"]]
            missing = [field.name for (field, widget), text in zip(shown, found) if not is_read(squeezed(values[field.name]), squeezed(text), widget)]
        return [["text", f"{len(missing)} of {len(shown)}: {missing[:5]}"]] if missing else []

    def text_fields(self, document, values):
        return [field for field in fillable_fields(document) if field.kind == "/Tx" and field.name in values and not field.flags & PASSWORD]

    def as_viewers_draw(self, form, values):
        """Each text is where one of the viewers shows it when it has to draw the field itself."""
        faults = []
        for name, given in (("drawn", values), ("blank", None)):
            with pikepdf.open(form) as document:
                filled_by_viewers(document, given)
                document.save(self.path(name))
        drawn, blank = ({viewer: self.viewers.render(viewer, self.path(name)) for viewer in VIEWERS} for name in ("drawn", "blank"))
        with pikepdf.open(form) as document:
            for field in self.text_fields(document, values):
                for widget in field.widgets:
                    if not widget.shown or widget.page >= self.given.pages:
                        continue
                    box = geometry.shown(document.pages[widget.page], widget.rect)
                    sizes = [font_size(field, widget, document), bool(field.flags & COMB)]
                    views = {}
                    for viewer in VIEWERS:
                        pages = (self.rendered[viewer], drawn[viewer], blank[viewer])
                        if all(pages) and widget.page < min(map(len, pages)):
                            ours, theirs, nothing = (crop(pages[widget.page], box) for pages in pages)
                            if nothing.size:
                                views[viewer] = alike(ink(ours, nothing), ink(theirs, nothing))
                    if views and "nothing to compare" not in views.values() and "alike" not in views.values():
                        faults.append(["field", f"{field.name} {sizes} {[round(part) for part in box]} {values[field.name]!r}: {views}"])
        return faults

    def merged(self, form, values):
        """Together with a form that was filled before: both keep their values, and their look."""
        partner, others = self.partner or (form, values)
        together = {**others, **values}
        for name in others.keys() & self.names:
            if others[name] != values.get(name):
                # A value goes into both: one of them need not take it, or was not filled alone.
                del together[name]
        faults = []
        for name, flatten in (("merged-kept", False), ("merged-flat", True)):
            answer = self.ask("fill", [form, partner], values=together, out=self.path(name), flatten=flatten, raw=True)
            if not answer.get("ok"):
                return [["merged", f"with {os.path.basename(partner)}: {answer}"]]
            faults += [["qpdf", f"{name} with {os.path.basename(partner)}: {found}"] for found in [qpdf_says(self.path(name))] if found]
            if not flatten:
                renamed = dict(answer["renamed"])
                # The first form's field keeps its name.
                expected = {name: value for name, value in together.items() if name not in renamed or name in values}
                expected |= {renamed[name]: value for name, value in together.items() if name in renamed}
                with pikepdf.open(self.path(name)) as document:
                    wrong = read_back(document, expected)
                faults += [["merged", f"with {os.path.basename(partner)}: {'; '.join(wrong[:5])}"]] if wrong else []
        faults += [["merged", left] for left in left_fields(self.path("merged-flat"))]
        if values.keys() <= together.keys():
            alone, both = self.viewers.render("poppler", self.path("flat")), self.viewers.render("poppler", self.path("merged-flat"))
            if alone and both and len(alone) <= len(both):
                found = difference(alone, both[: len(alone)], (), DPI, roughly_unlike)
                faults += [["merged", f"poppler: beside {os.path.basename(partner)} {found}"]] if found != "same" else []
        return faults


def unanswered(answer):
    outcome = "refused" if "refused" in answer else "died"
    why = f"{answer['step']}: {answer['refused']}" if outcome == "refused" else f"{answer}"
    return {"outcome": outcome, "why": why}


def differing_fields(described, document):
    """Where our list of fields is not that of pikepdf."""
    kinds = {"Text": "/Tx", "ComboBox": "/Ch", "ListBox": "/Ch", "CheckBox": "/Btn", "Radio": "/Btn", "PushButton": "/Btn", "Signature": "/Sig"}
    ours = {field["name"]: kinds[field["kind"]] for field in described if field["fillable"]}
    theirs = {field.name: field.kind for field in all_fields(document) if field.fillable and field.name and field.widgets}
    missing = [name for name in theirs if ours.get(name) != theirs[name]]
    return [["inspect", f"{len(missing)} of {len(theirs)} fields are missing or of another kind: {missing[:5]}"]] if missing else []


def qpdf_says(path):
    """What `qpdf --check` says against a file, shortened; nothing where it is fine."""
    ran = subprocess.run(["qpdf", "--check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60)
    warnings = [line for line in ran.stdout.splitlines() if "WARNING" in line]
    if ran.returncode == 0 and not warnings:
        return ""
    return f"status {ran.returncode}: {(warnings or ran.stdout.splitlines())[-1]}".replace(path, "")[:300]


def left_fields(path):
    """Fields that should not be left in a flattened form: all but unsigned signatures."""
    with pikepdf.open(path) as document:
        left = [f"the field {field.name} ({field.kind}) is left" for field in all_fields(document) if field.kind != "/Sig"]
        for page in document.pages:
            for annotation in page.obj.get("/Annots", []):
                if annotation.get("/Subtype") == "/Widget" and geometry.inherited(annotation, "/FT", None) != "/Sig":
                    left.append("a widget is left")
    return left[:3]


def without_look(path):
    """Boxes that viewers draw, or do not draw, as they like: push buttons, buttons whose state has no appearance, fields without any (some show `DV`), and the arrows of combo boxes."""
    boxes = []
    with pikepdf.open(path) as document:
        for field in all_fields(document):
            for widget in field.widgets:
                left, top, right, bottom = geometry.shown(document.pages[widget.page], widget.rect)
                if field.kind == "/Btn":
                    is_free = field.flags & PUSH_BUTTON or str(widget.annotation.get("/AS", "/Off"))[1:] not in widget.states
                else:
                    is_free = "/AP" not in widget.annotation
                    if field.kind == "/Ch" and field.flags & COMBO and not is_free:
                        left, is_free = max(left, right - ARROW), True
                if is_free:
                    boxes.append((widget.page, left, top, right, bottom))
    return boxes


def grown(box):
    """Around a border, and around the letters that hang out of a field."""
    page, left, top, right, bottom = box
    return page, left - 2, top - 2, right + 2, bottom + 2


def squeezed(text):
    """Without spaces and hyphens at the ends of lines; ligatures as letters."""
    return "".join(text.split()).replace("\ufb01", "fi").replace("\ufb02", "fl").replace("\x02", "").replace("\ufffe", "")


def is_read(value, text, widget):
    look = widget.annotation.get("/MK")
    if isinstance(look, pikepdf.Dictionary) and int(look.get("/R", 0)) % 360:
        # pdfium gives turned lines in another order.
        return not collections.Counter(value) - collections.Counter(text)
    return value in text


def crop(page, box):
    left, top, right, bottom = (round(coordinate * DPI / 72) for coordinate in box)
    return page[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]


def ink(pixels, nothing):
    """Which pixels are drawn, beside those of the empty field."""
    if pixels.shape != nothing.shape:
        return numpy.zeros((1, 1), bool)
    return numpy.abs(pixels.astype(numpy.int16) - nothing.astype(numpy.int16)).max(axis=2) > INK


def alike(ours, theirs):
    """Whether two texts stand at the same place in about the same size."""
    if not theirs.any():
        return "nothing to compare"
    if not ours.any():
        return "nothing is drawn"
    height, width = ours.shape
    boxes = []
    for mask in (ours, theirs):
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    (left, top, right, bottom), (their_left, their_top, their_right, their_bottom) = boxes
    sideways = min(abs(left - their_left), abs(right - their_right), abs(left + right - their_left - their_right) / 2)
    upright = min(abs(top - their_top), abs(bottom - their_bottom), abs(top + bottom - their_top - their_bottom) / 2)
    size = (right - left) / (their_right - their_left)
    if sideways <= 2 + 0.03 * width and upright <= 2 + 0.1 * height and 0.6 < size < 1.7:
        return "alike"
    return " ".join(f"{int(part)}" for part in (*boxes[0], *boxes[1]))


WORKER = None


def start(given, folder):
    global WORKER
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    WORKER = Worker(given, folder)


def examine(form):
    try:
        return WORKER.examine(form)
    except Exception:
        # A fault of this program must not look like one of ours, and must not be lost either.
        return {"file": os.path.relpath(form, packages.PDFS), "package": forms_corpus.package_of(form), "fields": 0, "outcome": "broken", "faults": [["broken", traceback.format_exc()]]}


def report(results, details):
    kinds = ["qpdf", "values", "inspect", "outside", "flat", "text", "field", "flattened", "merged"]
    rows = []
    with_fault = lambda own, kind: sum(any(fault[0] == kind for fault in result["faults"]) for result in own)
    for name in [*sorted({result["package"] for result in results}), "all"]:
        own = [result for result in results if name in ("all", result["package"])]
        count = lambda outcome: sum(result["outcome"] == outcome for result in own)
        rows.append([name, len(own), sum(result["fields"] for result in own), *map(count, ("filled", "refused", "nothing to fill", "died")), *(with_fault(own, kind) for kind in kinds)])
    print(*table(rows, ["package", "files", "fields", "filled", "refused", "nothing", "died", *kinds]), sep="\n")
    refused = [result for result in results if result["outcome"] == "refused"]
    print("\n", *table(tally(refused, lambda result: result["why"].partition('"')[0][:110]), ["refused because", "files"]), sep="\n")
    failed = []
    filled = [result for result in results if result["outcome"] == "filled"]
    fields = sum(result["fields"] for result in filled)
    found = collections.Counter(fault[0] for result in results for fault in result["faults"])
    for kind in sorted(found):
        of = fields if kind == "field" else len(filled)
        amount = found[kind] if kind == "field" else with_fault(results, kind)
        if amount > ALLOWED.get(kind, 0) * of:
            failed.append(f"{kind}: {amount} of {of}")
    for result in results:
        if result["outcome"] in ("died", "broken"):
            failed.append(f"{result['file']}: {result.get('why', 'broken')}")
        elif result["outcome"] == "refused" and not known.may_be_refused(result["file"], result["why"]):
            failed.append(f"{result['file']}: refused, {result['why']}")
    shown = collections.Counter()
    for result in results:
        for kind, what in result["faults"]:
            shown[kind] += 1
            if shown[kind] <= details:
                print(f"{result['file']}: {kind}: {what}")
    took = sorted(result["ms"] for result in filled)
    if took:
        print(f"\nfilled and flattened in {took[len(took) // 2]:.1f} ms (median), {took[-1]:.0f} ms (longest), with reading")
    print(f"{len(results)} forms, {len(filled)} filled, {fields} fields; {len(failed)} failures", *failed, sep="\n  ")
    return 1 if failed else 0


def main():
    arguments = argparse.ArgumentParser(description="Fills real forms and has others judge the result.")
    arguments.add_argument("--fill", default=built(program="fill"), help="the program; default: the debug build")
    arguments.add_argument("--count", type=int, default=0, help="how many forms, from each package in proportion; 0: all")
    arguments.add_argument("--pages", type=int, default=4, help="pages of a file that are rendered")
    arguments.add_argument("--save", help="write the results of each file here (JSON)")
    arguments.add_argument("--only", default="", help="only files whose path contains this")
    arguments.add_argument("--keep", help="folder for the files of what failed")
    arguments.add_argument("--details", type=int, default=25, help="faults of each kind that are printed")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    given.fonts = packages.fonts(forms_corpus.FONTS)
    if given.keep:
        os.makedirs(given.keep, exist_ok=True)
    found = [path for path in forms_corpus.forms() if given.only in path]
    results = []
    with tempfile.TemporaryDirectory(prefix="forms-") as folder, multiprocessing.Pool(given.jobs, start, (given, folder)) as pool:
        for result in pool.imap(examine, forms_corpus.sample(found, given.count), chunksize=2):
            results.append(result)
            if len(results) % 50 == 0:
                print(f"{len(results)} examined", file=sys.stderr, flush=True)
    if given.save:
        with open(given.save, "w") as file:
            json.dump(results, file, indent=1, default=str)
    return report(results, given.details)


if __name__ == "__main__":
    sys.exit(main())
