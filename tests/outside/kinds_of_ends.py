"""Further kinds: trailers, chains of sections, the end of the file, and bytes at random places."""

import re

from bases import text, updated
from kinds import KINDS, NoPlace, choose, kind, revision, target
from pdfs import Entry, Obj, Revision, get, pairs, put


def set_in_trailer(one, key, value_of):
    """`value_of(writer, old value)`; None removes the key."""

    def hook(writer, trailer):
        value = value_of(writer, get(trailer, key))
        trailer[:] = [pair for pair in trailer if pair[0] != key] if value is None else put(trailer, key, value)

    one.on_trailer.append(hook)


def on_end(case, rng, change):
    """`change(writer, end)` at the end of a revision: mostly the last."""
    one = case.revisions[-1] if rng.random() < 0.8 else rng.choice(case.revisions)
    one.on_end.append(change)


def start_of(end):
    found = re.search(rb"startxref\s+(\d+)", end)
    # Another change took it away.
    if found is None:
        raise NoPlace
    return int(found[1])


def with_start(end, value):
    return re.sub(rb"(startxref\s+)\d+", lambda found: found[1] + value, end, count=1)


# The end of the file.


@kind
def startxref_off(case, rng):
    by = rng.choice([-20, -5, -2, -1, 1, 2, 4, 8, 30])
    on_end(case, rng, lambda writer, end: with_start(end, b"%d" % max(0, start_of(end) + by)))


@kind
def startxref_at_an_older_section(case, rng):
    if len(case.revisions) + bool(case.prefix) < 2:
        raise NoPlace
    case.revisions[-1].on_end.append(lambda writer, end: with_start(end, b"%d" % rng.choice(writer.sections[:-1])))


@kind
def startxref_twice(case, rng):
    def change(writer, end):
        other = b"startxref\n%d\n" % rng.choice([*writer.sections, 0, 9, len(writer.out) + 5])
        return rng.choice([other + end, end.replace(b"%%EOF", other + b"%%EOF"), end + other + b"%%EOF\n", other + b"%%EOF\n" + end])

    on_end(case, rng, change)


@kind
def startxref_of_odd_writing(case, rng):
    def change(writer, end):
        at = start_of(end)
        odd = rng.choice([b"-%d", b"+%d", b"%d.0", b"0x%d", b"%%x\n%d", b"000%d", b"%d 0 R", b"(%d)", b"9%012d", b"\n\n\n%d"]) % at
        return rng.choice([with_start(end, odd), end.replace(b"startxref\n", b"startxref "), end.replace(b"startxref", b"startxre"), end.replace(b"startxref", b"STARTXREF")])

    on_end(case, rng, change)


@kind
def no_end_of_file(case, rng):
    case.revisions[-1].on_end.append(lambda writer, end: end.replace(b"%%EOF", rng.choice([b"", b"%EOF", b"%%EO", b"%% EOF", b"%%eof"])))


@kind
def startxref_far_from_the_end(case, rng):
    """Viewers look for it in the last 1,024 bytes, some further back."""
    filling = rng.choice([b" ", b"\n", b"%", b"\0"]) * rng.choice([900, 1010, 1024, 1100, 3000])
    case.revisions[-1].on_end.append(
        lambda writer, end: rng.choice([end + filling, end.replace(b"%%EOF", filling + b"\n%%EOF"), end + b"\n" + filling + b"\n%%EOF\n"])
    )


@kind
def older_end_behind_blanks(case, rng):
    """An unlisted object, the older section named again, and blanks: who searches further back sees another file."""
    if len(case.revisions) + bool(case.prefix) < 2:
        raise NoPlace
    _, _, decoy = target(case, rng)
    blanks = b" " * rng.choice([800, 1100, 1200, 2500])

    def change(writer, end):
        older = b"startxref\n%d\n%%%%EOF\n" % rng.choice(writer.sections)
        return end + (decoy.bytes() if rng.random() < 0.5 else b"") + older + blanks

    case.revisions[-1].on_end.append(change)


@kind
def white_space_behind_the_end(case, rng):
    """Harmless."""
    case.revisions[-1].on_end.append(lambda writer, end: end + rng.choice([b"\n", b"\r\n\r\n", b" " * 20, b"\0" * 30, b"\n" * 300]))


@kind
def bytes_behind_the_end(case, rng):
    tail = rng.choice([b"x", b"garbage here\n", b"<!-- -->\n" * 9, bytes(range(1, 200)), b"%PDF-1.4\n", b"%%EOF\n", b"trailer<</Root 4 0 R>>\n", b"xref\n0 0\ntrailer<</Size 1>>\n", b"y" * 1500])
    case.revisions[-1].on_end.append(lambda writer, end: end + tail)


