"""What can be done to a signed file behind what was signed: each kind writes further revisions, which readers agree on.

A kind is a function of a `Later`, which knows the objects as they were signed, and changes them. Whether the change is seen, the viewers tell.
"""

import dataclasses
import zlib

import bases
from kinds import NoPlace, choose
from pdfs import Obj, Revision, pairs, put
from signed import FALSE_WORDS, content, entry, replaced

LATER = {}


def later(function):
    LATER[function.__name__.replace("_", " ")] = function
    return function


class Later:
    """Revisions in the making."""

    def __init__(self, signed, rng):
        self.signed, self.rng = signed, rng
        self.objects = dict(signed.objects)
        self.written, self.freed, self.trailer = {}, [], {}
        self.next = signed.size
        #: Has the last word on the case.
        self.at_last = []

    def pick(self, *roles, suits=lambda obj: True):
        return choose(self.rng, [obj for obj in self.objects.values() if obj.role in roles and suits(obj)])

    def all(self, *roles):
        return [obj for obj in self.objects.values() if obj.role in roles]

    def write(self, obj):
        if self.signed.encrypted and (obj.data is not None or b"(" in obj.body() or b"<" in obj.body().replace(b"<<", b"")):
            # It would have to be encrypted.
            raise NoPlace
        self.written[obj.number] = self.objects[obj.number] = obj

    def set(self, obj, key, value):
        """Sets an entry, sometimes through a reference to a new object."""
        obj = self.objects.get(obj.number, obj)
        if not isinstance(obj.value, list):
            raise NoPlace
        if value is not None and self.rng.random() < 0.15:
            value = self.new(value)
        self.write(replaced(obj, key, value))

    def new(self, value, data=None, role=""):
        """A reference to a new object."""
        number = self.next
        self.next += 1
        self.write(Obj(number, value, data, role=role))
        return b"%d 0 R" % number

    def free(self, obj):
        self.written.pop(obj.number, None)
        self.freed.append(obj.number)

    def append(self, obj, key, item):
        """An item more in an array, wherever it stands."""
        value = entry(self.objects[obj.number], key)
        found = self.referred(value)
        if found is not None and isinstance(found.value, bytes):
            self.write(dataclasses.replace(found, value=found.value.rstrip()[:-1] + b" " + item + b"]"))
        else:
            self.write(replaced(self.objects[obj.number], key, (value or b"[]").rstrip()[:-1] + b" " + item + b"]"))

    def referred(self, value):
        parts = (value or b"").split()
        return self.objects.get(int(parts[0])) if len(parts) == 3 and parts[2] == b"R" and parts[0].isdigit() else None

    def case(self):
        """The file: the change in one revision or in several, harmless ones around it or not."""
        rng, case = self.rng, self.signed.case()
        objects = list(self.written.values())
        if not objects and not self.freed and not self.trailer and not self.at_last:
            raise NoPlace
        form = self.signed.form
        if form == "table" and rng.random() < 0.15:
            form = "hybrid"
        packed = form != "table" and not self.signed.encrypted and rng.random() < 0.6
        parts = [objects]
        if len(objects) > 1 and rng.random() < 0.3:
            at = rng.randrange(1, len(objects))
            parts = [objects[:at], objects[at:]]
        case.revisions = [Revision(part, form, packed, compress=rng.random() < 0.6) for part in parts]
        case.revisions[-1].free = list(self.freed)
        for key, value in self.trailer.items():
            hook = lambda writer, trailer, key=key, value=value: trailer.__setitem__(slice(None), put(trailer, key, value))
            case.revisions[-1].on_trailer.append(hook)
            if key == b"Root":
                case.root = value
        if rng.random() < 0.2:
            case.revisions.insert(rng.randrange(len(case.revisions) + 1), harmless(self, form))
        for hook in self.at_last:
            hook(case)
        return case


def harmless(doc, form):
    """A revision that changes nothing: some objects as they are."""
    kept = [obj for obj in doc.signed.objects.values() if obj.number not in doc.written and obj.number not in doc.freed and obj.data is None and obj.role not in ("signature", "")]
    if doc.signed.encrypted:
        kept = [obj for obj in kept if b"(" not in obj.body() and b"<" not in obj.body().replace(b"<<", b"")]
    if not kept:
        raise NoPlace
    return Revision([dataclasses.replace(obj) for obj in doc.rng.sample(kept, min(len(kept), 3))], "table" if form == "hybrid" else form)


FALSE_CONTENT = b"q 1 1 1 rg 10 170 240 60 re f 0 g " + content(FALSE_WORDS, 20, 200, size=15) + b"Q"


# Nothing, or what is allowed: to see that not everything is called a change.


