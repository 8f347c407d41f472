#!/usr/bin/env python3
"""Hostile uploads of one organization, all at once: the others are served meanwhile, and the server ends when it is told to.

    hostile_server.py [--rubrica PROGRAM] [--seconds S] [--uploads N] [--seed S] [--largest BYTES]

Starts a server with a folder of its own. One organization uploads files of the shapes of `hostile.py`, `--uploads` at once, and asks for signatures on what was accepted;
another one uploads a small document again and again. Each of its uploads has to be accepted within a second. Then the server gets SIGTERM while the hostile uploads
go on, and has to end by itself within seconds. Exit status 1 if one of these does not hold, or the server died.
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import shapes
import shapes_of_documents  # noqa: F401 (adds its shapes)
import shapes_of_forms  # noqa: F401
from serving import Server

#: Longest answer to the small upload, and longest end after SIGTERM, in seconds.
ANSWERED, ENDED = 1.0, 15.0
#: Between two small uploads.
PAUSE = 0.2
HOSTILE, OTHER = "acme", "other"


def hostile_file(task):
    """The shape and the bytes of one: they follow from the seed and the number."""
    seed, number, largest = task
    names = sorted(name for name, (_, jobs) in shapes.SHAPES.items() if jobs != shapes.KEY_JOBS)
    size = int(3000 * (largest / 3000) ** random.Random(f"server/{seed}/{number}").random())
    name = names[number % len(names)]
    return shapes.seeded(name, seed, number, size)[0]


class Attack:
    """Threads that upload hostile files until they are told to stop."""

    def __init__(self, server, given, files):
        self.server, self.given, self.files, self.stopped = server, given, files, threading.Event()
        self.answers, self.lock, self.next = collections.Counter(), threading.Lock(), 0
        self.token = server.token(HOSTILE)
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(given.uploads)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while not self.stopped.is_set():
            with self.lock:
                number, self.next = self.next, self.next + 1
            status, body = self.server.upload(HOSTILE, self.token, self.files[number % len(self.files)])
            self.count("upload", status)
            if status == 201:
                document = json.loads(body)["documentId"]
                for _ in range(number % 4):
                    self.count("signatures asked for", self.server.ask_to_sign(HOSTILE, self.token, document)[0])

    def count(self, what, status):
        # What ends with the server is no answer of it.
        if not self.stopped.is_set():
            with self.lock:
                self.answers[f"{what}: {status or 'no answer'}"] += 1


def meanwhile(server, seconds):
    """The small uploads: how long each took, and what was wrong."""
    token, data = server.token(OTHER), shapes.Document().bytes()
    times, wrong = [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.process.poll() is None:
        began = time.monotonic()
        status, body = server.upload(OTHER, token, data)
        times.append(time.monotonic() - began)
        if status != 201:
            wrong.append(f"the small upload got {status}: {body[:200]!r}")
        elif times[-1] > ANSWERED:
            wrong.append(f"the small upload took {times[-1]:.2f} s")
        time.sleep(PAUSE)
    return times, wrong


def run(given, folder, files):
    server = Server(given.rubrica, folder)
    attack = Attack(server, given, files)
    times, wrong = meanwhile(server, given.seconds)
    memory = server.peak_memory() if server.process.poll() is None else 0
    if server.process.poll() is not None:
        wrong.append(f"the server died with {server.process.returncode}:\n{server.said()}")
    attack.stopped.set()
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    try:
        status = server.process.wait(ENDED * 4)
        ended = time.monotonic() - began
        if ended > ENDED or status != 0:
            wrong.append(f"the server ended {ended:.1f} s after SIGTERM, with status {status}")
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        ended = float("inf")
        wrong.append("the server did not end after SIGTERM")
    for what, count in sorted(attack.answers.items()):
        print(f"{count:6}  {what}")
        if what.endswith(("no answer", " 500")):
            wrong.append(f"{what}, {count} times")
    times.sort()
    print(f"{len(times)} small uploads: median {times[len(times) // 2]:.3f} s, longest {times[-1]:.3f} s; peak memory {memory / 1e6:.0f} MB; ended {ended:.1f} s after SIGTERM")
    for line in wrong[:20]:
        print(line)
    print(f"{len(wrong)} faults")
    return 1 if wrong else 0


def main():
    arguments = argparse.ArgumentParser(description="Uploads hostile files to a server while another organization works with it.")
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(os.path.dirname(__file__), "..", "..", "target")
    arguments.add_argument("--rubrica", default=os.path.join(target, "debug", "rubrica"), help="the server; default: the debug build")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--uploads", type=int, default=16, help="hostile uploads at once")
    arguments.add_argument("--largest", type=int, default=3_000_000, help="size of the largest hostile file")
    arguments.add_argument("--files", type=int, default=200, help="different hostile files")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    # Made before, so that the clients cost little beside the server.
    with multiprocessing.Pool() as pool:
        files = pool.map(hostile_file, [(given.seed, number, given.largest) for number in range(given.files)], chunksize=1)
    with tempfile.TemporaryDirectory(prefix="hostile-server-") as folder:
        return run(given, folder, files)


if __name__ == "__main__":
    sys.exit(main())
