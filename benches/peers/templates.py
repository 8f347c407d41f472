#!/usr/bin/env python3
"""Makes PDFs of an HTML template, ours and others' programs in turn: the invoice of two pages of `render/gallery`.

    benches/peers/templates.py [--seconds S] [--rounds N] [--rubrica PROGRAM] [--chromium PROGRAM] [--html FILE]

Needs `cargo build --release --bin rubrica` and Debian's `chromium-headless-shell`; WeasyPrint is installed once, into a folder of the peers' own. Ours is a
`rubrica render-worker`, asked as the server asks it, and replaced after 200 jobs as the server does: it fills the template, prepares and renders it within the limits of a worker.
The peers get the HTML that is filled already, and keep what they can: WeasyPrint its fonts, Chromium its processes and one page, asked over its own protocol. Each is warm. PDFs per
core-second are PDFs over the processor time of all processes of an engine, kernel included. `--html` keeps what the peers get. Prints a table; judges nothing.
"""

import argparse
import base64
import datetime
import io
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
GALLERY = os.path.join(ROOT, "render", "gallery", "invoice")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rubrica")
PEERS = {"weasyprint": "weasyprint==70.0", "pybars": "pybars3>=0.9", "segno": "segno>=1.6"}
#: As the server's.
JOBS = 200
MEMORY = 1 << 30

try:
    import pybars
    import segno
    import weasyprint
except ImportError:
    folder = os.path.join(CACHE, "peers")
    python = os.path.join(folder, "bin", "python")
    if os.path.realpath(sys.prefix) == os.path.realpath(folder):
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS.values()], check=True)
    elif not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    os.execv(python, [python, *sys.argv])


def read(name):
    with open(os.path.join(GALLERY, name), encoding="utf-8") as file:
        return file.read()


def filled():
    """The invoice as the peers get it: its helpers again, as far as it uses them."""

    def decimal(value, digits):
        text = f"{value:,.{digits}f}" if digits is not None else f"{value:,}"
        whole, _, rest = text.partition(".")
        whole = whole.replace(",", "") if len(whole.replace(",", "")) < 5 else whole.replace(",", ".")
        return whole + ("," + rest if rest and (digits or rest.strip("0")) else "")

    def picture(data, width):
        return pybars.strlist([f'<img src="{data}" style="width:{width}" alt="">'])

    def qr(_, text, width):
        png = io.BytesIO()
        segno.make(text, error="m", micro=False).save(png, kind="png", scale=8, border=4)
        return picture("data:image/png;base64," + base64.b64encode(png.getvalue()).decode(), width)

    helpers = {
        "number": lambda _, value, digits=None: decimal(value, digits),
        "currency": lambda _, value, code: decimal(value, 2) + " €",
        "date": lambda _, value, pattern: datetime.date.fromisoformat(value).strftime("%d/%m/%Y"),
        "default": lambda _, value, other: value or other,
        "css": lambda _, value: value,
        "image": lambda _, data, width, alt="": picture(data, width),
        "qr": lambda _, text, width, alt="": qr(None, text, width),
    }
    # Quotes within quotes are none for this library.
    template = re.sub(r'\{\{css \(default color "(#\w+)"\)\}\}', "{{color}}", read("es.hbs"))
    return str(pybars.Compiler().compile(template)(json.loads(read("es.json")), helpers=helpers))