@kind
def second_end_of_file(case, rng):
    on_end(case, rng, lambda writer, end: end.replace(b"%%EOF", b"%%EOF\n%%EOF"))


# Trailers and the chain of sections.


@kind
def junk_before_the_section(case, rng):
    """startxref at a blank line or a comment before the table, or junk between."""
    one = revision(case, rng)
    junk = rng.choice([b"\n", b"  \n", b"% comment\n", b"junk\n", b"\0\0\n", b"endobj\n"])
    one.on_section.append(lambda writer, section: junk + section)


@kind
def section_keyword_odd(case, rng):
    one = revision(case, rng, lambda one: one.form != "stream")
    odd = rng.choice([b"xref ", b"xref\r\n", b"xref\n\n", b"xrex\n", b"XREF\n", b"xref % comment\n", b"xref"])
    one.on_section.append(lambda writer, section: section.replace(b"xref\n", odd, 1))


@kind
def trailer_keyword_odd(case, rng):
    one = revision(case, rng, lambda one: one.form != "stream")
    odd = rng.choice([b"", b"trailer", b"trailer\n\n", b"traile\n", b"% x\ntrailer\n", b"junk\ntrailer\n", b"trailer<</Size 1>>\ntrailer\n"])
    one.on_section.append(lambda writer, section: section.replace(b"trailer\n", odd, 1))


@kind
def prev_in_a_cycle(case, rng):
    one = revision(case, rng)
    set_in_trailer(one, b"Prev", lambda writer, old: b"%d" % len(writer.out) if rng.random() < 0.6 or not writer.sections else b"%d" % writer.sections[0])


@kind
def prev_at_another_place(case, rng):
    one = choose(rng, case.revisions if case.prefix else case.revisions[1:])

    def value(writer, old):
        places = [*writer.sections[:-1], *writer.offsets.values(), 0, 1, len(writer.out) + 99, int(old or 0) + 1, max(0, int(old or 0) - 1)]
        return b"%d" % rng.choice(places)

    set_in_trailer(one, b"Prev", value)


@kind
def prev_missing(case, rng):
    one = choose(rng, case.revisions if case.prefix else case.revisions[1:])
    set_in_trailer(one, b"Prev", lambda writer, old: rng.choice([None, b"null", b"-1", b"22 0 R", b"(9)", b"%s.0" % (old or b"9"), b"99999999999999999999"]))


@kind
def prev_of_the_first_section(case, rng):
    if case.prefix:
        raise NoPlace
    set_in_trailer(case.revisions[0], b"Prev", lambda writer, old: rng.choice([b"0", b"9", b"15", b"%d" % len(writer.out), b"999999"]))


@kind
def size_wrong(case, rng):
    one = revision(case, rng)
    set_in_trailer(one, b"Size", lambda writer, old: rng.choice([None, b"0", b"-1", b"3", b"%d" % (int(old or 9) - 1), b"%d" % (int(old or 9) + 5), b"999999999", b"20.0", b"22 0 R", b"null"]))


@kind
def root_wrong(case, rng):
    one = revision(case, rng)
    set_in_trailer(one, b"Root", lambda writer, old: rng.choice([None, b"null", b"2 0 R", b"3 0 R", b"999 0 R", b"1 1 R", b"<</Type/Catalog/Pages 2 0 R>>", b"[1 0 R]"]))


