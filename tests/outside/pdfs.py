"""Writes PDFs byte by byte, in every structural form, so that each place where a file can contradict itself can be reached.

A file is a prefix (empty, or a file of another program) and revisions behind it. A dictionary is a list of pairs of bytes, so that a key may stand in it twice.
"""

import copy
import dataclasses
import zlib
from typing import Callable, Optional


def pairs(**entries):
    """A dictionary: `pairs(Type=b"/Page")`."""
    return [(key.encode(), value if isinstance(value, bytes) else str(value).encode()) for key, value in entries.items()]


def get(dictionary, key, default=None):
    return next((value for name, value in dictionary if name == key), default)


def put(dictionary, key, value):
    """The dictionary with `key` set, in its place where it was there."""
    replaced = [(name, value if name == key else old) for name, old in dictionary]
    return replaced if get(dictionary, key) is not None else [*dictionary, (key, value)]


def written(dictionary):
    return b"<<" + b"".join(b"/" + key + b" " + value + b"\n" for key, value in dictionary) + b">>"


@dataclasses.dataclass
class Obj:
    """An indirect object. `value`: pairs of a dictionary, or the bytes of anything else."""

    number: int
    value: object
    data: Optional[bytes] = None
    generation: int = 0
    #: What it is for, such as "page"; empty for what nothing visible depends on.
    role: str = ""
    #: What stands for the length; None for the true one.
    length: Optional[bytes] = None
    #: Has the last word on the object's bytes.
    edit: Optional[Callable[[bytes], bytes]] = None

    def body(self):
        return self.value if isinstance(self.value, bytes) else written(self.value)

    def bytes(self, eol=b"\n"):
        head = b"%d %d obj" % (self.number, self.generation) + eol
        if self.data is None:
            out = head + self.body() + eol + b"endobj" + eol
        else:
            dictionary = self.value
            if get(dictionary, b"Length") is None and self.length != b"":
                dictionary = put(dictionary, b"Length", b"%d" % len(self.data) if self.length is None else self.length)
            # A lone carriage return may not follow the keyword (ISO 32000-2 7.3.8.1).
            line = b"\n" if eol == b"\r" else eol
            out = head + written(dictionary) + eol + b"stream" + line + self.data + line + b"endstream" + eol + b"endobj" + eol
        return self.edit(out) if self.edit else out


@dataclasses.dataclass
class Entry:
    """Of a cross-reference section. `kind`: n (a: offset), f (a: next free) or c (a: number of the object stream, b: index)."""

    number: int
    kind: str
    a: int
    b: int = 0

    def line(self, width=20):
        ending = {19: b"\n", 20: b" \n", 21: b"  \n"}[width]
        return b"%010d %05d %s" % (self.a % 10**10, self.b % 10**5, (self.kind if self.kind in "nf" else "f").encode()) + ending


@dataclasses.dataclass
class Pack:
    """An object stream: what it holds and what it says it holds."""

    number: int
    index: list
    bodies: bytes
    extra: list
    count: Optional[int] = None
    first: Optional[int] = None

    def obj(self, compress):
        head = b" ".join(b"%d %d" % pair for pair in self.index) + b"\n"
        data = head + self.bodies
        value = pairs(
            Type=b"/ObjStm",
            N=len(self.index) if self.count is None else self.count,
            First=len(head) if self.first is None else self.first,
        )
        value += self.extra
        if compress:
            return Obj(self.number, [*value, (b"Filter", b"/FlateDecode")], zlib.compress(data))
        return Obj(self.number, value, data)


