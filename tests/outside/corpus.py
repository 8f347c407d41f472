#!/usr/bin/env python3
"""Seals and verifies every PDF that the tests of other projects hold. By hand: it fetches some 120 MB, once.

    corpus.py [--judge PROGRAM] [--save RESULTS.json] [--before RESULTS.json] [--only WORD] [--jobs N]

The files come from Debian's sources of pdf.js, pdfbox and qpdf (through apt-get) and from the sdists of pypdf and pyHanko (through
pip), and stay in ~/.cache/rubrica/corpus. For each: is it sealed, or refused and why; does the sealed file look like the upload
in poppler, mupdf and pdfium; does our verification find our own signatures intact, and the older ones no worse than before.

`--before` compares with the results of an earlier run. Exit status 1 if a rendering differs, our verification finds fault with our own
seal, or the program died or hung.
"""

import argparse
import collections
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile

import geometry
import packages
from judging import Judge, built, table, tally
from viewers import VIEWERS, Viewers

DEBIAN_SOURCES = ("pdf.js", "libpdfbox2-java", "libpdfbox-java", "qpdf")
PYTHON_SDISTS = ("pypdf", "pyhanko")
#: What the seals of `judge` say, which tells them from the signatures that files had before.
OUR_REASON = "Sign process 00000000-0000-0000-0000-000000000000"


class Worker:
    """What each process of the run keeps."""

    def __init__(self, binary, pages, folder):
        self.judge, self.viewers = Judge(binary), Viewers(dpi=45, pages=pages)
        self.folder = tempfile.mkdtemp(dir=folder)

    def examine(self, path):
        sealed = os.path.join(self.folder, "sealed.pdf")
        result = {"file": os.path.relpath(path, packages.PDFS), "bytes": os.path.getsize(path)}
        answer = self.judge.ask("seal", path, sealed)
        result |= {key: answer[key] for key in ("refused", "step", "died", "hung", "failed", "ms", "peak_kb") if key in answer}
        result["sealed"] = answer.get("ok", False)
        if not result["sealed"]:
            return result
        unsigned = {field["name"] for field in answer["facts"]["signature_fields"] if not field["signed"]}
        masks = geometry.mask_boxes(path, answer["masks"])
        result["fields"] = len(unsigned)
        result["views"] = self.viewers.compare(path, sealed, masks)
        result["lost_words"] = sorted(words(path) - words(sealed))
        result["own_verdict"] = self.own_verdict(path, sealed)
        return result

    def own_verdict(self, path, sealed):
        """What verification has against our own seals, or against older signatures because of ours; empty where nothing."""
        report = self.judge.ask("verify", sealed).get("report")
        if report is None:
            return ["it cannot be verified at all"]
        faults = list(report["problems"])
        for signature in report["signatures"]:
            if signature["reason"] == OUR_REASON:
                faults += faults_of(signature)
        earlier = self.judge.ask("verify", path).get("report") or {"signatures": [], "problems": []}
        faults = [fault for fault in faults if fault not in earlier["problems"]]
        after = {signature["field"]: signature for signature in report["signatures"]}
        for signature in earlier["signatures"]:
            now = after.get(signature["field"])
            if not faults_of(signature) and (now is None or faults_of(now)):
                faults.append(f"the older signature {signature['field']} is no longer intact: {faults_of(now) if now else 'gone'}")
        return faults


def words(path):
    """All words that poppler finds, those of form fields included: what a seal draws anew must still say the same."""
    run = subprocess.run(["pdftotext", "-q", path, "-"], capture_output=True, timeout=600, check=False)
    return set(run.stdout.decode("utf-8", "replace").split())


def faults_of(signature):
    flags = [key for key in ("digest_intact", "signature_valid", "covers_whole_revision") if not signature[key]]
    changes = signature["later_changes"]["other"]
    return [*(f"not {flag}" for flag in flags), *signature["problems"], *changes]


WORKER = None


def start(binary, pages, folder):
    global WORKER
    os.nice(5)
    WORKER = Worker(binary, pages, folder)


def examine(path):
    return WORKER.examine(path)


