"""Later changes of where objects are found: nothing is written anew, or under a number that is told of nowhere else."""

import re

import bases
from kinds import NoPlace, choose
from later import LATER, later
from pdfs import Entry, Obj, Revision, pairs, put


def versions(data, number):
    """Where an object stands in the file, oldest first."""
    return [match.start() for match in re.finditer(rb"(?<!\d)%d 0 obj\b" % number, data)]


def with_entries(doc, entries, prev=None):
    """A section of entries and nothing else."""
    # One object as it is: a section without entries calls no hooks.
    kept = [obj for obj in doc.signed.objects.values() if obj.data is None and obj.role in ("page", "annotations", "contents", "rotation")]
    revision = Revision(kept[:1], doc.signed.form)
    listed = {obj.number for obj in kept[:1]}
    revision.on_entries.append(lambda writer, own: own.extend(entry for entry in entries if entry.number not in listed))
    if prev is not None:
        revision.on_trailer.append(lambda writer, trailer: trailer.__setitem__(slice(None), put(trailer, b"Prev", b"%d" % prev)))
    doc.at_last.append(lambda case: case.revisions.__setitem__(slice(None), [revision]))


@later
def entries_lead_back_to_an_older_revision(doc):
    """What was replaced before the signature is brought back, without a byte of its own."""
    older = [(number, places[0]) for number, obj in doc.objects.items() if obj.role and len(places := versions(doc.signed.data, number)) > 1]
    number, place = choose(doc.rng, older)
    with_entries(doc, [Entry(number, "n", place)])


@later
def older_section_continued(doc):
    """The section before the signature's goes on: who follows it sees neither the signature's revision nor what it replaced, but for what is listed again."""
    sections = [int(match[1]) for match in re.finditer(rb"startxref\s+(\d+)\s+%%EOF", doc.signed.data)]
    if len(sections) < 2:
        raise NoPlace
    prev = doc.rng.choice(sections[:-1])
    behind = [(number, versions(doc.signed.data, number)[-1]) for number, obj in doc.objects.items() if obj.role in ("signature", "form", "field", "catalog", "appearance") and versions(doc.signed.data, number)]
    with_entries(doc, [Entry(number, "n", place) for number, place in behind], prev)


@later
def entries_exchanged(doc):
    """Two objects of one kind under each other's number: their bytes say their own numbers."""
    first = doc.pick("content", "appearance", "font", "annotation", "field", "xobject", "layer")
    second = doc.pick(first.role)
    places = [versions(doc.signed.data, obj.number) for obj in (first, second)]
    if first.number == second.number or not all(places):
        raise NoPlace
    with_entries(doc, [Entry(first.number, "n", places[1][-1]), Entry(second.number, "n", places[0][-1])])


@later
def object_stream_replaced(doc):
    """The stream in which older entries find their objects is written anew; no entry of an object changes."""
    if doc.signed.encrypted or not doc.signed.packs:
        raise NoPlace
    holder, (data, first) = choose(doc.rng, sorted(doc.signed.packs.items()))
    numbers = [int(part) for part in data[:first].split()]
    index = list(zip(numbers[::2], numbers[1::2]))
    ends = [at for _, at in index[1:]] + [len(data) - first]
    bodies = {number: data[first + at : first + end] for (number, at), end in zip(index, ends)}
    changed = 0
    for number in doc.rng.sample(sorted(bodies), len(bodies)):
        obj = doc.objects.get(number)
        other = bases.updated(obj, doc.rng) if obj is not None and obj.role else None
        if other is not None and other.body() != obj.body():
            bodies[number] = other.body() + b"\n"
            changed += 1
        if changed == 2:
            break
    if not changed:
        raise NoPlace
    if doc.rng.random() < 0.2:
        # The same bodies in another order: the index of an entry finds another object.
        index = index[::-1]
    head, at = [], 0
    for number, _ in index:
        head.append(b"%d %d" % (number, at))
        at += len(bodies[number])
    head = b" ".join(head) + b"\n"
    value = pairs(Type=b"/ObjStm", N=len(index), First=len(head))
    doc.write(Obj(holder, value, head + b"".join(bodies[number] for number, _ in index)))


@later
def object_freed_and_written_again(doc):
    """In one revision free, in the next one in use, as it was: with the same generation."""
    obj = doc.pick("content", "font", "annotation", "field", "appearance", "xobject", "contents", "layer")
    doc.free(obj)
    doc.at_last.append(lambda case: case.revisions.append(Revision([obj], doc.signed.form)))


@later
def identifier_changed(doc):
    """Keys of encrypted files are made from it."""
    doc.trailer[b"ID"] = b"[<%032x><%032x>]" % (doc.rng.getrandbits(128), doc.rng.getrandbits(128))
    LATER["nothing changed"](doc)


@later
def layer_for_what_had_none(doc):
    """A property that makes viewers hide what they showed: a layer for a form, an image or a mark."""
    obj = doc.pick("xobject", "image", "appearance", "annotation", "field")
    doc.set(obj, b"OC", b"%d 0 R" % doc.pick("layer").number)