@later
def nothing_changed(doc):
    for obj in doc.rng.sample(doc.all("page", "content", "font", "annotation", "field", "appearance"), 4):
        doc.write(dataclasses.replace(obj))


@later
def information_and_metadata(doc):
    doc.write(Obj(9, pairs(Title=b"(Another title)")) if 9 in doc.objects and not doc.objects[9].role else doc.pick("metadata"))


@later
def field_filled_in(doc):
    field = doc.pick("field", suits=lambda obj: entry(obj, b"FT") == b"/Tx")
    doc.set(field, b"V", b"(filled)")
    doc.write(replaced(doc.objects[field.number], b"AP", b"<</N %s>>" % appearance(doc, b"0.9 1 0.9 rg 0 0 130 20 re f 0 g " + content("filled", 3, 5), 130, 20)))


# What pages draw.


@later
def content_replaced(doc):
    obj = doc.pick("content")
    doc.write(dataclasses.replace(obj, data=bases.text([FALSE_WORDS, "instead"]), length=None, value=[]))


@later
def content_hidden_behind_a_filter(doc):
    obj = doc.pick("content")
    data, filters = doc.rng.choice([(zlib.compress(FALSE_CONTENT), b"/FlateDecode"), (FALSE_CONTENT.hex().encode() + b">", b"[/ASCIIHexDecode]")])
    doc.write(dataclasses.replace(obj, data=data, length=None, value=[(b"Filter", filters)]))


@later
def content_added_to_the_page(doc):
    page = doc.pick("page")
    number = doc.new([], FALSE_CONTENT)
    if doc.referred(entry(page, b"Contents")) is not None and doc.referred(entry(page, b"Contents")).data is not None:
        doc.write(replaced(page, b"Contents", b"[" + entry(page, b"Contents") + b" " + number + b"]"))
    else:
        doc.append(page, b"Contents", number)


@later
def content_of_the_page_exchanged(doc):
    page = doc.pick("page")
    other = choose(doc.rng, doc.all("content", "unused", "") + doc.all("other state"))
    doc.set(page, b"Contents", doc.rng.choice([b"%d 0 R" % other.number, b"[%d 0 R]" % other.number, b"[]", None, doc.new([], FALSE_CONTENT)]))


@later
def list_of_contents_changed(doc):
    obj = doc.pick("contents")
    items = obj.value.strip(b"[] ").split(b" R")
    items = [item.strip() + b" R" for item in items if item.strip()]
    doc.rng.shuffle(items)
    value = b"[" + b" ".join(items[: doc.rng.randrange(len(items) + 1)] + [doc.new([], FALSE_CONTENT)]) + b"]"
    doc.write(dataclasses.replace(obj, value=value))


@later
def length_of_the_content_changed(doc):
    """A length that is an object of its own: the content ends before its end, or its data goes on."""
    obj = doc.pick("length")
    doc.write(dataclasses.replace(obj, value=b"%d" % doc.rng.choice([0, 5, 12, 20, int(obj.value) - 1, int(obj.value) + 400])))


@later
def missing_content_supplied(doc):
    """The signed page names a content that is not there (`missing`)."""
    lists = [obj for obj in doc.all("contents") if obj.value.count(b"R") > 2]
    named = [int(part) for obj in lists for part in obj.value.strip(b"[]").replace(b" 0 R", b"").split()]
    number = choose(doc.rng, [number for number in named if number not in doc.objects])
    doc.write(Obj(number, [], FALSE_CONTENT, role="content"))


@later
def what_pages_draw_with_changed(doc):
    obj = doc.pick("image", "xobject", "pattern", "glyph")
    if obj.role == "image":
        data = bytes([200, 30, 60, 160])
        if entry(obj, b"Filter"):
            raise NoPlace
    else:
        data = {"xobject": content(FALSE_WORDS, 1, 5), "pattern": b"0 0 1 rg 0 0 6 6 re f", "glyph": b"10 0 d0 1 1 2 3 re f"}[obj.role]
        obj = replaced(obj, b"Filter", None)
    doc.write(dataclasses.replace(obj, data=data, length=None))


