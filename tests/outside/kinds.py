"""The ways in which a file can contradict itself. Each kind changes a valid `Case` in place, at places that `rng` chooses.

A kind returns nothing; one that finds no place in the case raises `NoPlace`. What it makes may be read in two ways, and a decoy makes the two look different.
"""

import re

from bases import updated
from pdfs import Entry, Obj, Revision, get, pairs, put, written

KINDS = {}


class NoPlace(Exception):
    """The case has nothing of what the kind changes."""


def kind(function):
    KINDS[function.__name__.replace("_", " ")] = function
    return function


def choose(rng, items):
    items = list(items)
    if not items:
        raise NoPlace
    return rng.choice(items)


def revision(case, rng, suits=lambda revision: True):
    return choose(rng, filter(suits, case.revisions))


def target(case, rng, suits=lambda obj: True):
    """A visible object of a revision, and a decoy of it: (revision, object, decoy)."""
    found = []
    for one in case.revisions:
        for obj in one.objects:
            if obj.role and suits(obj):
                decoy = updated(obj, rng)
                if decoy:
                    found.append((one, obj, decoy))
    return choose(rng, found)


def plain(case, rng):
    """As `target`, of what has an offset of its own."""
    found = target(case, rng, lambda obj: True)
    for _ in range(30):
        one, obj, _ = found
        if not one.packed or obj.data is not None:
            return found
        found = target(case, rng)
    one, obj, _ = found
    # It would stand in an object stream; with an edit it does not.
    obj.edit = obj.edit or (lambda data: data)
    return found


def on_entry(one, number, change):
    """Lets `change(writer, entries, entry)` at the entry of an object."""

    def hook(writer, entries):
        for entry in [entry for entry in entries if entry.number == number]:
            change(writer, entries, entry)

    one.on_entries.append(hook)


@kind
def valid(case, rng):
    """Nothing: has to be sealed."""


# Entries of cross-reference sections.


@kind
def entry_at_another_object(case, rng):
    one, obj, _ = plain(case, rng)
    other = rng.randrange(1, 23)

    def change(writer, entries, entry):
        entry.a = writer.offsets.get(other, entry.a) if other != obj.number else entry.a + 1

    on_entry(one, obj.number, change)


@kind
def entries_swapped(case, rng):
    one, obj, _ = plain(case, rng)

    def change(writer, entries, entry):
        others = [other for other in entries if other.kind == "n" and other.number != obj.number]
        if others:
            other = rng.choice(others)
            entry.a, other.a = other.a, entry.a

    on_entry(one, obj.number, change)


@kind
def entry_at_a_decoy_of_another_number(case, rng):
    """A new entry that leads to an object which says that it is another one."""
    one, obj, decoy = target(case, rng)
    one.unlisted.append(decoy)
    number = rng.choice([99, 40, 30])
    one.on_entries.append(lambda writer, entries: entries.append(Entry(number, "n", writer.unlisted[obj.number])))


@kind
def entry_at_an_object_that_calls_itself_otherwise(case, rng):
    one, obj, decoy = plain(case, rng)
    decoy.number = rng.choice([obj.number + 1, 77, obj.number + 100])
    one.unlisted.append(decoy)
    on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "a", writer.unlisted[decoy.number]))


@kind
def entry_of_another_generation(case, rng):
    one, obj, _ = plain(case, rng)
    generation = rng.choice([1, 2, 65535])
    if rng.random() < 0.5:
        on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "b", generation))
    else:
        obj.edit = lambda data: data.replace(b" 0 obj", b" %d obj" % generation, 1)


@kind
def two_generations(case, rng):
    """The object again, of generation 1, listed as that; references still say 0."""
    one, obj, decoy = target(case, rng)
    decoy.generation = 1
    one.unlisted.append(decoy)
    one.on_entries.append(lambda writer, entries: entries.append(Entry(obj.number, "n", writer.unlisted[obj.number], 1)))


@kind
def entry_with_offset_zero(case, rng):
    one, obj, decoy = plain(case, rng)
    if rng.random() < 0.6:
        one.unlisted.append(decoy)
    on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "a", 0))