@dataclasses.dataclass
class Revision:
    """What one save writes. The hooks change it where it is about to be written; each gets the writer first."""

    objects: list
    form: str = "table"
    packed: bool = False
    #: Of the hybrid form: table and stream in one section.
    one_section: bool = False
    compress: bool = True
    free: list = dataclasses.field(default_factory=list)
    #: Objects that no entry lists: before and behind the section, and behind the end of the file.
    unlisted: list = dataclasses.field(default_factory=list)
    behind: list = dataclasses.field(default_factory=list)
    #: Members of the object stream that no entry lists.
    unlisted_members: list = dataclasses.field(default_factory=list)
    entry_width: int = 20
    before_section: bytes = b""
    eol: bytes = b"\n"
    on_pack: list = dataclasses.field(default_factory=list)
    on_entries: list = dataclasses.field(default_factory=list)
    #: Of the hybrid form: the entries of the stream.
    on_hidden: list = dataclasses.field(default_factory=list)
    on_subsections: list = dataclasses.field(default_factory=list)
    on_trailer: list = dataclasses.field(default_factory=list)
    on_stream: list = dataclasses.field(default_factory=list)
    #: Has the last word on the bytes of the section and on those behind it.
    on_section: list = dataclasses.field(default_factory=list)
    on_end: list = dataclasses.field(default_factory=list)