@later
def entry_of_a_resource_changed(doc):
    obj = doc.pick("image", "xobject", "pattern", "state", "font")
    changes = {
        "image": [(b"Decode", b"[1 0]"), (b"Width", b"1"), (b"ColorSpace", b"[/Indexed/DeviceRGB 1<ff000000ff00>]"), (b"ImageMask", b"true"), (b"OC", b"<</Type/OCMD/P/AllOff>>"), (b"Interpolate", b"true")],
        "xobject": [(b"BBox", b"[0 0 20 9]"), (b"Matrix", b"[2 0 0 1 0 0]"), (b"Resources", b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Courier-Bold>>>>>>"), (b"Subtype", b"/Image"), (b"Filter", b"/ASCIIHexDecode")],
        "pattern": [(b"Matrix", b"[3 0 0 3 0 0]"), (b"XStep", b"3"), (b"BBox", b"[0 0 1 1]")],
        "state": [(b"ca", b"0"), (b"BM", b"/Difference"), (b"SMask", b"<</S/Luminosity/G 32 0 R>>")],
        "font": [
            (b"BaseFont", b"/Courier-Bold"), (b"Encoding", b"<</Differences[49/nine/zero/two]>>"), (b"FontMatrix", b"[0.05 0 0 0.1 0 0]"), (b"Subtype", b"/Type0"),
            (b"Widths", b"[5 20]"), (b"Widths", b"[" + b"900 " * 256 + b"]"), (b"CharProcs", b"<</a 48 0 R/b 42 0 R>>"),
        ],
    }  # fmt: skip
    key, value = doc.rng.choice(changes[obj.role])
    if key == b"Widths" and len(value) > 99:
        doc.write(replaced(obj, b"FirstChar", b"0"))
        doc.set(obj, b"LastChar", b"255")
    doc.set(obj, key, value)


@later
def resources_of_the_page_exchanged(doc):
    font = b"<</Font<</F1 %s/F3 %s>>>>" % ((doc.new(pairs(Type=b"/Font", Subtype=b"/Type1", BaseFont=b"/Courier-Bold")),) * 2)
    node = doc.pick("page", "pages", "resources")
    if node.role == "resources":
        doc.write(dataclasses.replace(node, value=pairs(Font=font[8:-2])))
    else:
        doc.set(node, b"Resources", font)


@later
def page_shown_otherwise(doc):
    page = doc.pick("page")
    key, value = doc.rng.choice([
        (b"MediaBox", b"[0 0 150 240]"), (b"CropBox", b"[0 0 200 150]"), (b"Rotate", b"180"), (b"UserUnit", b"2"), (b"MediaBox", b"[0 100 300 340]"), (b"Rotate", b"-90"),
        (b"Annots", b"[]"), (b"Annots", None), (b"Group", b"<</S/Transparency/CS/DeviceGray/K true>>"), (b"Type", b"/Template"),
    ])  # fmt: skip
    doc.set(page, key, value)


@later
def value_of_its_own_changed(doc):
    obj = doc.pick("rotation")
    doc.write(dataclasses.replace(obj, value=doc.rng.choice([b"90", b"180", b"270"])))


@later
def inherited_of_pages_changed(doc):
    key, value = doc.rng.choice([(b"Rotate", b"90"), (b"CropBox", b"[0 0 120 200]"), (b"Resources", b"<<>>"), (b"MediaBox", b"[0 0 100 100]")])
    doc.set(doc.pick("pages"), key, value)


@later
def pages_moved_removed_or_added(doc):
    pages = doc.all("page")
    tree = doc.pick("pages")
    kids = [b"%d 0 R" % page.number for page in pages]
    added = doc.new(pairs(Type=b"/Page", Parent=b"%d 0 R" % tree.number, MediaBox=b"[0 0 300 240]", Contents=doc.new([], FALSE_CONTENT), Resources=b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"))
    kids = doc.rng.choice([kids[::-1], kids[:1], kids[1:], [*kids, added], [added, *kids[1:]], [*kids, kids[0]]])
    doc.write(replaced(replaced(tree, b"Kids", b"[" + b" ".join(kids) + b"]"), b"Count", b"%d" % len(kids)))


@later
def page_tree_exchanged(doc):
    catalog = doc.pick("catalog")
    page = doc.pick("page")
    new = doc.new([pair for pair in page.value if pair[0] not in (b"Contents", b"Parent")] + pairs(Contents=doc.new([], FALSE_CONTENT)))
    tree = doc.new(pairs(Type=b"/Pages", Kids=b"[" + new + b"]", Count=1))
    doc.set(doc.objects[catalog.number], b"Pages", tree)


@later
def catalog_exchanged(doc):
    catalog = doc.pick("catalog")
    page = doc.pick("page")
    new = doc.new([pair for pair in page.value if pair[0] not in (b"Contents", b"Parent")] + pairs(Contents=doc.new([], FALSE_CONTENT)))
    tree = doc.new(pairs(Type=b"/Pages", Kids=b"[" + new + b"]", Count=1))
    doc.trailer[b"Root"] = doc.new(replaced(catalog, b"Pages", tree).value)


@later
def object_removed(doc):
    obj = doc.pick("content", "font", "xobject", "image", "annotation", "appearance", "glyph", "contents", "annotations", "resources", "layer", "state")
    if doc.rng.random() < 0.5:
        doc.free(obj)
    else:
        doc.write(Obj(obj.number, b"null"))


@later
def object_of_another_generation(doc):
    """The page names generation 1 of a content that was free for a while."""
    page, obj = doc.pick("page"), doc.pick("content")
    doc.write(Obj(obj.number, [], FALSE_CONTENT, 1, obj.role))
    doc.set(page, b"Contents", b"%d 1 R" % obj.number)


@later
def object_becomes_another_kind(doc):
    obj = doc.pick("content", "appearance", "font", "annotations", "contents", "xobject", "annotation")
    doc.write(Obj(obj.number, doc.rng.choice([b"[]", b"<<>>", b"null", b"17", b"(text)", b"/Name", b"%d 0 R" % doc.pick("content").number]), role=obj.role))


# Layers.


@later
def layers_switched(doc):
    layers = doc.all("layer")
    if len(layers) < 2:
        raise NoPlace
    names = b" ".join(b"%d 0 R" % layer.number for layer in layers)
    value = doc.rng.choice([
        b"<</ON[%s]/OFF[]>>" % names, b"<</OFF[%s]>>" % names, b"<</BaseState/OFF>>",
        b"<</BaseState/ON/AS[<</Event/View/Category[/View]/OCGs[%s]>>]>>" % names,
    ])  # fmt: skip
    doc.set(doc.pick("layers"), b"D", value)


@later
def layer_exchanged(doc):
    shown = [obj for obj in doc.all("layer")]
    resources = doc.pick("resources", suits=lambda obj: entry(obj, b"Properties"))
    first = doc.rng.choice(shown).number
    doc.set(resources, b"Properties", b"<</OC1 %d 0 R/OC2 %d 0 R>>" % (doc.rng.choice(shown).number, first))


@later
def layer_changed(doc):
    layer = doc.pick("layer")
    doc.write(dataclasses.replace(layer, value=doc.rng.choice([
        pairs(Type=b"/OCMD", OCGs=b"%d 0 R" % doc.pick("layer").number, P=b"/AllOff"), pairs(Type=b"/OCMD"), [],
        pairs(Type=b"/OCG", Name=b"(x)", Usage=b"<</View<</ViewState/OFF>>/Print<</PrintState/OFF>>>>"),
    ])))  # fmt: skip


@later
def layers_removed(doc):
    doc.set(doc.pick("catalog"), b"OCProperties", doc.rng.choice([None, b"<<>>", b"null"]))


# Any entry of any object.

VALUES = (
    b"null", b"true", b"false", b"0", b"1", b"2", b"90", b"-1", b"0.5", b"[]", b"<<>>", b"[0 0 50 50]", b"[1 0 0]", b"/Off", b"/Two", b"/Yes", b"/Courier-Bold", b"(%s)" % FALSE_WORDS.encode(),
)  # fmt: skip


@later
def any_entry_of_any_object(doc):
    obj = choose(doc.rng, [obj for obj in doc.objects.values() if isinstance(obj.value, list) and obj.value and obj.role != "signature"])
    key, _ = doc.rng.choice(obj.value)
    others = [other for other in doc.objects.values() if other.role]
    value = doc.rng.choice([None, doc.rng.choice(VALUES), b"%d 0 R" % doc.rng.choice(others).number])
    doc.set(obj, key, value)


@later
def any_object_becomes_another(doc):
    """One object takes the place of another one of its role."""
    obj = choose(doc.rng, [obj for obj in doc.objects.values() if obj.role not in ("", "signature", "catalog")])
    other = doc.pick(*([obj.role] if doc.rng.random() < 0.7 else ["content", "appearance", "other state", "font", "annotation", "field", "layer"]))
    if other.number == obj.number:
        raise NoPlace
    doc.write(dataclasses.replace(other, number=obj.number))


@later
def references_exchanged(doc):
    """A reference within an object leads elsewhere."""
    obj = choose(doc.rng, [obj for obj in doc.objects.values() if obj.role not in ("", "signature") and b" 0 R" in obj.body()])
    found = [other for other in doc.objects.values() if b"%d 0 R" % other.number in obj.body()]
    target = choose(doc.rng, found)
    other = doc.pick(target.role) if doc.rng.random() < 0.6 else choose(doc.rng, doc.objects.values())
    change = lambda text: text.replace(b"%d 0 R" % target.number, b"%d 0 R" % other.number)
    value = change(obj.value) if isinstance(obj.value, bytes) else [(key, change(item)) for key, item in obj.value]
    doc.write(dataclasses.replace(obj, value=value))


def appearance(doc, data, width, height, **more):
    resources = b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>/ExtGState<</M<</BM/Multiply>>/T<</ca 0.3>>/H<</ca 0.6>>>>>>"
    return doc.new(pairs(Type=b"/XObject", Subtype=b"/Form", **{"BBox": b"[0 0 %d %d]" % (width, height), "Resources": resources, **more}), data)