@kind
def new_entry_with_offset_zero(case, rng):
    one = revision(case, rng)
    one.on_entries.append(lambda writer, entries: entries.append(Entry(rng.choice([99, 41]), "n", 0)))


@kind
def entry_beyond_the_end(case, rng):
    one, obj, decoy = plain(case, rng)
    if rng.random() < 0.5:
        one.unlisted.append(decoy)
    far = rng.choice([10**6, 10**9, 2**31 + 7, 4 * 10**9])
    on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "a", far))


@kind
def entry_off_by_a_few(case, rng):
    one, obj, _ = plain(case, rng)
    by = rng.choice([-7, -3, -2, -1, 1, 2, 3, 9])
    on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "a", max(0, entry.a + by)))


@kind
def entry_into_a_stream(case, rng):
    """The entry leads to an object within the data of another one."""
    one, obj, decoy = plain(case, rng)
    shell = Obj(rng.choice([50, 23 + rng.randrange(30)]), pairs(Nothing=b"true"), b"\n" + decoy.bytes() + b"\n")
    one.unlisted.append(shell)
    head = len(b"%d 0 obj\n" % shell.number) + len(written(put(shell.value, b"Length", b"%d" % len(shell.data)))) + len(b"\nstream\n\n")
    on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "a", writer.unlisted[shell.number] + head))


@kind
def entry_twice_in_a_section(case, rng):
    one, obj, decoy = plain(case, rng)
    one.unlisted.append(decoy)
    first = rng.random() < 0.5

    def change(writer, entries, entry):
        again = Entry(obj.number, "n", writer.unlisted[obj.number], obj.generation)
        entries.insert(entries.index(entry) + (0 if first else 1), again)

    on_entry(one, obj.number, change)


@kind
def entry_twice_alike(case, rng):
    one, obj, _ = plain(case, rng)
    on_entry(one, obj.number, lambda writer, entries, entry: entries.append(Entry(entry.number, entry.kind, entry.a, entry.b)))


@kind
def entry_missing(case, rng):
    one, obj, _ = target(case, rng)
    on_entry(one, obj.number, lambda writer, entries, entry: entries.remove(entry))


@kind
def entry_free_of_an_object_in_use(case, rng):
    one, obj, _ = plain(case, rng)

    def change(writer, entries, entry):
        entry.kind = "f"
        if rng.random() < 0.5:
            entry.a, entry.b = 0, rng.choice([0, 1, 65535])

    on_entry(one, obj.number, change)


@kind
def entry_free_and_in_use(case, rng):
    one, obj, _ = plain(case, rng)
    on_entry(one, obj.number, lambda writer, entries, entry: entries.insert(rng.randrange(len(entries)), Entry(obj.number, "f", 0, 1)))


@kind
def entry_of_an_unknown_kind(case, rng):
    one, obj, _ = plain(case, rng)
    if one.form == "stream":
        on_entry(one, obj.number, lambda writer, entries, entry: setattr(entry, "kind", "?"))
    else:
        letter = rng.choice([b"x", b"N", b"F", b" ", b"\0"])
        one.on_section.append(lambda writer, section: re.sub(rb"(\d{10} \d{5}) n", lambda m: m[1] + b" " + letter, section, count=1))


@kind
def table_numbers_off_by_one(case, rng):
    one = revision(case, rng)
    by = rng.choice([-1, 1, 1, 2])

    def hook(writer, subsections):
        chosen = subsections[0] if rng.random() < 0.6 else rng.choice(subsections)
        chosen[0] = max(0, chosen[0] + by)

    one.on_subsections.append(hook)


@kind
def table_first_number_is_one(case, rng):
    """The well-known fault of old producers, with a correct update behind it or none."""
    case.revisions[0].on_subsections.append(lambda writer, subsections: subsections[0].__setitem__(0, subsections[0][0] + 1))


@kind
def subsection_count_wrong(case, rng):
    one = revision(case, rng)
    by = rng.choice([-2, -1, 1, 2, 1000, 10**7])

    def hook(writer, subsections):
        chosen = rng.choice(subsections)
        chosen[1] = max(0, chosen[1] + by)

    one.on_subsections.append(hook)