@kind
def root_exchanged(case, rng):
    """A second catalog, which is in one trailer only."""
    one = revision(case, rng)
    one.objects.append(Obj(60, pairs(Type=b"/Catalog", Pages=b"61 0 R")))
    one.objects.append(Obj(61, pairs(Type=b"/Pages", Kids=b"[62 0 R]", Count=1)))
    one.objects.append(Obj(62, pairs(Type=b"/Page", Parent=b"61 0 R", MediaBox=b"[0 0 300 240]", Contents=b"63 0 R", Resources=b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>")))
    one.objects.append(Obj(63, [], text(["quite another page"])))
    set_in_trailer(one, b"Root", lambda writer, old: b"60 0 R")


@kind
def hidden_section_contradicts_the_table(case, rng):
    """A hybrid section whose stream lists an object that the table lists elsewhere, or that an older section has."""
    one, obj, decoy = target(case, rng)
    if one.form == "stream":
        raise NoPlace
    number = 80
    one.unlisted.append(decoy)

    def hook(writer, trailer):
        where = len(writer.out)
        entries = [Entry(obj.number, "n", writer.unlisted[obj.number]), Entry(number, "n", where)]
        side = Revision([], compress=False)
        writer.out += writer.stream_section(side, number, entries, [(b"Size", b"81"), (b"Root", writer.root)])
        # The table begins behind it.
        writer.moved = len(writer.out)
        trailer[:] = put(trailer, b"XRefStm", b"%d" % where)

    one.on_trailer.append(hook)
    move_start(one)


def move_start(one):
    """For hooks that write something between: the section is where it then is."""

    def change(writer, end):
        moved = getattr(writer, "moved", None)
        if moved is None:
            return end
        writer.sections[-1], writer.moved = moved, None
        return with_start(end, b"%d" % moved)

    one.on_end.insert(0, change)


@kind
def hybrid_in_one_section(case, rng):
    revision(case, rng, lambda one: one.form == "hybrid").one_section = True


@kind
def hidden_section_at_another_place(case, rng):
    one = revision(case, rng, lambda one: one.form != "stream")
    set_in_trailer(one, b"XRefStm", lambda writer, old: b"%d" % rng.choice([0, len(writer.out), *writer.offsets.values(), *writer.sections, len(writer.out) + 1000]))


@kind
def hidden_members_in_use_in_the_table(case, rng):
    """Objects of the object stream that the table lists with a decoy."""
    found = [(one, obj) for one in case.revisions if one.form == "hybrid" for obj in one.objects if obj.data is None and obj.role in ("annotation", "annotations", "field", "font")]
    one, obj = choose(rng, found)
    decoy = updated(obj, rng)
    if decoy is None:
        raise NoPlace
    one.unlisted.append(decoy)

    def hook(writer, entries):
        entries[:] = [entry for entry in entries if entry.number != obj.number]
        entries.append(Entry(obj.number, "n", writer.unlisted[obj.number]))

    one.on_entries.append(hook)


@kind
def stream_section_dictionary_odd(case, rng):
    one = revision(case, rng, lambda one: one.form == "stream")
    key, value = rng.choice([
        (b"W", b"[1 4 1]"), (b"W", b"[0 4 2]"), (b"W", b"[1 4]"), (b"W", b"[1 0 2]"), (b"W", b"[1 4 2 0]"), (b"W", b"[-1 4 2]"), (b"W", b"[1 99999999 2]"), (b"W", b"null"),
        (b"Index", b"[0]"), (b"Index", b"[0 99999999]"), (b"Index", b"[1 22]"), (b"Index", b"[-1 5]"), (b"Index", b"null"), (b"Index", b"[0 3 2 22]"),
        (b"Type", b"/XReff"), (b"Type", b"/ObjStm"), (b"DecodeParms", b"<</Predictor 12/Columns 7>>"), (b"Filter", b"/FlateDecode/Filter/LZWDecode"),
    ])  # fmt: skip
    set_in_trailer(one, key, lambda writer, old: value)


@kind
def stream_section_truncated(case, rng):
    one = revision(case, rng, lambda one: one.form == "stream")

    def hook(writer, obj):
        obj.data = obj.data[: rng.randrange(len(obj.data))] if rng.random() < 0.7 else obj.data + b"\1\0\0\0\11\0\0" * 3

    one.on_stream.append(hook)


@kind
def stream_section_lists_itself_elsewhere(case, rng):
    one = revision(case, rng, lambda one: one.form == "stream")

    def hook(writer, subsections):
        entry = subsections[-1][2][-1]
        entry.a = rng.choice([0, 15, entry.a + 3])

    one.on_subsections.append(hook)


@kind
def encryption_that_is_none(case, rng):
    if case.encrypted:
        raise NoPlace
    one = revision(case, rng)
    set_in_trailer(one, b"Encrypt", lambda writer, old: rng.choice([b"null", b"<<>>", b"9 0 R", b"999 0 R", b"<</Filter/Standard/V 1/R 2/O(" + b"x" * 32 + b")/U(" + b"y" * 32 + b")/P -4>>"]))


@kind
def encryption_forgotten(case, rng):
    """A later trailer without the encryption, or with another one."""
    if not case.encrypted:
        raise NoPlace
    set_in_trailer(case.revisions[-1], b"Encrypt", lambda writer, old: rng.choice([None, b"null", b"<<>>"]))


# Layout and bytes at random places.


@kind
def junk_before_the_header(case, rng):
    junk = rng.choice([b"\n", b"\xef\xbb\xbf", b"junk\n", b"%!PS\n", b"x" * 1000, b"x" * 1100, b"%PDF-1.0\n"])
    case.on_bytes.append(lambda data: junk + data)


@kind
def header_odd(case, rng):
    odd = rng.choice([b"%PDF-9.9", b"%PDF-1.", b"%PDF-", b"%pdf-1.7", b"%PDF 1.7", b"%FDF-1.7", b"%PDF-1.7 ", b"\n%PDF-1.7", b"%PDF-0000"])
    case.on_bytes.append(lambda data: odd + data[8:])


@kind
def truncated(case, rng):
    part = rng.random()
    case.on_bytes.append(lambda data: data[: int(len(data) * part)] if part < 0.5 else data[: -rng.randrange(1, 400)])


@kind
def carriage_returns_only(case, rng):
    """A valid end of line (ISO 32000-2 7.2.3)."""
    revision(case, rng).eol = b"\r"


KEYS = rb"/(Length|Prev|Size|N|First|Count|XRefStm|Predictor|Columns|L|H|O|E|T|P|R|V|Rotate|F|BaseFont|Kids|Contents|Annots|Parent|Pages|Root)\s*\[?\s*(\d+)"


@kind
def number_of_a_structural_key(case, rng):
    def change(data):
        found = list(re.finditer(KEYS, data))
        if not found:
            return data
        match = rng.choice(found)
        digits = match[2]
        new = b"%0*d" % (len(digits), rng.choice([int(digits) + 1, max(0, int(digits) - 1), rng.randrange(10 ** len(digits)), 0]))
        return data[: match.start(2)] + new[-len(digits) :] + data[match.end(2) :]

    case.on_bytes.append(change)


@kind
def digits_of_an_entry(case, rng):
    def change(data):
        found = list(re.finditer(rb"(\d{10}) (\d{5}) ([nf])", data))
        if not found:
            return data
        match, other = rng.choice(found), rng.choice(found)
        new = rng.choice([other[1], b"0000000000", b"%010d" % (int(match[1]) + rng.choice([-2, -1, 1, 2, 10])), b"%010d" % rng.randrange(len(data))])
        return data[: match.start(1)] + new[:10] + data[match.end(1) :]

    case.on_bytes.append(change)


@kind
def head_of_a_subsection(case, rng):
    def change(data):
        found = list(re.finditer(rb"(?<=\n)(\d+) (\d+)(?=\s*\n\d{10} )", data))
        if not found:
            return data
        match = rng.choice(found)
        start, count = int(match[1]), int(match[2])
        new = rng.choice([b"%d %d" % (start + 1, count), b"%d %d" % (start, count + 1), b"%d %d" % (start, max(0, count - 1)), b"%d %d" % (count, start)])
        return data[: match.start()] + new + data[match.end() :]

    case.on_bytes.append(change)


def structural(data, rng):
    """A place outside of stream data."""
    spans, at = [], 0
    for match in re.finditer(rb"stream\r?\n.*?endstream", data, re.S):
        spans.append((at, match.start()))
        at = match.end()
    spans.append((at, len(data)))
    start, end = rng.choice([span for span in spans if span[1] > span[0]])
    return rng.randrange(start, end)


@kind
def byte_changed(case, rng):
    def change(data):
        out = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 4])):
            out[structural(data, rng)] = rng.choice([rng.randrange(256), *b" 0123456789/<>[]()%\nR"])
        return bytes(out)

    case.on_bytes.append(change)