def kind_of(reason):
    """A reason without what is particular to one file."""
    return re.sub(r"\"[^\"]*\"|\b\d+\b", "*", reason)[:110]


def report(results, before):
    sealed = [result for result in results if result["sealed"]]
    print(f"\n{len(results)} files: {len(sealed)} sealed, {sum('refused' in result for result in results)} refused")
    refused = [result for result in results if "refused" in result]
    print(*table(tally(refused, lambda result: f"{result['step']}: {kind_of(result['refused'])}"), ["refused because", "files"]), sep="\n")
    print()
    kinds = ("same", "differs", "lost", "unopened")
    count = lambda viewer, kind: sum(result["views"][viewer].partition(":")[0] == kind for result in sealed)
    print(*table([[viewer, *(count(viewer, kind) for kind in kinds)] for viewer in VIEWERS], ["renderings", *kinds]), sep="\n")
    faults = []
    for result in results:
        name = result["file"]
        faults += [f"{name}: {key} {result[key]}" for key in ("died", "hung", "failed") if key in result]
        for viewer, view in result.get("views", {}).items():
            if view.startswith("differs") or view == "lost":
                faults.append(f"{name}: {viewer}: {view}")
        faults += [f"{name}: no longer says: {' '.join(result['lost_words'][:8])}"] if result.get("lost_words") else []
        faults += [f"{name}: our own verification: {fault}" for fault in result.get("own_verdict", [])]
    print(f"\n{len(faults)} faults", *faults, sep="\n  ")
    if before is not None:
        compare(results, before)
    slow = sorted((result for result in results if "ms" in result), key=lambda result: -result["ms"])[:5]
    print("\nslowest:", *(f"{result['file']}: {result['ms']:.0f} ms, {result['peak_kb'] // 1024} MB" for result in slow), sep="\n  ")
    return 1 if faults else 0


def compare(results, before):
    """What is accepted now and was not, and the other way round."""
    old = {result["file"]: result for result in before}
    pairs = [(old[result["file"]], result) for result in results if result["file"] in old]
    lost = [(was, now) for was, now in pairs if was["sealed"] and not now["sealed"]]
    won = [(was, now) for was, now in pairs if now["sealed"] and not was["sealed"]]
    print(f"\nbefore: {sum(was['sealed'] for was, _ in pairs)} sealed; now {sum(now['sealed'] for _, now in pairs)} of the same files")
    print(f"newly sealed: {len(won)}", *(f"{now['file']} (was: {was.get('refused', was.get('died'))})" for was, now in won), sep="\n  ")
    print(f"newly refused: {len(lost)}")
    for was, now in lost:
        was_shown = collections.Counter(view.partition(":")[0] for view in was["views"].values())
        shown = ", ".join(f"{kind} in {count}" for kind, count in was_shown.items())
        print(f"  {now['file']}: {now.get('refused', now.get('died', now.get('hung')))} (sealed before: {shown})")


def main():
    arguments = argparse.ArgumentParser(description="Seals and verifies the PDFs of other projects' tests.")
    arguments.add_argument("--judge", default=built("release"), help="the program; default: the release build")
    arguments.add_argument("--save", help="write the results of each file here (JSON)")
    arguments.add_argument("--before", help="compare with these results")
    arguments.add_argument("--only", default="", help="only files whose name contains this")
    arguments.add_argument("--pages", type=int, default=4, help="pages of a file that are rendered")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    paths = [path for path in packages.without_copies(packages.fetch(DEBIAN_SOURCES, PYTHON_SDISTS)) if given.only in path]
    results = []
    scratch = tempfile.TemporaryDirectory(prefix="corpus-")
    with scratch as folder, multiprocessing.Pool(given.jobs, start, (given.judge, given.pages, folder)) as pool:
        for result in pool.imap(examine, paths, chunksize=4):
            results.append(result)
            if len(results) % 100 == 0:
                print(f"{len(results)} of {len(paths)}", file=sys.stderr, flush=True)
    if given.save:
        with open(given.save, "w") as file:
            json.dump(results, file, indent=1)
    before = json.load(open(given.before)) if given.before else None
    return report(results, before)


if __name__ == "__main__":
    sys.exit(main())