@kind
def subsections_overlap(case, rng):
    one, obj, decoy = plain(case, rng)
    one.unlisted.append(decoy)

    def hook(writer, subsections):
        at = rng.randrange(len(subsections) + 1)
        subsections.insert(at, [obj.number, 1, [Entry(obj.number, "n", writer.unlisted[obj.number])]])

    one.on_subsections.append(hook)


@kind
def entries_of_19_or_21_bytes(case, rng):
    revision(case, rng, lambda one: one.form != "stream").entry_width = rng.choice([19, 21])


@kind
def entries_of_odd_writing(case, rng):
    one = revision(case, rng, lambda one: one.form != "stream")
    change = rng.choice([
        lambda m: m[1] + b"  " + m[2][1:] + b" n",
        lambda m: m[1] + b"\t" + m[2] + b" n",
        lambda m: b"%10d" % int(m[1]) + b" " + m[2] + b" n",
        lambda m: b"+" + m[1][1:] + b" " + m[2] + b" n",
        lambda m: m[1] + b" " + m[2] + b"\tn",
        lambda m: b"0x" + m[1][2:] + b" " + m[2] + b" n",
    ])  # fmt: skip
    every = rng.random() < 0.4
    one.on_section.append(lambda writer, section: re.sub(rb"(\d{10}) (\d{5}) n", change, section, count=0 if every else 1))


# Objects that no entry lists.


@kind
def unlisted_object_before_the_section(case, rng):
    one, _, decoy = target(case, rng)
    one.unlisted.append(decoy)


@kind
def unlisted_object_behind_the_section(case, rng):
    one, _, decoy = target(case, rng)
    one.behind.append(decoy)


@kind
def unlisted_object_behind_the_end(case, rng):
    one, _, decoy = target(case, rng)
    more = b"startxref\n0\n%%EOF\n" if rng.random() < 0.5 else b""
    one.on_end.append(lambda writer, end: end + decoy.bytes() + more)


@kind
def unlisted_object_and_a_section_off(case, rng):
    """Who rebuilds the table finds the decoy."""
    one, _, decoy = target(case, rng)
    one.unlisted.append(decoy)
    off = rng.choice([-3, -1, 1, 2, 11])
    case.revisions[-1].on_end.append(lambda writer, end: end.replace(b"%d" % writer.sections[-1], b"%d" % (writer.sections[-1] + off), 1))


@kind
def object_within_an_object(case, rng):
    one, obj, decoy = plain(case, rng)
    inner = decoy.bytes()
    obj.edit = lambda data: data.replace(b"endobj", inner + b"endobj", 1) if rng.random() < 0.5 else data[: data.rindex(b"endobj")] + inner


# Object streams.


def pack_hook(case, rng, change):
    """`change(writer, pack, place)` at one visible member of an object stream."""
    found = []
    for one in case.revisions:
        if one.packed:
            found += [(one, obj) for obj in one.objects if obj.role and obj.data is None and obj.generation == 0]
    one, obj = choose(rng, found)

    def hook(writer, pack):
        places = [place for place, (number, _) in enumerate(pack.index) if number == obj.number]
        if places:
            change(writer, pack, places[0])

    one.on_pack.append(hook)
    return one, obj


@kind
def member_of_another_number(case, rng):
    number = rng.choice([1, 2, 3, 55, 10**6])
    pack_hook(case, rng, lambda writer, pack, place: pack.index.__setitem__(place, (number, pack.index[place][1])))


@kind
def members_exchange_their_numbers(case, rng):
    def change(writer, pack, place):
        other = rng.randrange(len(pack.index))
        (a, at), (b, bt) = pack.index[place], pack.index[other]
        pack.index[place], pack.index[other] = (b, at), (a, bt)

    pack_hook(case, rng, change)


@kind
def member_twice(case, rng):
    one, _, decoy = target(case, rng, lambda obj: obj.data is None)
    if not one.packed:
        raise NoPlace
    first = rng.random() < 0.5

    def hook(writer, pack):
        entry = (decoy.number, len(pack.bodies))
        pack.index.insert(0 if first else len(pack.index), entry)
        pack.bodies += decoy.body() + b"\n"

    one.on_pack.append(hook)


