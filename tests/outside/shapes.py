"""Shapes of hostile files: each costs more than it weighs to who reads it without care.

A shape is a function of a source of randomness and a size in bytes, and gives a PDF of about that size: as one document, or behind a signed one.
"""

import random
import zlib

SHAPES = {}
#: What is asked of a file: jobs of `judge`, and of `fill` those that begin so.
PDF_JOBS, FORM_JOBS, KEY_JOBS = ("seal", "verify", "fill"), ("seal", "fill", "fill and keep"), ("open",)


def shape(function):
    SHAPES[function.__name__.replace("_", " ")] = (function, PDF_JOBS)
    return function


def form_shape(function):
    SHAPES[function.__name__.replace("_", " ")] = (function, FORM_JOBS)
    return function


def key_shape(function):
    SHAPES[function.__name__.replace("_", " ")] = (function, KEY_JOBS)
    return function


def stream(data, **entries):
    head = b"".join(b"/%s %s" % (key.encode(), value if isinstance(value, bytes) else b"%d" % value) for key, value in entries.items())
    length = b"" if "Length" in entries else b"/Length %d" % len(data)
    return b"<<" + head + length + b">>\nstream\n" + data + b"\nendstream"


def packed(data, **entries):
    return stream(zlib.compress(data, 9), Filter=b"/FlateDecode", **entries)


class Document:
    """Numbered objects, from which a file is written: 1 is the catalog, 2 the page tree, 3 the page, 4 its content, 5 the form."""

    def __init__(self, signatures=1):
        self.objects, self.next = {}, 6
        self.catalog, self.page, self.form, self.annotations = b"", b"", b"", []
        self.objects[4] = stream(b"BT /F1 12 Tf 20 200 Td (words) Tj ET")
        self.kids, self.fields, self.signed, self.trailer = [b"3 0 R"], [], [], b""
        self.count = 1
        for index in range(signatures):
            number = self.add(b"<</Type/Annot/Subtype/Widget/FT/Sig/T(s%d)/P 3 0 R/F 4/Rect[%d 10 %d 40]>>" % (index, 10, 100))
            self.fields.append(number)
            self.annotations.append(number)

    def add(self, body):
        number, self.next = self.next, self.next + 1
        self.objects[number] = body
        return b"%d 0 R" % number

    def reserve(self, count=1):
        """The first of so many numbers in a row."""
        first, self.next = self.next, self.next + count
        return first

    def whole(self):
        fonts = b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        join = b" ".join
        self.objects.setdefault(1, b"<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R" + self.catalog + b">>")
        self.objects.setdefault(2, b"<</Type/Pages/Kids[" + join(self.kids) + b"]/Count %d>>" % self.count)
        self.objects.setdefault(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 240]/Contents 4 0 R" + fonts + b"/Annots[" + join(self.annotations) + b"]" + self.page + b">>")
        self.objects.setdefault(5, b"<</Fields[" + join(self.fields) + b"]" + self.form + b">>")
        return self.objects

    def bytes(self, **how):
        return written(self.whole(), trailer=self.trailer, **how)


