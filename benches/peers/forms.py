#!/usr/bin/env python3
"""Fills a form of two pages with 44 fields, ours and libraries of others in turn: in process, answered through HTTP, and stored through HTTP.

    benches/peers/forms.py [--seconds S] [--rounds N] [--connections N] [--only process|http]

Needs release builds: `cargo build --release --bin rubrica` and `cargo build --release -p documents --features fixtures --example fill`. The peers (pikepdf, PyMuPDF, pypdf)
are installed once into a folder of their own. The form is flattened by all. Through HTTP the peers have a server of Python's library in front of them and store as
`fillers.py` says; ours authenticates, looks up the form or the template, and stores a document that can be signed. Fills per core-second are fills over
the processor time of the process that fills, kernel included; clients are not counted. Prints a table; judges nothing.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import pikepdf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "outside"))

from judging import table  # noqa: E402
from serving import Server  # noqa: E402

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rubrica")
PEERS = {"pikepdf": "pikepdf>=10,<11", "pymupdf": "pymupdf>=1.26", "pypdf": "pypdf>=6"}
ORGANIZATION = "acme"
SECTIONS = 4
#: Widgets that may be left in a result: signatures, and with some peers buttons without appearances.
LEFT = 12


def python_of_peers():
    folder = os.path.join(CACHE, "peers")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python) or subprocess.run([python, "-c", "import " + ", ".join(PEERS)], stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS.values()], check=True)
    return python


def processor_time(process):
    """Seconds that a process has used, its threads and the kernel's work for it included."""
    with open(f"/proc/{process.pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder, self.python = given, folder, python_of_peers()
        self.results = {}
        self.form, self.values = (os.path.join(folder, name) for name in ("form.pdf", "values.json"))
        subprocess.run([given.fill, "--sample", self.form, self.values], check=True)
        with open(self.values) as file:
            self.given_values = json.load(file)

    def add(self, who, what, fills, cpu, seconds):
        self.results.setdefault((what, who), []).append((fills / cpu, fills / seconds))

    def in_process(self):
        out = os.path.join(self.folder, "out.pdf")
        for who in ("ours", *PEERS):
            command = [self.python, os.path.join(HERE, "fillers.py"), "bench", who, self.form, self.values, out, str(self.given.seconds)]
            if who == "ours":
                command = [self.given.fill, self.form, self.values, out, "--bench", str(self.given.seconds)]
            self.took(who, "in process", command, out)
        # A template of four sections: the same form four times.
        command = [self.given.fill, *[self.form] * SECTIONS, self.values, out, "--bench", str(self.given.seconds)]
        self.took("ours", f"in process, {SECTIONS} sections", command, out)

    def took(self, who, what, command, out):
        # pypdf warns at every fill.
        said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout.splitlines()[-1])
        self.add(who, what, said["fills"], said["cpu"], said["seconds"])
        self.check(who, out)

    def check(self, who, out):
        """That the job was done: the words of a value can be read on the page."""
        text = subprocess.run(["pdftotext", "-q", out, "-"], stdout=subprocess.PIPE, check=True).stdout.decode()
        if self.given_values[self.given.shown] not in text:
            sys.exit(f"{who}: the value of {self.given.shown} is not in the filled form")
        with pikepdf.open(out) as document:
            left = sum(mark.get("/Subtype") == "/Widget" for page in document.pages for mark in page.obj.get("/Annots", []))
        if left > LEFT:
            sys.exit(f"{who}: {left} fields are not flattened")

    def through_http(self):
        body = json.dumps({"fieldsValues": [{"name": name, "value": value} for name, value in self.given_values.items()]})
        for who in PEERS:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                process = subprocess.Popen([self.python, os.path.join(HERE, "fillers.py"), "serve", who, self.form, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                try:
                    port = int(process.stdout.readline())
                    for what, path in (("answered through HTTP", "/fill"), ("stored through HTTP", "/stored")):
                        self.calls(who, what, process, port, path, body, {})
                finally:
                    process.kill()
                    process.wait()
                    process.stdout.close()
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            server = Server(self.given.rubrica, folder)
            try:
                self.ours_through_http(server)
            finally:
                server.process.kill()
                server.process.wait()

    def ours_through_http(self, server):
        token = server.token(ORGANIZATION)
        organization = f"/v1/orgs/{ORGANIZATION}"

        def make(path, body):
            status, answer = server.request("POST", f"{organization}/{path}", token, json.dumps(body), "application/json")
            if status != 201:
                sys.exit(f"{path}: {status} {answer[:300]!r}")
            return json.loads(answer)["externalId"]

        with open(self.form, "rb") as file:
            status, answer = server.upload(ORGANIZATION, token, file.read(), to="templates/forms", name="contract.pdf", tags="DEMO")
        if status != 201:
            sys.exit(f"the form: {status} {answer[:300]!r}")
        form = json.loads(answer)["externalId"]
        sections = [make("templates/sections", {"sectionName": f"part{number}", "forms": [{"language": "ES", "formExternalId": form}]}) for number in range(SECTIONS)]
        for name, own in (("one", sections[:1]), ("four", sections)):
            make("templates", {"templateName": name, "defaultLanguage": "ES", "orderedSectionNames": own})
        values = [{"name": name, "value": value} for name, value in self.given_values.items()]
        headers = {"Authorization": f"Bearer {token}"}
        of_form, of_template = json.dumps({"fieldsValues": values}), json.dumps({"language": "ES", "fieldsValues": values})
        calls = (
            ("answered through HTTP", f"{organization}/templates/forms/{form}/fill", of_form),
            ("stored through HTTP", f"{organization}/templates/one/versions/1/fill/documents", of_template),
            (f"answered through HTTP, {SECTIONS} sections", f"{organization}/templates/four/versions/1/fill", of_template),
            (f"stored through HTTP, {SECTIONS} sections", f"{organization}/templates/four/versions/1/fill/documents", of_template),
        )
        for what, path, body in calls:
            self.calls("ours", what, server.process, server.port, path, body, headers)

    def calls(self, who, what, process, port, path, body, headers):
        """So many clients ask again and again."""
        counts, wrong = [0] * self.given.connections, []
        until = [0.0]

        def ask(client):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while time.monotonic() < until[0] and not wrong:
                connection.request("POST", path, body, {"Content-Type": "application/json"} | headers)
                answer = connection.getresponse()
                read = answer.read()
                if answer.status != 200:
                    wrong.append(f"{answer.status} {read[:300]!r}")
                counts[client] += 1
            connection.close()

        def all_ask(seconds):
            until[0] = time.monotonic() + seconds
            threads = [threading.Thread(target=ask, args=(client,)) for client in range(self.given.connections)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        # What is read and kept at the first call is not of the others.
        all_ask(min(0.5, self.given.seconds))
        counts[:] = [0] * self.given.connections
        began, used = time.monotonic(), processor_time(process)
        all_ask(self.given.seconds)
        if wrong:
            sys.exit(f"{who}, {what}: {wrong[0]}")
        self.add(who, what, sum(counts), processor_time(process) - used, time.monotonic() - began)

    def report(self):
        median = {key: [statistics.median(part) for part in zip(*rounds)] for key, rounds in self.results.items()}
        rows = []
        for what in dict.fromkeys(what for what, _ in median):
            for who in ("ours", *PEERS):
                if (what, who) in median:
                    per_core, rate = median[what, who]
                    every = sorted(round[0] for round in self.results[what, who])
                    times = f"{median[what, 'ours'][0] / per_core:.1f}" if who != "ours" else ""
                    rows.append([f"{what}: {who}", f"{per_core:,.0f}", f"{every[0]:,.0f} to {every[-1]:,.0f}", f"{rate:,.0f}", times])
        print(*table(rows, ["", "fills per core-second", "of all rounds", "fills/s", "ours is so many times"]), sep="\n")


def conditions(given):
    with open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")
    versions = subprocess.run([python_of_peers(), "-m", "pip", "freeze"], stdout=subprocess.PIPE, text=True).stdout.split()
    print(f"{time.strftime('%d %B %Y')}; {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; kernel {os.uname().release}")
    print(f"medians of {given.rounds} rounds of {given.seconds:g} s, all in turn, {given.connections} connections; {', '.join(v for v in versions if v.partition('==')[0] in PEERS)}\n")


def main():
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, "..", "..", "target")
    arguments = argparse.ArgumentParser(description="Fills the same form with ours and with libraries of others.")
    arguments.add_argument("--fill", default=os.path.join(target, "release", "examples", "fill"))
    arguments.add_argument("--rubrica", default=os.path.join(target, "release", "rubrica"))
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--only", choices=("process", "http"))
    arguments.add_argument("--shown", default="customer.name", help="a field whose value has to be read in each result")
    given = arguments.parse_args()
    conditions(given)
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        bench = Bench(given, folder)
        for _ in range(given.rounds):
            if given.only != "http":
                bench.in_process()
            if given.only != "process":
                bench.through_http()
        bench.report()


if __name__ == "__main__":
    main()