@kind
def members_out_of_order(case, rng):
    """The same members, the offsets not rising."""

    def change(writer, pack, place):
        slices = [at for _, at in pack.index] + [len(pack.bodies)]
        bodies = [pack.bodies[slices[i] : slices[i + 1]] for i in range(len(pack.index))]
        order = rng.sample(range(len(bodies)), len(bodies))
        at, offsets, out = 0, {}, b""
        for i in order:
            offsets[i] = at
            out += bodies[i]
            at += len(bodies[i])
        pack.index = [(number, offsets[i]) for i, (number, _) in enumerate(pack.index)]
        pack.bodies = out

    pack_hook(case, rng, change)


@kind
def member_offset_wrong(case, rng):
    by = rng.choice([-5, -1, 1, 3, 10**5])

    def change(writer, pack, place):
        number, at = pack.index[place]
        pack.index[place] = (number, max(0, at + by))

    pack_hook(case, rng, change)


@kind
def member_count_wrong(case, rng):
    by = rng.choice([-3, -1, 1, 5, 10**6])
    pack_hook(case, rng, lambda writer, pack, place: setattr(pack, "count", max(0, len(pack.index) + by)))


@kind
def first_member_wrong(case, rng):
    by = rng.choice([-4, -1, 1, 2, 30, 10**5])

    def change(writer, pack, place):
        head = len(b" ".join(b"%d %d" % pair for pair in pack.index)) + 1
        pack.first = max(0, head + by)

    pack_hook(case, rng, change)


@kind
def member_that_no_entry_lists(case, rng):
    one, _, decoy = target(case, rng, lambda obj: obj.data is None)
    if not one.packed:
        raise NoPlace
    one.unlisted_members.append(decoy)


@kind
def object_in_a_stream_and_plain(case, rng):
    one, obj, decoy = target(case, rng, lambda obj: obj.data is None)
    if not one.packed:
        raise NoPlace
    one.unlisted.append(decoy)
    if rng.random() < 0.5:
        hook = lambda writer, entries: entries.append(Entry(obj.number, "n", writer.unlisted[obj.number]))
        one.on_entries.append(hook)


@kind
def entry_with_the_index_of_another_member(case, rng):
    """Entries of kind 2 name a stream and an index in it (ISO 32000-2 table 18); the index is another one's."""
    one = revision(case, rng, lambda one: one.packed)

    def hook(writer, entries):
        members = [entry for entry in entries if entry.kind == "c"]
        if members:
            rng.choice(members).b += rng.choice([1, 2, 500])

    (one.on_hidden if one.form == "hybrid" else one.on_entries).append(hook)


@kind
def entry_in_a_stream_that_is_none(case, rng):
    one = revision(case, rng, lambda one: one.packed)

    def hook(writer, entries):
        members = [entry for entry in entries if entry.kind == "c"]
        if members:
            rng.choice(members).a = rng.choice([5, 1, 0, 999, members[0].number])

    (one.on_hidden if one.form == "hybrid" else one.on_entries).append(hook)


@kind
def object_stream_extends_itself(case, rng):
    pack_hook(case, rng, lambda writer, pack, place: pack.extra.append((b"Extends", b"%d 0 R" % rng.choice([pack.number, 5, 900]))))


# Objects that cannot be read, or in two ways.

ODD = (
    b"--5", b"1.2.3", b"+-1", b"99999999999999999999999", b"-9223372036854775809", b"1e5", b"..", b"]", b">", b")", b"<41", b"<4x>", b"(a", b"(\\", b"/#GG", b"/#00", b"/a#",
    b"nul", b"True", b"0x10", b"4 0 R R", b"-1 0 R", b"5 -1 R", b"99999999999 0 R", b"{", b"<<", b"[", b"5 0", b"R", b"obj", b"endobj", b"stream", b"1..2", b"0-5", b"\xff\xfe",
)  # fmt: skip


@kind
def odd_token_in_a_dictionary(case, rng):
    _, obj, _ = target(case, rng, lambda obj: not isinstance(obj.value, bytes))
    place = rng.randrange(len(obj.value) + 1)
    obj.value = [*obj.value[:place], (b"Odd", rng.choice(ODD)), *obj.value[place:]]