def written(objects, prefix=b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", prev=None, size=None, trailer=b"", root=b"1 0 R", pad=b""):
    """A file, or a revision behind `prefix`."""
    out, offsets = [prefix], {}
    at = len(prefix)
    for number in sorted(objects):
        offsets[number] = at
        part = b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
        out.append(part)
        at += len(part)
    size = max([size or 0, *(number + 1 for number in objects)])
    lines, run, before = [], [], None
    for number in [*([] if prev else [0]), *sorted(objects)]:
        if before is not None and number != before + 1 or not lines and not run:
            if run:
                lines += [b"%d %d\n" % (first, len(run)), *run]
            first, run = number, []
        run.append(b"%010d 00000 n \n" % offsets[number] if number else b"0000000000 65535 f \n")
        before = number
    lines += [b"%d %d\n" % (first, len(run)), *run]
    previous = b"/Prev %d" % prev if prev is not None else b""
    out += [pad, b"xref\n", *lines, b"trailer\n<</Size %d/Root %s%s%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, previous, trailer, at + len(pad))]
    return b"".join(out)


def with_stream_section(objects, section, number=None):
    """A file whose cross-references are a stream: `section(offsets)` gives its entries and its data."""
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
    for each in sorted(objects):
        offsets[each] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (each, objects[each])
    number = number or max(objects) + 1
    at = offsets[number] = len(out)
    out += b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (number, section(offsets, number), at)
    return bytes(out)


def listed(offsets, number, more=b"", extra=(), **entries):
    """An ordinary section, with some things more."""
    rows = {0: (0, 0, 65535), **{each: (1, at, 0) for each, at in offsets.items()}, **dict(extra)}
    index = b" ".join(b"%d 1" % each for each in sorted(rows))
    data = b"".join(bytes([kind]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for _, (kind, a, b) in sorted(rows.items()))
    return packed(data + more, Type=b"/XRef", W=b"[1 4 2]", Index=b"[" + index + b"]", Size=max(rows) + 1, Root=b"1 0 R", **entries)


def signature(name, reserved=60, contents=None):
    """An object of a signature whose value nobody made. The byte range is filled by `covered`."""
    value = contents.hex().encode() if contents is not None else b"0" * reserved
    return b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[0 0000000000 0000000000 0000000000]/Contents<" + value + b">/Name(" + name + b")>>"


def covered(data, start=0):
    """Fills the byte range of the one signature behind `start`."""
    at = data.index(b"/ByteRange[0 0000000000", start) + len(b"/ByteRange[")
    gap = data.index(b"/Contents<", at) + len(b"/Contents")
    end = data.index(b">", gap) + 1
    new = b"0 %010d %010d %010d" % (gap, end, len(data) - end)
    return data[:at] + new + data[at + len(new) :]


def signed(document=None, contents=None):
    """A document with a signature that nobody made, and what a revision behind it needs: (bytes, place of its section, size)."""
    document = document or Document(signatures=2)
    number = document.next
    document.objects[number] = signature(b"x", contents=contents)
    document.next += 1
    field = int(document.fields[0].split()[0])
    document.objects[field] = document.objects[field].replace(b"/F 4", b"/F 4/V %d 0 R" % number)
    data = covered(document.bytes())
    return data, data.rindex(b"xref\ntrailer") if b"xref\ntrailer" in data else data.rindex(b"\nxref\n") + 1, number + 1


def behind(objects, document=None, contents=None):
    """Objects in a revision behind a signed document."""
    data, section, size = signed(document, contents)
    return written(objects, prefix=data, prev=section, size=size)


def count(size, each, least=1):
    return max(least, size // each)


def pick(rng, *values):
    return rng.choice(values)


# Objects and streams.


@shape
def chain_of_lengths(rng, size):
    document = Document()
    many = count(size, 75, 3)
    first = document.reserve(many)
    last = pick(rng, first, first + many // 2, first + many - 1, 4)
    for number in range(first, first + many):
        following = number + 1 if number + 1 < first + many else last
        document.objects[number] = stream(b"x", Length=b"%d 0 R" % following)
    if rng.random() < 0.5:
        document.objects[4] = stream(b"BT ET", Length=b"%d 0 R" % first)
    return document.bytes()


@shape
def object_stream_that_repeats_itself(rng, size):
    """Its index names one place again and again; there, an array is never closed."""
    document = Document()
    unit = pick(rng, b"[", b"<<", b"[0 ", b"(", b"<</A", b"<00")
    many = count(size, 8, 3) if rng.random() < 0.5 else count(size * 3, 8, 3)
    body = unit * count(min(size, 10**6) if rng.random() < 0.5 else 200, len(unit), 50)
    first = 1000
    index = b" ".join(b"%d 0" % (first + at) for at in range(many)) + b" "
    objects = document.whole()
    holder = max(objects) + 1
    objects[holder] = packed(index + body, Type=b"/ObjStm", N=many, First=len(index))
    extra = [(first + at, (2, holder, at % 65536)) for at in range(min(many, 65000))] if rng.random() < 0.7 else []
    return with_stream_section(objects, lambda offsets, number: listed(offsets, number, extra=extra), holder + 1)


@shape
def object_streams_of_odd_counts(rng, size):
    document = Document()
    objects = document.whole()
    holder = max(objects) + 1
    body = b"50 0 51 5 " + b"null " * count(size, 5)
    huge = pick(rng, 2**31 - 1, 2**32, 2**63 - 1, 10**9, 10**20, 65536)
    entries = pick(rng, {"N": huge, "First": 10}, {"N": 2, "First": huge}, {"N": huge, "First": huge}, {"N": 2, "First": 10, "Extends": b"%d 0 R" % holder}, {"N": b"-1", "First": 10})
    objects[holder] = packed(body, Type=b"/ObjStm", **entries)
    extra = [(50, (2, holder, 0)), (51, (2, holder, 1)), (52, (2, holder, 65535))]
    return with_stream_section(objects, lambda offsets, number: listed(offsets, number, extra=extra), holder + 1)


@shape
def many_object_streams_within_one_another(rng, size):
    document = Document()
    objects = document.whole()
    first, many = max(objects) + 1, count(size, 120, 2)
    for number in range(first, first + many):
        objects[number] = packed(b"%d 0 null" % (number + 100000), Type=b"/ObjStm", N=1, First=len(b"%d 0 " % (number + 100000)), Extends=b"%d 0 R" % (number + 1))
    extra = [(number + 100000, (2, number, 0)) for number in range(first, first + many)]
    return with_stream_section(objects, lambda offsets, number: listed(offsets, number, extra=extra), first + many)


@shape
def many_entries_of_one_offset(rng, size):
    document = Document()
    data = document.bytes()
    big = b"[" + b"0 " * count(size // 2, 2) + b"]" if rng.random() < 0.5 else stream(b"x" * (size // 2))
    objects = dict(document.whole())
    objects[900] = big
    many = count(size // 2, 20, 2)

    if rng.random() < 0.5:
        data = written(objects)
        at = data.index(b"900 0 obj")
        lines = b"1000 %d\n" % many + b"%010d 00000 n \n" % at * many
        return data.replace(b"trailer\n", lines + b"trailer\n", 1)

    def section(offsets, number):
        return listed(offsets, number, extra=[(1000 + each, (1, offsets[900], 0)) for each in range(many)])

    return with_stream_section(objects, section, 901)


@shape
def streams_that_overlap(rng, size):
    """Each holds all that follow."""
    many, each = pick(rng, (count(size, 200, 2), 60), (min(300, count(size, 2000, 2)), max(60, size // 300)))
    document = Document()
    objects = document.whole()
    first = max(objects) + 1
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
    for number in sorted(objects):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    heads = []
    for number in range(first, first + many):
        offsets[number] = len(out)
        out += b"%d 0 obj\n<</Length %010d>>\nstream\n" % (number, 0)
        heads.append(len(out))
        out += b" " * each + b"\n"
    end = len(out)
    for head in heads:
        at = out.rindex(b"/Length ", 0, head) + 8
        out[at : at + 10] = b"%010d" % (end - head)
    out += b"endstream\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (first + many)
    for number in range(1, first + many):
        out += b"%010d 00000 n \n" % offsets.get(number, 0)
    return bytes(out) + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (first + many, at)


@shape
def deep_nesting(rng, size):
    opening, closing, value = pick(rng, (b"[", b"]", b""), (b"<</A", b">>", b" 0"), (b"[<</A", b">>]", b"[]"), (b"(", b")", b""), (b"<<", b"", b""), (b"[", b"", b""))
    deep = pick(rng, 90, 99, 100, 101, 120, 255, count(size, len(opening + closing)))
    nested = opening * deep + value + closing * deep
    document = Document()
    where = rng.randrange(7)
    if where == 0:
        document.catalog = b"/Deep " + nested
    elif where == 1:
        document.page = b"/Deep " + nested
    elif where == 2:
        document.form = b"/Deep " + nested
    elif where == 3:
        document.trailer = b"/Deep " + nested
    elif where == 4:
        document.objects[4] = stream(b"q " + nested + b" Do Q")
    elif where == 5:
        document.objects[4] = stream(b"q Q", Deep=nested)
    else:
        for _ in range(count(size, len(nested))):
            document.add(nested)
    return document.bytes()


@shape
def many_values(rng, size):
    """As many values as fit."""
    unit = pick(rng, b"0 ", b"[]", b"()", b"/a", b"<<>>", b"<>", b"1 0 R ", b"null ", b"0.5 ", b"<</A 0>>", b"[[]]", b"/", b"- ")
    values = b"[" + unit * count(size, len(unit)) + b"]"
    document = Document()
    where = rng.randrange(6)
    if where == 0:
        document.catalog = b"/Many " + values
    elif where == 1:
        document.page = b"/Contents " + values
    elif where == 2:
        document.add(values)
    elif where == 3:
        each = count(size, pick(rng, 20, 200, 5000))
        for _ in range(each):
            document.add(b"[" + unit * max(1, size // each // len(unit)) + b"]")
    elif where == 4:
        entries = b"".join(b"/%x 0" % number for number in range(count(size, 7)))
        document.add(b"<<" + entries + b">>")
    else:
        return behind({3: b"<</Type/Page/Parent 2 0 R/Annots " + values + b">>"})
    return document.bytes()


@shape
def values_in_an_object_stream(rng, size):
    """Few bytes that unpack to many values."""
    document = Document()
    objects = document.whole()
    holder = max(objects) + 1
    unit = pick(rng, b"0 ", b"[]", b"/a", b"<<>>", b"1 0 R ", b"() ")
    many = count(pick(rng, size * 10, size * 200), len(unit))
    many = min(many, 60_000_000)
    body = b"50 0 [" + unit * many + b"]"
    objects[holder] = packed(body, Type=b"/ObjStm", N=1, First=5)
    objects.setdefault(900, b"x" * max(0, size - len(objects[holder])) if rng.random() < 0.3 else b"null")
    return with_stream_section(objects, lambda offsets, number: listed(offsets, number, extra=[(50, (2, holder, 0))]), 901)


@shape
def long_tokens(rng, size):
    token = pick(
        rng, b"/" + b"n" * size, b"(" + b"s" * size + b")", b"<" + b"41" * (size // 2) + b">", b"9" * size, b"0." + b"1" * size, b"-" * size, b"%" + b"c" * size + b"\n0", b" " * size + b"0",
        b"/" + b"#41" * (size // 3), b"(" + b"\\101" * (size // 4) + b")", b"(" + b"\\" * size + b" )", b"w" * size, b"0 " * (size // 2) + b"R", b"(" * (size // 2) + b")" * (size // 2),
    )  # fmt: skip
    document = Document()
    where = rng.randrange(5)
    if where == 0:
        document.add(token)
    elif where == 1:
        document.catalog = b"/Long " + token
    elif where == 2:
        document.trailer = b"/Long " + token
    elif where == 3:
        document.page = b"/Rotate " + token
    else:
        name = token if token[:1] == b"(" else b"(x)"
        document.fields.append(document.add(b"<</FT/Tx/T" + name + b"/V" + name + b">>"))
    return document.bytes()


# Filters.


@shape
def bombs(rng, size):
    """Streams that unpack to far more than they weigh."""
    unpacked = min(pick(rng, 10, 100, 1000) * max(size, 1000), pick(rng, 5 * 10**6, 60 * 10**6, 300 * 10**6))
    data, filters = b"0 " * (unpacked // 2), []
    for _ in range(pick(rng, 1, 1, 2, 3, 5)):
        data = zlib.compress(data, 9)
        filters.insert(0, b"/FlateDecode")
    if rng.random() < 0.2:
        filters = [pick(rng, b"/LZWDecode", b"/ASCII85Decode", b"/RunLengthDecode", b"/DCTDecode", b"/JPXDecode")] * pick(rng, 1, 50, 5000)
    if rng.random() < 0.15:
        data, filters = b"\x81\x00" * (size // 2), [b"/RunLengthDecode"]
    made = b"[" + b" ".join(filters) + b"]"
    document = Document()
    where = rng.randrange(5)
    if where == 0:
        document.objects[4] = stream(data, Filter=made)
    elif where == 1:
        for _ in range(pick(rng, 2, 20, count(size, len(data) + 80))):
            document.add(stream(data, Filter=made))
    elif where == 2:
        objects = document.whole()
        holder = max(objects) + 1
        for number in range(holder, holder + pick(rng, 1, 5, 40)):
            objects[number] = stream(data, Filter=made, Type=b"/ObjStm", N=1, First=4)
        extra = [(each + 1000, (2, each, 0)) for each in objects if each >= holder]
        return with_stream_section(objects, lambda offsets, number: listed(offsets, number, extra=extra), max(objects) + 1)
    elif where == 3:
        objects = document.whole()
        return with_stream_section(objects, lambda offsets, number: stream(data, Filter=made, Type=b"/XRef", W=b"[1 4 2]", Size=10**7, Root=b"1 0 R"))
    else:
        drawn = document.add(stream(data, Filter=made, Type=b"/XObject", Subtype=b"/Form", BBox=b"[0 0 9 9]"))
        document.annotations.append(document.add(b"<</Type/Annot/Subtype/Highlight/Rect[0 0 9 9]/AP<</N " + drawn + b">>>>"))
    return document.bytes()


@shape
def predictors(rng, size):
    document = Document()
    huge = pick(rng, 2**31 - 1, 10**9, 2**63 - 1, 10**6, 1, 0)
    parameters = b"<</Predictor %d/Columns %d/Colors %d/BitsPerComponent %d>>" % (pick(rng, 2, 10, 12, 15, 99), huge, pick(rng, 1, 4, 32, 10**9), pick(rng, 1, 8, 16, 10**9))
    data = zlib.compress(b"\2" * min(size * 50, 40 * 10**6), 9)
    if rng.random() < 0.5:
        objects = document.whole()
        entries = {"Type": b"/XRef", "W": b"[1 4 2]", "Size": max(objects) + 2, "Root": b"1 0 R"}
        return with_stream_section(objects, lambda offsets, number: stream(data, Filter=b"/FlateDecode", DecodeParms=parameters, **entries))
    document.objects[4] = stream(data, Filter=b"/FlateDecode", DecodeParms=parameters)
    return document.bytes()


# Cross-references.


@shape
def wide_sections(rng, size):
    """Counts, widths and indexes that nothing stands for."""
    document = Document()
    huge = pick(rng, 10**7, 8388608, 2**31 - 1, 2**32 - 1, 2**63 - 1, 10**19, 10**30)
    if rng.random() < 0.4:
        data = document.bytes()
        change = pick(rng, b"xref\n0 %d\n" % huge, b"xref\n%d 1\n0000000000 00000 n \n0 1\n" % huge, b"xref\n" + b"0 0\n" * count(size, 4) + b"0 1\n", b"xref\n0 1\n" + b"0000000000 65535 f \n" * count(size, 20))
        return data.replace(b"xref\n0 1\n", change, 1) if b"xref\n0 1\n" in data else data.replace(b"xref\n0 ", change[:-1] + b"\n0 ", 1)
    entries = pick(
        rng, {"W": b"[0 0 0]", "Index": b"[0 %d]" % huge}, {"W": b"[1 %d 2]" % huge}, {"W": b"[1 4 2]", "Index": b"[%d %d]" % (huge, huge)}, {"W": b"[1 4 2]", "Index": b"[0 %d]" % huge},
        {"W": b"[1 0 0]", "Index": b"[0 %d]" % huge}, {"W": b"[" + b"1 " * count(size, 2) + b"]"}, {"W": b"[1 4 2]", "Index": b"[" + b"0 1 " * count(size, 4) + b"]"},
        {"W": b"[1 4 2]", "Index": b"[" + b"0 0 " * count(size, 4) + b"]"}, {"W": b"[0 1 0]", "Index": b"[0 %d]" % min(huge, size * 900)},
    )  # fmt: skip
    data = b"\0" * min(size * 900, 50 * 10**6)
    return with_stream_section(document.whole(), lambda offsets, number: packed(data, Type=b"/XRef", Size=huge, Root=b"1 0 R", **entries))


@shape
def chain_of_sections(rng, size):
    document = Document()
    out = bytearray(document.bytes())
    section = out.rindex(b"\nxref\n") + 1
    most = document.next
    each = pick(rng, 90, 130)
    for index in range(count(size, each)):
        at = len(out)
        if each == 90:
            out += b"xref\n0 0\ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (most, section, at)
        else:
            where = at
            out += b"4 0 obj\n<</Length 0>>stream\n\nendstream\nendobj\n"
            at = len(out)
            out += b"xref\n4 1\n%010d 00000 n \ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (where, most, section, at)
        section = at
    if rng.random() < 0.3:
        # The first one goes back to the last.
        out = bytearray(bytes(out).replace(b"/Root 1 0 R>>", b"/Root 1 0 R/Prev %d>>" % section, 1))
    return bytes(out)


@shape
def sections_that_share_a_stream(rng, size):
    """Hybrid sections, each of which names one large stream."""
    document = Document()
    objects = document.whole()
    entries = b"".join(b"\1\0\0\0\x0f\0\0" for _ in range(count(size, 100)))
    objects[50] = packed(entries, Type=b"/XRef", W=b"[1 4 2]", Index=b"[1000 %d]" % (len(entries) // 7), Size=10**6, Root=b"1 0 R")
    out = bytearray(written(objects))
    section, hidden = out.rindex(b"\nxref\n") + 1, out.index(b"50 0 obj")
    for _ in range(count(size, 110)):
        at = len(out)
        out += b"xref\n0 0\ntrailer\n<</Size 51/Root 1 0 R/Prev %d/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (section, hidden, at)
        section = at
    return bytes(out)


@shape
def marks_of_the_end_again_and_again(rng, size):
    data = Document().bytes()
    unit = pick(rng, b"%%EOF\n", b"startxref\n0\n%%EOF\n", b"startxref\n", b"\n", b"1 0 obj\n", b"endobj\n", b"1 0 obj<<>>endobj\n", b"xref\n", b"trailer\n", b"stream\n", b"<<", b"% x\n")
    filling = unit * count(size, len(unit))
    return pick(rng, filling + data, data + filling, data.replace(b"xref\n0", filling + b"xref\n0", 1), signed()[0] + filling, signed()[0] + filling + data[-30:])


@shape
def many_revisions_of_one_object(rng, size):
    data, section, most = signed()
    each = pick(rng, 40, 2000)
    out = bytearray(data)
    for _ in range(count(size, each + 150)):
        where = len(out)
        out += b"4 0 obj\n" + stream(b"x" * each) + b"\nendobj\n"
        at = len(out)
        out += b"xref\n4 1\n%010d 00000 n \ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (where, most, section, at)
        section = at
    return bytes(out)


@shape
def encryption_of_odd_sizes(rng, size):
    document = Document()
    long = b"<" + b"41" * (size // 2) + b">"
    short = b"<" + b"00" * 48 + b">"
    version = pick(rng, b"/V 5/R 6/Length 256", b"/V 4/R 4/Length 128", b"/V 2/R 3/Length 4096", b"/V 1/R 2", b"/V 5/R 5")
    filters = b"/CF<</StdCF<</CFM/%s/AuthEvent/DocOpen>>>>/StmF/StdCF/StrF/StdCF" % pick(rng, b"AESV3", b"AESV2", b"V2", b"None")
    keys = b"/O%s/U%s/OE%s/UE%s/Perms%s" % tuple(pick(rng, long, short, short) for _ in range(5))
    encrypt = document.add(b"<</Filter/Standard" + version + filters + keys + b"/P -4>>")
    document.trailer = b"/Encrypt %s/ID[<00><00>]" % encrypt
    for _ in range(count(size, 40)):
        document.add(b"[<%s>]" % (b"aa" * 16))
    return document.bytes()


def seeded(name, seed, number, size):
    """The file of a shape: it follows from the numbers alone."""
    make, jobs = SHAPES[name]
    return make(random.Random(f"{seed}/{number}"), size), jobs