class Writer:
    def __init__(self, case):
        self.out = bytearray(case.prefix)
        self.size, self.root, self.extra = case.size, case.root, case.trailer
        #: Where each section is, oldest first.
        self.sections = [case.section] if case.section is not None else []
        #: Offsets of objects and of unlisted ones, by number; the newest.
        self.offsets, self.unlisted = dict(case.offsets), {}

    def write(self, revision):
        eol = revision.eol
        plain, packed = [], []
        for obj in revision.objects:
            fits = revision.packed and obj.data is None and obj.generation == 0 and obj.edit is None
            # What a reader needs that knows no streams may not be hidden from it (ISO 32000-2 7.5.8.4).
            fits = fits and (revision.form != "hybrid" or obj.role not in ("catalog", "pages", "page", "form"))
            (packed if fits else plain).append(obj)
        if not self.out:
            self.out += b"%PDF-1.7" + eol + b"%\xe2\xe3\xcf\xd3" + eol
        entries = [Entry(0, "f", 0, 65535)] if not self.sections else []
        for obj in plain:
            entries.append(Entry(obj.number, "n", self.put(obj, eol), obj.generation))
        for number in revision.free:
            entries.append(Entry(number, "f", 0, 1))
        for obj in revision.unlisted:
            self.unlisted[obj.number] = len(self.out)
            self.out += obj.bytes(eol)
        top = max([self.size - 1, *(entry.number for entry in entries), *(obj.number for obj in packed)])
        hidden = []
        if packed:
            top += 1
            hidden = self.pack(revision, packed, top)
            entries.append(Entry(top, "n", self.offsets[top]))
        self.size = top + 1
        if revision.form == "hybrid":
            self.hybrid(revision, entries, hidden)
        else:
            self.section(revision, entries + hidden)
        self.end(revision)

    def put(self, obj, eol):
        at = self.offsets[obj.number] = len(self.out)
        self.out += obj.bytes(eol)
        return at

    def pack(self, revision, packed, number):
        index, bodies = [], b""
        for obj in [*packed, *revision.unlisted_members]:
            index.append((obj.number, len(bodies)))
            bodies += obj.body() + b"\n"
        pack = Pack(number, index, bodies, [])
        for hook in revision.on_pack:
            hook(self, pack)
        self.put(pack.obj(revision.compress), revision.eol)
        return [Entry(obj.number, "c", number, place) for place, obj in enumerate(packed)]

    def hybrid(self, revision, entries, hidden):
        """A table to which the members of the object stream are free, and a stream that knows them (ISO 32000-2 7.5.8.4).

        As word processors write it: the stream belongs to an empty section behind the table. In one section with the table that calls the
        same objects free (`one_section`) viewers do not agree on them."""
        for hook in revision.on_hidden:
            hook(self, hidden)
        listed = {entry.number for entry in entries}
        entries += [Entry(entry.number, "f", 0, 65535) for entry in hidden if entry.number not in listed]
        if hidden and not revision.one_section:
            self.section(revision, entries, hooks=False)
            self.end(Revision([], eol=revision.eol))
            entries = []
        where = None
        if hidden:
            number = self.size
            self.size += 1
            where = len(self.out)
            self.out += self.stream_section(revision, number, [*hidden, Entry(number, "n", where)], self.trailer())
        self.section(revision, entries, where)

    def trailer(self):
        prev = [(b"Prev", b"%d" % self.sections[-1])] if self.sections else []
        return [(b"Size", b"%d" % self.size), (b"Root", self.root), *self.extra, *prev]

    def section(self, revision, entries, hidden_at=None, hooks=True):
        for hook in revision.on_entries if entries else ():
            hook(self, entries)
        self.out += revision.before_section
        at = len(self.out)
        if revision.form == "stream":
            number = self.size
            self.size += 1
            section = self.stream_section(revision, number, [*entries, Entry(number, "n", at)], self.trailer(), revision.on_trailer)
        else:
            trailer = self.trailer()
            if hidden_at is not None:
                trailer.append((b"XRefStm", b"%d" % hidden_at))
            for hook in revision.on_trailer if hooks else ():
                hook(self, trailer)
            eol = revision.eol
            section = b"xref" + eol
            if not entries:
                section += b"0 0" + eol
            for start, count, listed in self.subsections(revision, entries):
                lines = b"".join(entry.line(revision.entry_width) for entry in listed)
                section += b"%d %d" % (start, count) + eol + (lines.replace(b" \n", b" \r") if eol == b"\r" else lines)
            section += b"trailer" + eol + written(trailer) + eol
        for hook in revision.on_section if hooks else ():
            section = hook(self, section)
        self.out += section
        self.sections.append(at)

    def subsections(self, revision, entries):
        """[first number, count, entries]: each goes on as long as the numbers do."""
        out = []
        for entry in sorted(entries, key=lambda entry: entry.number):
            if out and out[-1][0] + out[-1][1] == entry.number:
                out[-1][1] += 1
                out[-1][2].append(entry)
            else:
                out.append([entry.number, 1, [entry]])
        for hook in revision.on_subsections if out else ():
            hook(self, out)
        return out

    def stream_section(self, revision, number, entries, trailer, hooks=()):
        subsections = self.subsections(revision, entries)
        kinds = {"f": 0, "n": 1, "c": 2}
        data = b"".join(
            bytes([kinds.get(entry.kind, 3)]) + (entry.a % 2**32).to_bytes(4, "big") + (entry.b % 2**16).to_bytes(2, "big")
            for *_, listed in subsections
            for entry in listed
        )
        index = b" ".join(b"%d %d" % (start, count) for start, count, _ in subsections)
        value = [*pairs(Type=b"/XRef", W=b"[1 4 2]", Index=b"[" + index + b"]"), *trailer]
        for hook in hooks:
            hook(self, value)
        if revision.compress and get(value, b"Filter") is None:
            value.append((b"Filter", b"/FlateDecode"))
            data = zlib.compress(data)
        obj = Obj(number, value, data)
        for hook in revision.on_stream:
            hook(self, obj)
        return obj.bytes(revision.eol)

    def end(self, revision):
        eol = revision.eol
        for obj in revision.behind:
            self.unlisted[obj.number] = len(self.out)
            self.out += obj.bytes(eol)
        end = b"startxref" + eol + b"%d" % self.sections[-1] + eol + b"%%EOF" + eol
        for hook in revision.on_end:
            end = hook(self, end)
        self.out += end


@dataclasses.dataclass
class Case:
    """A file in the making: a valid one, until a kind of mutation has been at it."""

    name: str
    revisions: list
    root: bytes = b"1 0 R"
    trailer: list = dataclasses.field(default_factory=list)
    prefix: bytes = b""
    size: int = 0
    section: Optional[int] = None
    offsets: dict = dataclasses.field(default_factory=dict)
    encrypted: bool = False
    #: Applied to the bytes at last.
    on_bytes: list = dataclasses.field(default_factory=list)

    def copy(self):
        return copy.deepcopy(self)

    def bytes(self):
        writer = Writer(self)
        for revision in self.revisions:
            writer.write(revision)
        out = bytes(writer.out)
        for hook in self.on_bytes:
            out = hook(out)
        return out

    def objects(self):
        """What is visible now, by number: the newest."""
        return {obj.number: obj for revision in self.revisions for obj in revision.objects}