@kind
def odd_token_in_an_array(case, rng):
    places = []
    for one in case.revisions:
        for obj in one.objects:
            if isinstance(obj.value, bytes) and obj.value.startswith(b"["):
                places.append((obj, None))
            elif not isinstance(obj.value, bytes):
                places += [(obj, key) for key, value in obj.value if value.startswith(b"[") and obj.role]
    obj, key = choose(rng, places)
    array = obj.value if key is None else get(obj.value, key)
    parts = array[1:-1].split(b" ")
    # Between the parts of a reference, too.
    parts.insert(rng.randrange(len(parts) + 1), rng.choice(ODD))
    array = b"[" + b" ".join(parts) + b"]"
    obj.value = array if key is None else put(obj.value, key, array)


@kind
def odd_token_in_place_of_a_value(case, rng):
    _, obj, _ = target(case, rng, lambda obj: not isinstance(obj.value, bytes) and len(obj.value) > 0)
    key = rng.choice(obj.value)[0]
    obj.value = put(obj.value, key, rng.choice(ODD))


@kind
def key_twice(case, rng):
    _, obj, decoy = target(case, rng, lambda obj: not isinstance(obj.value, bytes))
    other = [pair for pair in decoy.value if pair not in obj.value]
    key, value = rng.choice(other) if other else rng.choice(obj.value or [(b"Length", b"3")])
    if not other and key not in (b"Length",):
        value = rng.choice([b"null", b"[]", b"0"])
    if rng.random() < 0.3:
        # A name may be written in two ways.
        key = b"#%02x" % key[0] + key[1:]
    place = rng.choice([0, len(obj.value)])
    obj.value = [*obj.value[:place], (key, value), *obj.value[place:]]


@kind
def key_twice_in_the_form_or_catalog(case, rng):
    found = [obj for one in case.revisions for obj in one.objects if obj.role in ("form", "catalog")]
    obj = choose(rng, found)
    key = rng.choice(obj.value)[0]
    value = rng.choice([b"null", b"[]", b"[11 0 R]", b"4 0 R", b"<<>>"])
    obj.value = [(key, value), *obj.value] if rng.random() < 0.5 else [*obj.value, (key, value)]


@kind
def key_twice_in_the_trailer(case, rng):
    one = revision(case, rng)

    def hook(writer, trailer):
        key, value = rng.choice([(b"Root", b"9 0 R"), (b"Root", b"4 0 R"), (b"Size", b"3"), (b"Prev", b"15"), (b"Root", b"null"), (b"Prev", b"0")])
        if key == b"Prev" and len(writer.sections) > 1:
            value = b"%d" % writer.sections[0]
        trailer.insert(rng.choice([0, len(trailer)]), (key, value))

    one.on_trailer.append(hook)


@kind
def object_head_odd(case, rng):
    _, obj, _ = plain(case, rng)
    head = b"%d %d obj" % (obj.number, obj.generation)
    odd = rng.choice([
        b"%d  %d  obj", b"%d\n%d\nobj", b"%d %dobj", b"%d %% 7 0 obj\n%d obj", b"0%d %d obj", b"+%d %d obj", b"%d %d OBJ", b"%d.0 %d obj", b"  %d %d obj", b"\n%d %d obj",
        b"7 %d %d obj", b"%d %d obj null endobj %%", b"%d %d objx",
    ]) % (obj.number, obj.generation)  # fmt: skip
    obj.edit = lambda data: data.replace(head, odd, 1)


@kind
def object_end_odd(case, rng):
    _, obj, _ = plain(case, rng)
    odd = rng.choice([b"", b"endob", b"endobj endobj", b"7 endobj", b">> endobj", b"ENDOBJ", b"end obj", b"% endobj"])
    obj.edit = lambda data: odd.join(data.rsplit(b"endobj", 1))


@kind
def comments_and_odd_white_space(case, rng):
    """Harmless (ISO 32000-2 7.2.3)."""
    _, obj, _ = plain(case, rng)
    space = rng.choice([b" % comment >> endobj\n", b"\0", b"\f\t", b"\r", b"\r\n\n ", b"%\r"])
    obj.edit = lambda data: data.replace(b"/", space + b"/", rng.choice([1, 3])) if obj.data is None else data.replace(b"obj\n", b"obj" + space + b"\n", 1)


