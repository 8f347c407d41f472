#!/usr/bin/env python3
"""Files that contradict themselves: each is refused, or its seal shows what the upload showed.

    mutants.py [--count N] [--seed S] [--judge PROGRAM] [--only WORD] [--keep FOLDER] [--jobs N]

From valid files of every structural form (`bases`) it makes contradictions at random places (`kinds`). Of each one that is sealed, upload
and sealed file are rendered by poppler, mupdf and pdfium: outside the box of the signature field every viewer has to show the same as before.
A viewer that cannot open the upload has no say on it. The same seed gives the same files, but for the values of signatures.

Prints a table by kind. Exit status 1 if a rendering differs, the program died or hung, or a valid file was refused.
`--keep` writes what failed, upload and sealed file, to a folder.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback

import bases
import kinds_of_ends  # noqa: F401 (adds its kinds)
from judging import Judge, built, table, tally
from kinds import KINDS, NoPlace
from viewers import Viewers

#: Every so many mutants there is one to which nothing was done.
VALID_EVERY = 25
#: How often a kind that finds no place is tried on another base.
TRIES = 30
#: How many files are given out at once.
CHUNK = 8
#: After how many files a worker makes room for a new one.
FILES_OF_A_WORKER = 1000


class Worker:
    """What each process of the run keeps."""

    def __init__(self, given, folder):
        self.given = given
        self.judge, self.viewers = Judge(given.judge), Viewers(dpi=40, pages=4)
        self.folder = tempfile.mkdtemp(dir=folder)
        # The same bases in every process: they come from the seed alone, but for the values of signatures.
        self.cases = bases.load(os.path.join(folder, "bases.pickle"))

    def mutant(self, number):
        """The kind, the base and the bytes of a mutant: they follow from the seed and the number."""
        rng = random.Random(f"{self.given.seed}/{number}")
        names = [name for name in KINDS if self.given.only in name] or sorted(KINDS)
        kind = "valid" if number % VALID_EVERY == 0 and not self.given.only else names[number % len(names)]
        for _ in range(TRIES):
            base = rng.choice(sorted(self.cases))
            case = self.cases[base].copy()
            try:
                KINDS[kind](case, rng)
                return kind, base, case.bytes()
            except NoPlace:
                continue
        return kind, None, None

    def examine(self, number):
        kind, base, data = self.mutant(number)
        result = {"number": number, "kind": kind, "base": base}
        if data is None:
            return result | {"outcome": "no place"}
        upload, sealed = (os.path.join(self.folder, name) for name in ("upload.pdf", "sealed.pdf"))
        with open(upload, "wb") as file:
            file.write(data)
        answer = self.judge.ask("seal", upload, sealed)
        if "refused" in answer:
            result |= {"outcome": "refused", "why": answer["refused"], "step": answer["step"]}
            if kind == "valid":
                result |= {"fault": f"a valid file is refused: {answer['refused']}"}
        elif not answer.get("ok"):
            result |= {"outcome": "died", "fault": f"{answer}"}
        else:
            views = self.viewers.compare(upload, sealed, bases.seal_boxes)
            bad = {viewer: view for viewer, view in views.items() if view.startswith("differs") or view == "lost"}
            silent = sum(view == "unopened" for view in views.values())
            result |= {"outcome": "differs" if bad else "same", "unopened": silent}
            if bad:
                result |= {"fault": "; ".join(f"{viewer} {view}" for viewer, view in bad.items())}
        if "fault" in result and self.given.keep:
            name = os.path.join(self.given.keep, f"{kind.replace(' ', '-')}-{number}")
            shutil.copy(upload, f"{name}.pdf")
            if result["outcome"] in ("same", "differs"):
                shutil.copy(sealed, f"{name}-sealed.pdf")
        return result


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


def report(results):
    names = sorted({result["kind"] for result in results})
    outcomes = ("refused", "same", "differs", "died")
    rows = []
    for name in names:
        own = [result for result in results if result["kind"] == name]
        count = lambda outcome: sum(result["outcome"] == outcome for result in own)
        rows.append([name, len(own) - count("no place"), *map(count, outcomes), sum(bool(result.get("unopened")) for result in own)])
    rows.append(["all", *(sum(row[column] for row in rows) for column in range(1, len(outcomes) + 3))])
    print(*table(rows, ["kind", "made", *outcomes, "not all viewers opened"]), sep="\n")
    print()
    rows = []
    for name in sorted({result["base"] for result in results if result["base"]}):
        own = [result for result in results if result["base"] == name]
        rows.append([name, len(own), *(sum(result["outcome"] == outcome for result in own) for outcome in outcomes)])
    print(*table(rows, ["base", "made", *outcomes]), sep="\n")
    faults = [result for result in results if "fault" in result]
    for result in faults[:200]:
        print(f"mutant {result['number']} ({result['kind']} in {result['base']}): {result['fault']}")
    print(f"\n{sum(result['outcome'] != 'no place' for result in results)} mutants, {len(faults)} faults")
    return 1 if faults else 0


def reasons(results):
    refused = [result for result in results if result["outcome"] == "refused"]
    shape = lambda result: "".join("*" if character.isdigit() else character for character in f"{result['step']}: {result['why']}")[:120]
    print("\n", *table(tally(refused, shape), ["refused because", "mutants"]), sep="\n")


def main():
    arguments = argparse.ArgumentParser(description="Seals files that contradict themselves and looks at what the seals show.")
    arguments.add_argument("--count", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--judge", default=built(), help="the program; default: the debug build")
    arguments.add_argument("--only", default="", help="only kinds whose name contains this")
    arguments.add_argument("--keep", help="folder for the files of what failed")
    arguments.add_argument("--reasons", action="store_true", help="print why files were refused")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    if given.keep:
        os.makedirs(given.keep, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        judge = Judge(given.judge)
        cases, missing = bases.all_of(random.Random(given.seed), judge, folder)
        judge.close()
        bases.save(cases, os.path.join(folder, "bases.pickle"))
        results = []
        # Workers and the viewers they start grow with each file; each lot of files has new ones.
        with multiprocessing.Pool(given.jobs, start, (given, folder), maxtasksperchild=FILES_OF_A_WORKER // CHUNK) as pool:
            for result in pool.imap_unordered(examine, range(given.count), chunksize=CHUNK):
                results.append(result)
                if len(results) % 1000 == 0:
                    print(f"{len(results)} of {given.count}", file=sys.stderr, flush=True)
    status = report(sorted(results, key=lambda result: result["number"]))
    for name, why in missing.items():
        print(f"base \"{name}\" could not be made: {why}")
    if given.reasons:
        reasons(results)
    return 1 if missing else status


if __name__ == "__main__":
    sys.exit(main())
