#!/usr/bin/env python3
"""Hostile uploads of one organization, all at once: the others are served meanwhile, and the server ends when it is told to.

    hostile_server.py [--rubrica PROGRAM] [--seconds S] [--uploads N] [--seed S] [--largest BYTES]

Starts a server with a folder of its own. One organization uploads files of the shapes of `hostile.py`, `--uploads` at once, and asks for signatures on what was accepted;
another one uploads a small document again and again. Each of its uploads has to be accepted within a second. Then the server gets SIGTERM while the hostile uploads
go on, and has to end by itself within seconds. Exit status 1 if one of these does not hold, or the server died.
"""

import argparse
import collections
import http.client
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
import uuid

import shapes
import shapes_of_documents  # noqa: F401 (adds its shapes)

START = 60.0
#: Longest answer to the small upload, and longest end after SIGTERM, in seconds.
ANSWERED, ENDED = 1.0, 15.0
#: Between two small uploads.
PAUSE = 0.2
HOSTILE, OTHER = "acme", "other"


class Server:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.log = open(os.path.join(folder, "server.log"), "wb")
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(folder, "data")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = None
        for line in self.process.stdout:
            if line.startswith("Rubrica listens on "):
                self.port = int(line.strip().rsplit(":", 1)[1])
            if line.startswith("Try next"):
                break
        # Reads on: a full pipe would hold up the server.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        until = time.monotonic() + START
        while self.request("GET", "/health/ready", None)[0] != 200:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"the server does not start:\n{self.said()}")
            time.sleep(0.1)

    def token(self, organization):
        command = [self.program, "token", "--data", os.path.join(self.folder, "data"), "--organization", organization]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()

    def request(self, method, path, token, body=None, kind=None, timeout=120.0):
        """Status and body; 0 and why where there is no answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if kind:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error).encode()
        finally:
            connection.close()

    def upload(self, organization, token, data):
        boundary = uuid.uuid4().hex
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in (("name", "lease.pdf"), ("extension", "pdf"), ("tags", "demo"))]
        file = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="lease.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        body = "".join(parts).encode() + file.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        return self.request("POST", f"/v1/orgs/{organization}/documents", token, body, f"multipart/form-data; boundary={boundary}")

    def ask_to_sign(self, organization, token, document):
        signer = {"alias": "tenant", "name": "Ana", "last_name": "Pons", "language": "ES", "msisdn": {"country_code": "34", "phone_number": 600111222}}
        body = {"signers": [signer], "sign": {"type": "SIMPLE", "documents": [{"id": document}]}, "identification": {"type": "OTP"}}
        return self.request("POST", f"/v1/orgs/{organization}/sign_process", token, json.dumps(body), "application/json")

    def peak_memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

    def said(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()[-5000:]


def hostile_file(task):
    """The shape and the bytes of one: they follow from the seed and the number."""
    seed, number, largest = task
    names = sorted(name for name, (_, jobs) in shapes.SHAPES.items() if jobs == shapes.PDF_JOBS)
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