# Streams.


def stream(case, rng):
    """A content stream or appearance."""
    _, obj, decoy = target(case, rng, lambda obj: obj.data is not None)
    return obj, decoy


@kind
def length_wrong(case, rng):
    obj, _ = stream(case, rng)
    true = len(obj.data)
    obj.length = rng.choice([
        b"%d" % (true + rng.choice([1, 2, 5, 40])), b"%d" % max(0, true - rng.choice([1, 5, 20])), b"0", b"-1", b"999999999", b"%d.0" % true, b"null", b"(5)", b"[%d]" % true,
        b"99999999999999999999", b"1e3",
    ])  # fmt: skip


@kind
def length_missing(case, rng):
    stream(case, rng)[0].length = b""


@kind
def length_indirect(case, rng):
    obj, _ = stream(case, rng)
    number = rng.choice([obj.number, 900, 5, 6, 22, 1])
    obj.length = b"%d 0 R" % number


@kind
def length_short_of_a_decoy(case, rng):
    """Two contents: one up to the length, one up to the keyword."""
    obj, decoy = stream(case, rng)
    short, long = (decoy.data, obj.data) if rng.random() < 0.5 else (obj.data, decoy.data)
    obj.data = short + b"\n" + rng.choice([b"", b"endstream\n", b"1 1 1 rg 0 0 900 900 re f 0 g\n"]) + long
    obj.length = b"%d" % rng.choice([len(short), len(obj.data)])


@kind
def endstream_within_the_content(case, rng):
    obj, _ = stream(case, rng)
    place = obj.data.find(b"Tj")
    word = rng.choice([b"\nendstream\n", b"\nendstream\nendobj\n", b" endstream", b"\nendobj\n"])
    obj.data = obj.data[: place + 2] + word + obj.data[place + 2 :]
    if rng.random() < 0.5:
        obj.length = rng.choice([b"%d" % (len(obj.data) + 7), b"", b"0"])


@kind
def stream_keyword_odd(case, rng):
    obj, _ = stream(case, rng)
    odd = rng.choice([b">>\nstream\r", b">>\nstream ", b">>\nstream \n", b">>stream\n", b">>\nstream\n\n", b">>\nstream", b">>\n\nstream\r\n", b">> % x\nstream\n", b">>\nstreams\n"])
    obj.edit = lambda data: data.replace(b">>\nstream\n", odd, 1)


@kind
def endstream_odd(case, rng):
    obj, _ = stream(case, rng)
    odd = rng.choice([b"endstream", b"\n\nendstream", b"\r\nendstream", b"\nendstrea", b"\n", b"\nendstream endstream", b"\nENDSTREAM", b"\n% endstream\nendstream"])
    obj.edit = lambda data: odd.join(data.rsplit(b"\nendstream", 1))


@kind
def filter_odd(case, rng):
    import zlib

    obj, _ = stream(case, rng)
    packed = zlib.compress(obj.data)
    value, data = rng.choice([
        ([(b"Filter", b"/FlateDecode")], packed[:-6]),
        ([(b"Filter", b"/FlateDecode")], packed[: len(packed) // 2]),
        ([(b"Filter", b"/FlateDecode")], packed + b"rest"),
        ([(b"Filter", b"/Fl")], packed),
        ([(b"Filter", b"[/FlateDecode /FlateDecode]")], packed),
        ([(b"Filter", b"/FlateDecode"), (b"Filter", b"null")], packed),
        ([(b"Filter", b"/FlateDecode"), (b"DecodeParms", b"<</Predictor 12/Columns 99999>>")], packed),
        ([(b"Filter", b"/FlateDecode"), (b"F", b"(other.txt)")], packed),
        ([(b"Filter", b"/ASCIIHexDecode")], obj.data.hex().encode() + b"5"),
        ([(b"Filter", b"/Unheard")], obj.data),
    ])  # fmt: skip
    obj.value, obj.data = [*obj.value, *value], data
