#!/usr/bin/env python3
"""Hostile files cost what they weigh: time and memory of sealing, verifying, filling and opening stay within a budget of the file's size.

    hostile.py [--count N] [--seed S] [--judge PROGRAM] [--fill PROGRAM] [--only WORD] [--large] [--keep FOLDER] [--jobs N]

Makes files of every shape of `shapes`, `shapes_of_documents` and `shapes_of_forms`, of sizes from small to `LARGEST` (with `--large`: to the limit of an upload), and has
`judge` seal and verify or open each, and `fill` read each as a form, fill it and write it. The budget: 2 s and 1 s more per 10 MB, 100 MB and 12 times the size. What goes beyond it is measured once more in a process of its own. The same
seed gives the same files. Seconds are of processor time, so that a busy machine changes nothing. Exit status 1 if a file went beyond the budget and is not of a known kind
(`known`), or ended or hung the program.
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

import known
import shapes
import shapes_of_documents  # noqa: F401 (adds its shapes)
import shapes_of_forms  # noqa: F401
from judging import Judge, built, table

LARGEST = 1_000_000
#: Of an upload.
LIMIT = 50_000_000
#: What the program may have at all, so that a bomb does not take the machine with it.
ADDRESS_SPACE = 4 << 30
#: Peak after which a new process is taken.
KEPT = 40e6
#: What the fields of the forms get; names that a form lacks are ignored.
VALUES = {f"t{number}": f"Núria {number}" for number in range(10)} | {"c0": "true", "l0": "one", "long": "word " * 2000}
#: How many times the seconds of its budget a job may take, of a busy machine, before it counts as hung.
PATIENCE = 15


def allowed(size):
    """Seconds and bytes."""
    return 2 + size / 10e6, 100e6 + 12 * size


def planned(number, seed, only, large):
    """The shape and the size of a file: they follow from the seed and the number."""
    names = sorted(name for name in shapes.SHAPES if only in name)
    rng = random.Random(f"size/{seed}/{number}")
    low, high = (1e6, LIMIT) if large else (300, LARGEST)
    # As many small ones as large ones on a logarithmic scale, but fewer of the largest.
    part = rng.random() ** (1.0 if large else 1.5)
    return names[number % len(names)], int(low * (high / low) ** part)


class Worker:
    def __init__(self, given, folder):
        self.given, self.folder = given, tempfile.mkdtemp(dir=folder)
        self.programs = {program: Judge(program, ADDRESS_SPACE) for program in (given.judge, given.fill)}

    def program_for(self, job):
        return self.given.fill if job.startswith("fill") else self.given.judge

    def examine(self, number):
        name, size = planned(number, self.given.seed, self.given.only, self.given.large)
        data, jobs = shapes.seeded(name, self.given.seed, number, size)
        path = os.path.join(self.folder, "hostile.pdf")
        with open(path, "wb") as file:
            file.write(data)
        results = []
        for job in jobs:
            result = self.measured(job, path, len(data))
            result |= {"number": number, "shape": name, "job": job, "size": len(data)}
            if "fault" in result and self.given.keep:
                shutil.copy(path, os.path.join(self.given.keep, f"{name.replace(' ', '-')}-{number}.pdf"))
            results.append(result)
        return results

    def measured(self, job, path, size):
        program = self.program_for(job)
        result = self.once(self.programs[program], job, path, size)
        if result["memory"] > KEPT:
            # The allocator keeps what it was given.
            self.programs[program].close()
        if "over" in result:
            # What an earlier file left behind is not its fault.
            fresh = Judge(program, ADDRESS_SPACE)
            again = self.once(fresh, job, path, size)
            fresh.close()
            result = again if "over" not in again or again["seconds"] < result["seconds"] else result
            if "over" in result:
                result["fault"] = result["over"]
        return result

    def once(self, judge, job, path, size):
        out = os.path.join(self.folder, "out.pdf")
        asked = [job, path, out] if job == "seal" else [job, path]
        if job.startswith("fill"):
            asked = [json.dumps({"do": "fill", "forms": [path], "values": VALUES, "out": out, "flatten": job == "fill"})]
        time, space = allowed(size)
        answer = judge.ask(*asked, timeout=PATIENCE * time)
        if "died" in answer or "hung" in answer:
            return {"seconds": PATIENCE * time, "memory": 0, "outcome": "died", "over": f"{answer}"}
        seconds, memory = answer["cpu"], (answer["peak_kb"] or 0) * 1024
        outcome = "accepted" if answer.get("ok") else "refused" if "refused" in answer else "failed"
        result = {"seconds": seconds, "memory": memory, "outcome": outcome, "why": answer.get("refused", "")}
        if seconds > time or memory > space:
            result["times"] = max(seconds / time, memory / space)
            result["over"] = f"{seconds:.1f} s of {time:.1f}, {memory / 1e6:.0f} MB of {space / 1e6:.0f}"
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
        return [{"number": number, "shape": "", "job": "", "size": 0, "seconds": 0, "memory": 0, "outcome": "broken", "fault": traceback.format_exc()}]


def report(results):
    rows = []
    for name, job in [*sorted({(result["shape"], result["job"]) for result in results}), ("all", "")]:
        own = [result for result in results if name == "all" or (result["shape"], result["job"]) == (name, job)]
        part = lambda key, allowance: max((result[key] / allowed(result["size"])[allowance] for result in own), default=0)
        row = [f"{name}: {job}" if job else name, len(own), sum(result["outcome"] == "accepted" for result in own), sum(result["outcome"] == "refused" for result in own)]
        row += [f"{max(result['size'] for result in own) / 1e6:.2f}", f"{max(result['seconds'] for result in own):.2f}", f"{100 * part('seconds', 0):.0f} %"]
        row += [f"{max(result['memory'] for result in own) / 1e6:.0f}", f"{100 * part('memory', 1):.0f} %", sum("fault" in result for result in own)]
        rows.append(row)
    print(*table(rows, ["shape: job", "files", "accepted", "refused", "MB", "longest, s", "of the budget", "peak, MB", "of the budget", "beyond"]), sep="\n")
    beyond = [result for result in results if "fault" in result]
    faults = [result for result in beyond if not known.is_dear(result["shape"], result["job"], result.get("times"))]
    for result in beyond[:300]:
        print("" if result in faults else "known: ", end="")
        print(f"file {result['number']} ({result['shape']}: {result['job']}, {result['size']:,} bytes, {result['outcome']} {result.get('why', '')[:80]}): {result['fault']}")
    print(f"\n{len({result['number'] for result in results})} files; beyond the budget {len(beyond)}, {len(faults)} of them not known")
    return 1 if faults else 0


def main():
    arguments = argparse.ArgumentParser(description="Measures what hostile files cost.")
    arguments.add_argument("--count", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--judge", default=built(), help="the program; default: the debug build")
    arguments.add_argument("--fill", default=built(program="fill"), help="the program that fills; default: the debug build")
    arguments.add_argument("--only", default="", help="only shapes whose name contains this")
    arguments.add_argument("--large", action="store_true", help="up to the limit of an upload")
    arguments.add_argument("--keep", help="folder for the files that went beyond the budget")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    if given.keep:
        os.makedirs(given.keep, exist_ok=True)
    results = []
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, multiprocessing.Pool(given.jobs, start, (given, folder)) as pool:
        for made in pool.imap_unordered(examine, range(given.count), chunksize=2):
            results += made
            if len(results) % 1000 < len(made):
                print(f"{len(results)} measured", file=sys.stderr, flush=True)
    return report(sorted(results, key=lambda result: (result["number"], result["job"])))


if __name__ == "__main__":
    sys.exit(main())
