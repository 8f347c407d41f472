"""Talks to `judge` (documents/examples/judge.rs), and watches over it: how long it takes, how much memory, whether it lives."""

import collections
import json
import os
import resource
import select
import signal
import subprocess
import tempfile
import time


#: glibc else decides by what was freed before whether large pieces of memory go back at once: the peak of the same job then is one or the threefold of what it holds.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}


class Judge:
    """One process that answers jobs one after another; a new one takes its place when it died or had to be stopped."""

    def __init__(self, command, memory=None):
        """`command`: the program, or a list of it and its arguments. `memory`: bytes of address space that the process may have; None for no bound."""
        self.command, self.memory = [command] if isinstance(command, str) else command, memory
        self.process, self.errors, self.rest = None, None, b""

    def ask(self, *job, timeout=60.0):
        """The answer, with `cpu`, the seconds of processor time; {"died": how} or {"hung": seconds} where there is none."""
        if self.process is None:
            self._start()
        began = self._processor_time()
        try:
            self.process.stdin.write(("\t".join(job) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return self._died()
        line = self._line(time.monotonic() + timeout)
        if line is None:
            self.close()
            return {"hung": timeout}
        return json.loads(line) | {"cpu": self._processor_time() - began} if line else self._died()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout, self.errors):
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        self.process, self.rest = None, b""

    def _start(self):
        def bounded():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self.memory:
                resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))

        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=bounded, env=os.environ | ALLOCATOR
        )

    def _processor_time(self):
        """Seconds that the process has used: other programs on the machine do not count."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def _line(self, until):
        """One line of the answer, empty where the process has ended, None where the time is over."""
        while b"\n" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            if not read:
                return b""
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def _died(self):
        status = self.process.wait()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        self.close()
        return {"died": " | ".join([how, *words[:3]])}


def built(profile="debug", program="judge"):
    """Where cargo puts the program."""
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(os.path.dirname(__file__), "..", "..", "target")
    return os.path.join(target, profile, "examples", program)


def table(rows, titles):
    """Lines of a table: the first column to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in [titles, *rows]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def tally(results, key):
    """How often each value of `key` occurs, the most frequent first."""
    return collections.Counter(key(result) for result in results).most_common()