def used(pid):
    """Seconds of processor time of a process, the kernel's work for it included."""
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """Its largest memory so far, in MB."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1000


def below(pid):
    """A process and all that it started."""
    pids, seen = [pid], []
    while pids:
        pid = pids.pop()
        seen.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    pids += [int(child) for child in file.read().split()]
        except FileNotFoundError:
            pass
    return seen


class Ours:
    name = "rubrica (fulgur)"

    def __init__(self, given):
        self.program, self.process, self.jobs, self.spent, self.high = given.rubrica, None, 0, 0.0, 0.0
        files = [read("es.hbs").encode(), json.dumps(json.loads(read("schema.json"))).encode(), json.dumps(json.loads(read("es.json"))).encode()]
        task = {"language": "ES", "target": {"engine": "fulgur", "profile": "plain"}, "title": "Factura", "created": 1_790_000_000}
        head = json.dumps({"task": {"RenderHtml": task}, "files": [len(file) for file in files], "seconds": 10}).encode()
        self.job = struct.pack("<I", len(head)) + head + b"".join(files)

    def make(self):
        if self.process is None or self.jobs == JOBS:
            self.close()
            arguments = [self.program, "render-worker", str(MEMORY), "html"]
            self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, cwd="/")
            self.jobs = 0
        self.jobs += 1
        self.process.stdin.write(self.job)
        self.process.stdin.flush()
        (length,) = struct.unpack("<I", self.process.stdout.read(4))
        reply = json.loads(self.process.stdout.read(length))
        outcome = reply["outcome"]["HtmlRendered"]
        if "Ok" not in outcome:
            raise SystemExit(f"ours refuses the invoice: {outcome}")
        return self.process.stdout.read(reply["made"])

    def used(self):
        return self.spent + (used(self.process.pid) if self.process else 0)

    def peak(self):
        return max(self.high, peak(self.process.pid))

    def close(self):
        if self.process:
            self.high = self.peak()
            self.process.stdin.close()
            _, status, usage = os.wait4(self.process.pid, 0)
            self.process.returncode = status
            self.spent += usage.ru_utime + usage.ru_stime
            self.process.stdout.close()
            self.process = None


class WeasyPrint:
    name = f"WeasyPrint {weasyprint.__version__}"

    def __init__(self, html):
        self.html = html
        self.fonts = weasyprint.text.fonts.FontConfiguration()

    def make(self):
        return weasyprint.HTML(string=self.html).write_pdf(font_config=self.fonts)

    def used(self):
        return time.process_time()

    def peak(self):
        return peak(os.getpid())

    def close(self):
        pass


class Chromium:
    def __init__(self, given, html):
        self.html, self.id = html, 0
        version = subprocess.run([given.chromium, "--version"], capture_output=True, text=True, check=True).stdout.split()
        self.name = "Chromium " + next(word for word in version if word[0].isdigit())
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()

        def pipes():
            # It reads from 3 and writes to 4, whatever these numbers were before.
            reads, writes = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        arguments = [given.chromium, "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "about:blank"]
        self.process = subprocess.Popen(arguments, preexec_fn=pipes, close_fds=False, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer = b""
        self.session = None
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self.ask("Page.enable", {})
        self.frame = self.ask("Page.getFrameTree", {})["frameTree"]["frame"]["id"]

    def ask(self, method, parameters):
        self.id += 1
        question = {"id": self.id, "method": method, "params": parameters}
        if self.session:
            question["sessionId"] = self.session
        rest = json.dumps(question).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.out, rest) :]
        while True:
            while b"\0" not in self.buffer:
                self.buffer += os.read(self.into, 1 << 20)
            answer, _, self.buffer = self.buffer.partition(b"\0")
            answer = json.loads(answer)
            if answer.get("id") == self.id:
                if "error" in answer:
                    raise SystemExit(f"Chromium: {method}: {answer['error']}")
                return answer["result"]

    def make(self):
        self.ask("Page.setDocumentContent", {"frameId": self.frame, "html": self.html})
        printed = self.ask("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
        return base64.b64decode(printed["data"])

    def used(self):
        return sum(used(pid) for pid in below(self.process.pid))

    def peak(self):
        return sum(peak(pid) for pid in below(self.process.pid))

    def close(self):
        self.process.kill()
        self.process.wait()


def pages(pdf):
    return subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout.decode().split("Pages:")[1].split()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rubrica", default=os.path.join(ROOT, "target", "release", "rubrica"))
    parser.add_argument("--chromium", default="chromium-headless-shell")
    parser.add_argument("--html")
    given = parser.parse_args()
    html = filled()
    if given.html:
        with open(given.html, "w", encoding="utf-8") as file:
            file.write(html)
    engines = [Ours(given), WeasyPrint(html), Chromium(given, html)]
    results = {engine.name: [] for engine in engines}
    sizes = {}
    for engine in engines:
        pdf = [engine.make() for _ in range(3)][-1]
        sizes[engine.name] = (pages(pdf), len(pdf) // 1000)
    for _ in range(given.rounds):
        for engine in engines:
            count, began, before = 0, time.perf_counter(), engine.used()
            while time.perf_counter() - began < given.seconds:
                engine.make()
                count += 1
            results[engine.name].append((count / (time.perf_counter() - began), count / (engine.used() - before)))
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())[1]
    print(f"{model}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {given.rounds} rounds of {given.seconds:g} s in turn, medians\n")
    print(f"{'engine':<28}{'per second':>12}{'per core-second':>17}{'ms of processor':>17}{'pages':>7}{'kB':>6}{'MB at peak':>12}")
    medians = {}
    for engine in engines:
        wall, core = (statistics.median(column) for column in zip(*results[engine.name]))
        medians[engine.name] = core
        count, size = sizes[engine.name]
        print(f"{engine.name:<28}{wall:>12.1f}{core:>17.1f}{1000 / core:>17.1f}{count:>7}{size:>6}{engine.peak():>12.0f}")
    ours = medians[engines[0].name]
    for engine in engines[1:]:
        print(f"ours makes {ours / medians[engine.name]:.1f} times as many as {engine.name} in the same processor time")
    for engine in engines:
        engine.close()


if __name__ == "__main__":
    main()