@kind
def bytes_removed_or_doubled(case, rng):
    def change(data):
        at, length = structural(data, rng), rng.choice([1, 1, 2, 5, 20, 100])
        return data[:at] + data[at + length :] if rng.random() < 0.5 else data[: at + length] + data[at:]

    case.on_bytes.append(change)


@kind
def white_space_inserted(case, rng):
    """Every offset behind it is off."""

    def change(data):
        places = [match.start() for match in re.finditer(rb"\s/", data)]
        at = rng.choice(places)
        return data[:at] + rng.choice([b" ", b"\n", b"\r\n", b"  "]) + data[at:]

    case.on_bytes.append(change)


@kind
def line_ends_converted(case, rng):
    """As a transfer in text mode does."""
    case.on_bytes.append(lambda data: data.replace(b"\n", b"\r\n") if rng.random() < 0.5 else data.replace(b"\r\n", b"\n").replace(b"\n", b"\r"))


@kind
def last_revision_twice(case, rng):
    def change(data):
        ends = [match.end() for match in re.finditer(rb"%%EOF\s*", data)]
        return data + data[ends[-2] if len(ends) > 1 else len(data) // 2 :]

    case.on_bytes.append(change)


@kind
def two_kinds_at_once(case, rng):
    """Contradictions that cover each other."""
    names = [name for name in KINDS if name not in ("valid", "two kinds at once")]
    done = 0
    for _ in range(12):
        try:
            KINDS[rng.choice(names)](case, rng)
            done += 1
        except NoPlace:
            continue
        if done == 2:
            return
    raise NoPlace
