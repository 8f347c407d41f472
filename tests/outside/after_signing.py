#!/usr/bin/env python3
"""Changes behind a signature that a viewer shows must never be called intact.

    after_signing.py [--count N] [--seed S] [--judge PROGRAM] [--only WORD] [--keep FOLDER] [--jobs N] [--dss PROGRAM]

To signed files of every structural form (`signed`) it appends revisions: changes of what is shown, in the open (`later`, `later_marks`), and hidden
in contradictions (`kinds`) of revisions that say what the signed one said. The signed file and the changed one are rendered by poppler, mupdf and pdfium.
Where one of them shows another thing, `verify` must not say "intact", unless it names the change: a field that was filled in, a mark that leaves
legible what was signed, another signature. Then the difference has to be within the boxes of what it names.

Prints a table by kind, with what pyHanko and, if it is there, EU DSS say of the same files, and at last who tells how much. Exit status 1 if a change was
missed that is not of a known kind (`known`), if the program died or hung, or if a peer does not answer. `--keep` writes what was missed, signed and changed
file, to a folder. The same seed gives the same changes, but for the values of signatures.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback

import numpy

import bases
import kinds_of_ends  # noqa: F401 (adds its kinds)
import later_marks  # noqa: F401 (adds its kinds)
import later_storage  # noqa: F401 (adds its kinds)
import known
import peers
import signed
from geometry import annotation_boxes, widget_boxes
from judging import Judge, built, table
from kinds import KINDS, NoPlace
from later import LATER, Later
from pdfs import Revision
from viewers import VIEWERS, Viewers, difference

DPI = 40
TRIES = 30
#: What is printed and what it is printed on, by brightness (255 is white), and the contrast that has to be left between them for it to be legible.
DARK, LIGHT, CONTRAST = 150, 200, 25
#: Width and height of the parts of a page that are looked at, in points: about a word.
PART = (36, 16)
#: Who is asked, and their names in words.
JUDGES = {"rubrica": "Rubrica", "pyhanko": "pyHanko", "dss": "EU DSS"}


def trick(base, rng, kind):
    """Revisions that say what was signed, and a contradiction in them that shows something else to some."""
    case = base.case()
    usable = [obj for obj in base.objects.values() if obj.role not in ("", "signature") and (not base.encrypted or obj.data is None and b"(" not in obj.body())]
    if rng.random() < 0.3:
        # Much is in no object stream, and much of what is in them is found by few.
        usable = [obj for obj in usable if obj.data is None]
    kept = rng.sample(usable, min(len(usable), rng.choice([5, 9, 14])))
    form = base.form if base.form == "stream" or rng.random() < 0.8 else "hybrid"
    packed = form != "table" and not base.encrypted and rng.random() < 0.6
    if rng.random() < 0.5:
        # First a change in the open, then what was signed again.
        changed = [obj for obj in (bases.updated(obj, rng) for obj in kept) if obj]
        case.revisions.append(Revision(changed, form, packed))
    case.revisions.append(Revision([obj for obj in kept], form, packed, compress=rng.random() < 0.6))
    case = case.copy()
    KINDS[kind](case, rng)
    # The signed bytes stay as they are.
    start = len(base.data)
    case.on_bytes = [lambda data, hook=hook: data[:start] + hook(data[start:]) for hook in case.on_bytes]
    return case.bytes()


def in_the_open(base, rng, kind):
    doc = Later(base, rng)
    LATER[kind](doc)
    return doc.case().bytes()


ALL = {**{f"open: {name}": (in_the_open, name) for name in LATER}, **{f"hidden: {name}": (trick, name) for name in KINDS}}


def changes(bases_by_name, seed, number, only):
    """The kind, the base and the bytes of a changed file: they follow from the seed and the number."""
    rng = random.Random(f"{seed}/{number}")
    names = sorted(name for name in ALL if only in name)
    make, kind = ALL[names[number % len(names)]]
    for _ in range(TRIES):
        base = bases_by_name[rng.choice(sorted(bases_by_name))]
        try:
            data = make(base, rng, kind)
        except NoPlace:
            continue
        if data != base.data:
            return names[number % len(names)], base, data
    return names[number % len(names)], None, None


class Worker:
    """What each process of the run keeps."""

    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.judge, self.viewers = Judge(given.judge), Viewers(dpi=DPI, pages=4)
        self.bases = bases.load(os.path.join(folder, "bases.pickle"))
        self.before = {}

    def shown_before(self, base):
        """The file of a base, and what each viewer shows of it."""
        if base.name not in self.before:
            path = path_of(base, self.folder)
            self.before[base.name] = (path, self.shown(path))
        return self.before[base.name]

    def shown(self, path):
        """What each viewer shows of a file."""
        return {viewer: self.viewers.render(viewer, path) for viewer in VIEWERS}

    def examine(self, number):
        kind, base, data = changes(self.bases, self.given.seed, number, self.given.only)
        result = {"number": number, "kind": kind, "base": base.name if base else ""}
        if data is None:
            return result | {"outcome": "no place"}
        path = os.path.join(self.folder, f"{number}.pdf")
        with open(path, "wb") as file:
            file.write(data)
        was_path, was = self.shown_before(base)
        answer = self.judge.ask("verify", path)
        views = View(was_path, path, was, self.shown(path))
        if rubrica(views, answer)[0] in ("missed", "covered"):
            # Once more: a viewer that was too slow on a busy machine shows less than there is.
            views = View(was_path, path, self.shown(was_path), self.shown(path))
        result |= {"path": path, "shown": views.different(()), "outcome": "examined"}
        result |= {"pyhanko": self.peer(views, peers.pyhanko(data)), "rubrica": rubrica(views, answer)}
        if "died" in answer or "hung" in answer:
            result["fault"] = f"{answer}"
        if "nothing changed" in kind or kind == "hidden: valid":
            result["said"] = json.dumps([one["later_changes"] for one in answer.get("report", {}).get("signatures", [])] + answer.get("report", {}).get("problems", [answer]))
        if result["rubrica"][0] in ("missed", "covered"):
            result["known"] = known.is_missed(kind)
            result["fault"] = "; ".join(f"{viewer} {how}" for viewer, how in result["rubrica"][1].items())
        if "fault" in result and self.given.keep:
            name = os.path.join(self.given.keep, f"{kind.replace(': ', '-').replace(' ', '-')}-{number}")
            shutil.copy(path, f"{name}.pdf")
            shutil.copy(was_path, f"{name}-as-signed.pdf")
            with open(f"{name}.json", "w") as file:
                json.dump({"fault": result["fault"], "pyhanko": result["pyhanko"], "answer": answer}, file, indent=1)
        return result

    @staticmethod
    def peer(views, said):
        return peer_verdict(views, said)


class View:
    """What the viewers show of a signed file and of a changed one."""

    def __init__(self, was_path, path, was, now):
        self.was_path, self.path, self.was, self.now = was_path, path, was, now

    def different(self, masks):
        """How, by the viewer that shows another thing outside of the boxes `masks`. A viewer that cannot open the file shows nothing."""
        found = {}
        for viewer in VIEWERS:
            # One that ends at a page which it cannot draw.
            ended = viewer == "mupdf" and len(self.now[viewer] or ()) < max(len(pages or ()) for pages in self.now.values())
            if self.was[viewer] and self.now[viewer] and not ended:
                how = difference(self.was[viewer], self.now[viewer], masks, DPI)
                if how != "same":
                    found[viewer] = how
        return found

    def fields(self, names=None):
        return widget_boxes(self.was_path, names)

    def marks(self):
        """The boxes of annotations that are there now and were not, or otherwise."""
        was, now = annotation_boxes(self.was_path), annotation_boxes(self.path)
        only = lambda group, other: [(text, box) for text, box in group if text not in {text for text, _ in other}]
        return only(now, was), only(was, now)

    def covered(self, boxes):
        """Where a mark leaves nothing to be read of what was there: looked at in parts of the size of a word."""
        found = {}
        for viewer in VIEWERS:
            for page, left, top, right, bottom in boxes:
                pages = self.was[viewer], self.now[viewer]
                if not all(pages) or any(page >= len(part) for part in pages) or pages[0][page].shape != pages[1][page].shape:
                    continue
                rows, columns = range(max(0, int(top)), int(bottom), PART[1]), range(max(0, int(left)), int(right), PART[0])
                for corner in [(column, row) for row in rows for column in columns]:
                    was, now = (part_of(part[page], corner) for part in pages)
                    dark, light = was < DARK, was > LIGHT
                    # Only what had something to read.
                    if min(dark.sum(), light.sum()) >= 6 and numpy.median(now[light]) - numpy.median(now[dark]) < CONTRAST:
                        found[viewer] = f"shows no more what was at {corner} points of page {page + 1}"
        return found


def part_of(page, corner):
    left, top, right, bottom = (int(place * DPI / 72) for place in (*corner, corner[0] + PART[0], corner[1] + PART[1]))
    return page[top:bottom, left:right].mean(axis=2)


def rubrica(views, answer):
    """("told" | "named" | "missed" | "covered" | "same" | "not intact", how)."""
    shown = views.different(())
    if not answer.get("all_intact"):
        return ("told" if shown else "not intact"), {}
    if not shown:
        return "same", {}
    later = [one["later_changes"] for one in answer["report"]["signatures"]]
    fields = {name for one in later for name in one["form_fields"]}
    signatures = {name.removesuffix(" (empty)") for one in later for name in one["signatures"]}
    masks = views.fields(fields) + widget_boxes(views.path, signatures)
    covered = {}
    if any(one["annotations"] for one in later):
        added, removed = views.marks()
        masks += [box for _, box in added + removed]
        # The icon of a note is known as one, whatever it lies upon.
        covered = views.covered([box for text, box in added if b"/Subtype /Text " not in text or b"/AP" in text])
    left = views.different(masks)
    if left:
        return "missed", left
    return ("covered", covered) if covered else ("named", {})


def peer_verdict(views, said):
    """As `rubrica`, of what a peer says: the boxes of all fields and marks count as named where it tells of such."""
    shown = views.different(())
    if not said["intact"]:
        return ("told" if shown else "not intact"), {}
    if not shown:
        return "same", {}
    masks, told = [], set(said["told"])
    if told & {"FORM_FILLING", "ANNOTATIONS", "form"}:
        masks += views.fields() + widget_boxes(views.path, None)
    if told & {"ANNOTATIONS", "annotations", "overlap"}:
        masks += [box for _, box in sum(views.marks(), [])]
    left = views.different(masks)
    return ("missed", left) if left else ("named", {})


WORKER = None


def start(given, folder):
    global WORKER
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    WORKER = Worker(given, folder)


def examine(number):
    try:
        return WORKER.examine(number)
    except Exception:
        # A fault of this program must not look like one of the judge, and must not be lost either.
        return {"number": number, "kind": "", "base": "", "outcome": "broken", "fault": traceback.format_exc()}


def second_opinion(task):
    """What EU DSS says, of one result."""
    result, said = task
    kind, base, data = changes(WORKER.bases, WORKER.given.seed, result["number"], WORKER.given.only)
    was_path, was = WORKER.shown_before(base)
    return result | {"dss": peer_verdict(View(was_path, result["path"], was, WORKER.shown(result["path"])), said)}


def report(results, judges):
    made = [result for result in results if result["outcome"] == "examined"]
    rows = []
    for name in [*sorted({result["kind"] for result in made}), "all"]:
        own = [result for result in made if name in ("all", result["kind"])]
        seen = [result for result in own if result["shown"]]
        count = lambda judge, group, *outcomes: sum(result.get(judge, ("",))[0] in outcomes for result in group)
        row = [name, len(own), len(seen)]
        for judge in judges:
            row += [count(judge, seen, "told", "named"), count(judge, seen, "missed", "covered"), count(judge, own, "not intact")]
        rows.append(row)
    titles = ["kind", "made", "seen"]
    for judge in judges:
        titles += [f"{judge}: told", "missed", "said for nothing"]
    print(*table(rows, titles), sep="\n")
    for result in made:
        if "said" in result and (result["shown"] or result["rubrica"][0] not in ("same", "named")):
            print(f"valid {result['number']} in {result['base']}: {result['shown']} {result['said']}")
    found = [result for result in results if "fault" in result]
    faults = [result for result in found if not result.get("known")]
    for result in found[:200]:
        print("known: " if result.get("known") else "", end="")
        print(f"change {result['number']} ({result['kind']} in {result['base']}): {result['fault']}")
    print(f"\n{len(made)} changed files, {len(found)} faults, {len(faults)} of them not of a known kind\n")
    print(*who_tells(made, judges), sep="\n")
    return 1 if faults else 0


def who_tells(made, judges):
    """The table of all kinds together."""
    seen = [result for result in made if result["shown"]]
    count = lambda judge, group, *outcomes: sum(result[judge][0] in outcomes for result in group)
    row = lambda judge, name: [name, count(judge, seen, "told"), count(judge, seen, "named"), count(judge, seen, "missed", "covered"), count(judge, made, "not intact")]
    titles = [f"of {len(seen)} that a viewer shows", "not intact", "named", "missed", f"not intact of the {len(made) - len(seen)} others"]
    return table([row(judge, name) for judge, name in judges.items()], titles)


def controls(found, judge, folder):
    """The signed files as they are: each has to be intact, or nothing is proven. Returns why not, by name."""
    wrong = {}
    for name, base in found.items():
        path = path_of(base, folder)
        with open(path, "wb") as file:
            file.write(base.data)
        answer = judge.ask("verify", path)
        if not answer.get("all_intact"):
            wrong[name] = f"not intact before anything was changed: {json.dumps(answer)[:300]}"
    return wrong


def path_of(base, folder):
    return os.path.join(folder, f"{base.name.replace(' ', '-')}.pdf")


def silent(judge, opinions):
    """Why what a peer says counts for nothing, if it does: of the signed files as they are it has to find most intact."""
    intact = sum(said["intact"] for said in opinions)
    print(f"{judge}: {intact} of {len(opinions)} signed files are intact before anything was changed")
    return {} if 2 * intact > len(opinions) else {judge: "finds most signed files not intact before anything was changed"}


def with_dss(pool, dss, found, folder, results):
    """EU DSS reads many files in one run. The results with its opinion, and why that counts for nothing."""
    roots = []
    for text in {base.signer_root for base in found.values()}:
        roots.append(os.path.join(folder, f"trusted{len(roots)}.pem"))
        with open(roots[-1], "wb") as file:
            file.write(text)
    examined = [result for result in results if result["outcome"] == "examined"]
    as_signed = [path_of(base, folder) for base in found.values()]
    said = dss.validate(as_signed + [result["path"] for result in examined], roots)
    tasks = [(result, said[result["path"]]) for result in examined]
    others = [result for result in results if result["outcome"] != "examined"]
    return others + pool.map(second_opinion, tasks, chunksize=8), silent(JUDGES["dss"], [said[path] for path in as_signed])


def main():
    arguments = argparse.ArgumentParser(description="Changes signed files and asks who tells of it.")
    arguments.add_argument("--count", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--judge", default=built(), help="the program; default: the debug build")
    arguments.add_argument("--only", default="", help="only kinds whose name contains this")
    arguments.add_argument("--keep", help="folder for the files of what was missed")
    arguments.add_argument("--dss", help="asks EU DSS as well: dss.sh, once it is built")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    if given.keep:
        os.makedirs(given.keep, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="after-signing-") as folder:
        judge = Judge(given.judge)
        found, missing = signed.all_of(random.Random(given.seed), judge, folder)
        missing |= controls(found, judge, folder)
        judge.close()
        found = {name: base for name, base in found.items() if name not in missing}
        bases.save(found, os.path.join(folder, "bases.pickle"))
        useless = silent(JUDGES["pyhanko"], [peers.pyhanko(base.data) for base in found.values()])
        results, judges = [], {name: words for name, words in JUDGES.items() if name != "dss" or given.dss}
        with multiprocessing.Pool(given.jobs, start, (given, folder)) as pool:
            for result in pool.imap_unordered(examine, range(given.count), chunksize=4):
                results.append(result)
                if len(results) % 500 == 0:
                    print(f"{len(results)} of {given.count}", file=sys.stderr, flush=True)
            if given.dss:
                results, why = with_dss(pool, peers.Dss(given.dss), found, folder, results)
                useless |= why
    status = report(sorted(results, key=lambda result: result["number"]), judges)
    for name, why in missing.items():
        print(f"base \"{name}\" could not be made: {why}")
    for judge, why in useless.items():
        print(f"{judge} {why}")
    return 1 if missing or useless else status


if __name__ == "__main__":
    sys.exit(main())
