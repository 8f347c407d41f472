"""Signed files of every structural form, which show something of everything that a viewer draws with, and what is in them.

The documents are those of `bases` with much added: layers, images, patterns, fonts of glyphs, forms of every kind of field, marks, and values
that are objects of their own. They are signed by `judge` and by pyHanko.
"""

import dataclasses
import io
import os
import re

import pikepdf

import bases
from pdfs import Case, Obj, Revision, get, pairs, put

#: What a hidden thing says, and what a changed one does.
FALSE_WORDS = "gets 999 euros"


def content(text, x, y, font=b"F1", size=11):
    return b"BT /%s %d Tf %d %d Td (%s) Tj ET\n" % (font, size, x, y, text.encode())


def rich(rng, needed=False, missing=False, hidden=False):
    """The objects of a document. `needed`: viewers draw the form's fields; `missing`: a page names a content that is not there;
    `hidden`: there are objects that nothing refers to and a mark that is not shown."""
    objects = {obj.number: obj for obj in bases.model(rng)}
    words = rng.sample(bases.WORDS, 12)
    resources = pairs(
        Font=b"<</F1 8 0 R/F3 30 0 R>>", XObject=b"<</Im1 31 0 R/Fm1 32 0 R>>", ExtGState=b"<</G1 34 0 R>>", Pattern=b"<</P1 35 0 R>>",
        Properties=b"<</OC1 37 0 R/OC2 38 0 R>>",
    )  # fmt: skip
    first, second = objects[3], objects[4]
    first.value = put(put(first.value, b"Resources", b"36 0 R"), b"Contents", b"61 0 R")
    first.value = put(first.value, b"Annots", b"[11 0 R 12 0 R 13 0 R 23 0 R 27 0 R 28 0 R 45 0 R 46 0 R 47 0 R 49 0 R 51 0 R]")
    second.value = [pair for pair in second.value if pair[0] != b"Resources"]
    second.value = put(put(second.value, b"Rotate", b"57 0 R"), b"Annots", b"16 0 R")
    objects[2].value = put(objects[2].value, b"Resources", b"<</Font<</F1 62 0 R>>>>")
    objects[16].value = b"[14 0 R 15 0 R 25 0 R 26 0 R 29 0 R 44 0 R]"
    drawing = (
        b"q 40 0 0 30 250 195 cm /Im1 Do Q q 1 0 0 1 150 150 cm /Fm1 Do Q q /G1 gs 0.2 0.5 0.2 rg 255 150 30 30 re f Q\n"
        b"/Pattern cs /P1 scn 255 110 30 30 re f 0 g BT /F3 20 Tf 160 100 Td (aba) Tj ET\n"
        b"/OC /OC1 BDC " + content(words[0], 200, 135) + b"EMC /OC /OC2 BDC " + content(FALSE_WORDS, 160, 120) + b"EMC\n"
    )
    fields = b"[11 0 R 12 0 R 14 0 R 23 0 R 24 0 R 27 0 R 28 0 R 29 0 R 43 0 R]"
    form = [
        (b"Fields", fields), (b"DA", b"(/F2 11 Tf 0 g)"), (b"DR", b"<</Font<</F1 8 0 R/F2 63 0 R>>>>"),
        *([(b"NeedAppearances", b"true")] if needed else []),
    ]  # fmt: skip
    objects[10].value = form
    objects[1].value = [*objects[1].value, (b"OCProperties", b"55 0 R"), (b"Metadata", b"54 0 R")]
    widget = lambda number, kind, rect, page=b"3 0 R", **more: Obj(
        number, pairs(Type=b"/Annot", Subtype=b"/Widget", FT=kind, T=b"(field%d)" % number, P=page, F=4, Rect=rect, **more), role="field"
    )
    radio = lambda number, rect, state: Obj(
        number, pairs(Type=b"/Annot", Subtype=b"/Widget", Parent=b"24 0 R", P=b"4 0 R", F=4, Rect=rect, AS=state, AP=b"<</N<</%s 19 0 R/Off 20 0 R>>>>" % (b"A" if number == 25 else b"B"))
    )  # fmt: skip
    mark = lambda number, kind, rect, **more: Obj(number, pairs(Type=b"/Annot", Subtype=kind, Rect=rect, **{"F": 4, **more}), role="annotation")
    more = [
        widget(23, b"/Tx", b"[20 140 140 156]", V=b"(" + words[1].encode() + b")", **({} if needed else {"AP": b"<</N 64 0 R>>"})),
        Obj(24, pairs(FT=b"/Btn", Ff=32768, T=b"(field24)", V=b"/A", Kids=b"[25 0 R 26 0 R]")),
        radio(25, b"[60 20 80 40]", b"/A"), radio(26, b"[100 20 120 40]", b"/Off"),
        widget(27, b"/Ch", b"[20 35 100 53]", V=b"(%s)" % words[2].encode(), Ff=131072, Opt=b"[(%s) (%s)]" % (words[2].encode(), words[3].encode()), DA=b"(/F1 10 Tf)", AP=b"<</N 65 0 R>>"),
        widget(28, b"/Btn", b"[110 35 160 53]", Ff=65536, MK=b"<</CA(Send)/BG[0.8 0.8 0.8]>>", AP=b"<</N 66 0 R>>"),
        widget(29, b"/Sig", b"[170 10 290 50]", b"4 0 R"),
        Obj(43, pairs(FT=b"/Tx", T=b"(group)", V=b"(%s)" % words[4].encode(), DA=b"(/F1 10 Tf)", Kids=b"[44 0 R]")),
        Obj(44, pairs(Type=b"/Annot", Subtype=b"/Widget", Parent=b"43 0 R", P=b"4 0 R", F=4, Rect=b"[20 60 120 76]", AP=b"<</N 67 0 R>>"), role="field"),
        Obj(30, pairs(Type=b"/Font", Subtype=b"/Type3", FontBBox=b"[0 0 10 10]", FontMatrix=b"[0.1 0 0 0.1 0 0]", FirstChar=97, LastChar=98, Widths=b"[10 10]",
            Encoding=b"<</Differences[97/a/b]>>", CharProcs=b"<</a 42 0 R/b 48 0 R>>", Resources=b"<<>>"), role="font"),
        Obj(31, pairs(Type=b"/XObject", Subtype=b"/Image", Width=2, Height=2, BitsPerComponent=8, ColorSpace=b"/DeviceGray"), bytes([30, 200, 160, 60]), role="image"),
        Obj(32, pairs(Type=b"/XObject", Subtype=b"/Form", BBox=b"[0 0 90 30]", Resources=b"<</Font<</F1 8 0 R>>/XObject<</In 33 0 R>>>>"), content(words[5], 2, 16) + b"/In Do", role="xobject"),
        Obj(33, pairs(Type=b"/XObject", Subtype=b"/Form", BBox=b"[0 0 90 14]", Resources=b"<</Font<</F1 8 0 R>>>>"), content(words[6], 2, 3, size=9), role="xobject"),
        Obj(34, pairs(Type=b"/ExtGState", ca=b"0.9"), role="state"),
        Obj(35, pairs(Type=b"/Pattern", PatternType=1, PaintType=1, TilingType=1, BBox=b"[0 0 6 6]", XStep=6, YStep=6, Resources=b"<<>>"), b"0.9 0.2 0.2 rg 0 0 3 3 re f", role="pattern"),
        Obj(36, resources, role="resources"),
        Obj(37, pairs(Type=b"/OCG", Name=b"(shown)"), role="layer"), Obj(38, pairs(Type=b"/OCG", Name=b"(not shown)"), role="layer"),
        Obj(39, [], drawing, role="content"),
        Obj(42, [], b"10 0 d0 1 1 8 8 re f", role="glyph"), Obj(48, [], b"10 0 d0 1 1 3 8 re f", role="glyph"),
        mark(45, b"/Stamp", b"[20 100 130 130]", AP=b"<</N<</One 68 0 R/Two 69 0 R>>>>", AS=b"/One"),
        mark(46, b"/Highlight", b"[14 186 120 206]", C=b"[1 1 0.4]", QuadPoints=b"[14 206 120 206 14 186 120 186]"),
        mark(47, b"/FreeText", b"[14 205 200 235]", F=2 if hidden else 4, Contents=b"(x)", DA=b"(/F1 9 Tf)", AP=b"<</N 70 0 R>>"),
        mark(49, b"/Link", b"[200 205 240 225]", Border=b"[0 0 1]", C=b"[0 0 1]"),
        mark(51, b"/Square", b"[130 60 165 80]", OC=b"38 0 R", AP=b"<</N 71 0 R>>"),
        Obj(54, pairs(Type=b"/Metadata", Subtype=b"/XML"), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>", role="metadata"),
        Obj(55, pairs(OCGs=b"[37 0 R 38 0 R]", D=b"<</Order[37 0 R 38 0 R]/ON[37 0 R]/OFF[38 0 R]>>"), role="layers"),
        Obj(57, b"0", role="rotation"),
        Obj(61, b"[5 0 R 39 0 R%s]" % (b" 60 0 R" if missing else b""), role="contents"),
        Obj(62, pairs(Type=b"/Font", Subtype=b"/Type1", BaseFont=b"/Times-Roman"), role="font"),
        Obj(63, pairs(Type=b"/Font", Subtype=b"/Type1", BaseFont=b"/Helvetica-Bold"), role="form font"),
        bases.form_xobject(64, 120, 16, words[1], "appearance"), bases.form_xobject(65, 80, 18, words[2], "appearance"),
        bases.form_xobject(66, 50, 18, "Send", "appearance"), bases.form_xobject(67, 100, 16, words[4], "appearance"),
        bases.form_xobject(68, 110, 30, "stamped", "appearance"), bases.form_xobject(69, 110, 30, FALSE_WORDS, "other state"),
        bases.form_xobject(70, 186, 30, FALSE_WORDS if hidden else words[7], "appearance"), bases.form_xobject(71, 35, 20, "layer", "appearance"),
    ]  # fmt: skip
    if hidden:
        more.append(Obj(52, [], bases.text([f"{words[8]} {FALSE_WORDS}", "as never agreed"]), role="unused"))
    objects |= {obj.number: obj for obj in more}
    return [objects[number] for number in sorted(objects)]


@dataclasses.dataclass
class Signed:
    """A signed file and what is in it, read by another program."""

    name: str
    data: bytes
    root: bytes
    trailer: list
    size: int
    section: int
    offsets: dict
    encrypted: bool
    #: By number, each as it is stored, with its role.
    objects: dict
    #: The object streams, by number: what they unpack to, and where their first member is.
    packs: dict
    #: Trusted root, PEM.
    signer_root: bytes = b""

    def case(self):
        """A file in the making that begins with this one."""
        return Case(self.name, [], self.root, list(self.trailer), self.data, self.size, self.section, dict(self.offsets), self.encrypted)

    @property
    def form(self):
        return "table" if self.data[self.section : self.section + 4] == b"xref" else "stream"


def survey(name, data):
    with pikepdf.open(io.BytesIO(data), inherit_page_attributes=False) as document:
        case = bases.foreign_frame(name, data, document)
        objects, packs = {}, {}
        for number in range(1, case.size):
            obj = document.get_object(number, 0)
            if isinstance(obj, pikepdf.Stream) and obj.get("/Type") in ("/ObjStm", "/XRef"):
                if obj.Type == "/ObjStm":
                    packs[number] = (obj.read_bytes(), int(obj.First))
                continue
            if obj is None:
                continue
            objects[number] = as_stored(obj, number, "")
        for number, role in find_roles(document).items():
            if number in objects:
                objects[number].role = role
    # Plain values that are objects of their own: pikepdf shows only what they say.
    for role, key, roles_of_users in (("rotation", b"Rotate", ("page",)), ("length", b"Length", ("content",))):
        for user in [obj for obj in objects.values() if obj.role in roles_of_users]:
            value = user.length if key == b"Length" else entry(user, key)
            found = re.fullmatch(rb"(\d+) 0 R", value or b"")
            if found and int(found[1]) in objects:
                objects[int(found[1])].role = role
    return Signed(name, data, case.root, case.trailer, case.size, case.section, case.offsets, case.encrypted, objects, packs)


def as_stored(obj, number, role):
    if isinstance(obj, pikepdf.Stream):
        value = entries_of(obj.stream_dict.unparse())
        made = Obj(number, [pair for pair in value if pair[0] != b"Length"], obj.read_raw_bytes(), 0, role)
        length = get(value, b"Length", b"")
        if length.endswith(b"R"):
            made.length = length
        return made
    if isinstance(obj, pikepdf.Dictionary):
        return Obj(number, entries_of(obj.unparse(resolved=True)), None, 0, role)
    text = obj.unparse(resolved=True) if isinstance(obj, pikepdf.Object) else bases.as_bytes(obj)
    return Obj(number, text, None, 0, role)


TOKEN = re.compile(rb"<<|>>|[\[\]]|<[0-9A-Fa-f\s]*>|/[^\s<>\[\]()/%]*|[^\s<>\[\]()/%]+")


def entries_of(text):
    """The pairs of a dictionary in the writing of pikepdf; the values as they stand there."""
    out, at, depth, key, start = [], 2, 0, None, 0
    while at < len(text):
        if text[at : at + 1].isspace():
            at += 1
            continue
        end = end_of_string(text, at) if text[at : at + 1] == b"(" else TOKEN.match(text, at).end()
        token = text[at:end]
        if depth == 0 and (token == b">>" or token.startswith(b"/") and key is not None and text[start:at].strip()):
            out.append((key[1:], text[start:at].strip()))
            key = None
            if token == b">>":
                break
        if depth == 0 and key is None:
            key, start = token, end
        depth += (token in (b"<<", b"[")) - (token in (b">>", b"]"))
        at = end
    return [pair for pair in out if pair[0] is not None]


def end_of_string(text, at):
    depth = 0
    while True:
        byte = text[at : at + 1]
        depth += (byte == b"(") - (byte == b")")
        at += 2 if byte == b"\\" else 1
        if not depth:
            return at


def find_roles(document):
    """What each object is for, by number: the first that is found of each."""
    roles = {}

    def add(obj, role):
        if isinstance(obj, pikepdf.Object) and obj.is_indirect:
            roles.setdefault(obj.objgen[0], role)
        return obj

    def resources(node, depth=0):
        if not isinstance(node, pikepdf.Dictionary) or depth > 6:
            return
        add(node, "resources")
        categories = {"/Font": "font", "/ExtGState": "state", "/Pattern": "pattern", "/Properties": "layer"}
        for category, role in categories.items():
            for item in node.get(category, {}).values():
                add(item, role)
                if category == "/Font":
                    for glyph in item.get("/CharProcs", {}).values():
                        add(glyph, "glyph")
        for item in node.get("/XObject", {}).values():
            add(item, "image" if item.get("/Subtype") == "/Image" else "xobject")
            resources(item.get("/Resources"), depth + 1)

    root = document.Root
    add(root, "catalog")
    add(root.Pages, "pages")
    resources(root.Pages.get("/Resources"))
    for page in document.pages:
        page = page.obj
        add(page, "page")
        parent = page.get("/Parent")
        if parent is not None:
            add(parent, "pages")
        contents = page.get("/Contents")
        if isinstance(contents, pikepdf.Array):
            add(contents, "contents")
        for part in contents if isinstance(contents, pikepdf.Array) else [contents]:
            add(part, "content")
        resources(page.get("/Resources"))
        annotations = page.get("/Annots", [])
        add(annotations, "annotations")
        for annotation in annotations:
            add(annotation, "field" if annotation.get("/Subtype") == "/Widget" else "annotation")
            normal = annotation.get("/AP", {}).get("/N")
            if isinstance(normal, pikepdf.Stream):
                add(normal, "appearance")
            elif isinstance(normal, pikepdf.Dictionary):
                for state, stream in normal.items():
                    add(stream, "appearance" if state == annotation.get("/AS") else "other state")
    form = root.get("/AcroForm", {})
    add(form, "form")
    for font in form.get("/DR", {}).get("/Font", {}).values():
        add(font, "form font")
    for field in form.get("/Fields", []):
        add(field, "field above" if "/Kids" in field else "field")
        add(field.get("/V"), "signature")
    add(root.get("/OCProperties"), "layers")
    add(root.get("/Metadata"), "metadata")
    return roles


FLAVOURS = {
    "plain": {},
    "needed": {"needed": True},
    "hidden": {"hidden": True},
    "missing": {"missing": True, "hidden": True},
}
FORMS = {
    "table": [("table", False)],
    "stream": [("stream", False)],
    "packed": [("stream", True)],
    "hybrid": [("hybrid", True)],
    "table+table": [("table", False), ("table", False)],
    "packed+packed": [("stream", True), ("stream", True)],
}


def unsigned(rng, form, flavour):
    """A valid file. In the forms of two revisions, the second replaces something visible."""
    objects = rich(rng, **FLAVOURS[flavour])
    trailer = [(b"Info", b"9 0 R"), (b"ID", b"[<%032x><%032x>]" % (rng.getrandbits(128), rng.getrandbits(128)))]
    sections = FORMS[form]
    case = Case(form, [Revision(objects, *sections[0], compress=rng.random() < 0.6)], trailer=trailer)
    for section in sections[1:]:
        changed = [bases.updated(obj, rng) for obj in objects if obj.number in (5, 18)]
        case.revisions.append(Revision([obj for obj in changed if obj], *section))
    return case.bytes()


def all_of(rng, judge, folder):
    """Signed files by name, and the names of those that could not be made, with the reason."""
    signer = bases.PyHankoSigner()
    root_file = os.path.join(folder, "root.pem")
    judge.ask("root", root_file)
    with open(root_file, "rb") as file:
        root = file.read()
    found, missing = {}, {}

    def add(name, make, signer_root):
        try:
            found[name] = survey(name, make())
            found[name].signer_root = signer_root
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}"

    for form in FORMS:
        for flavour in FLAVOURS:
            if (form, flavour) == ("hybrid", "missing"):
                # Poppler shows nothing of it.
                continue
            data = unsigned(rng, form, flavour)
            # What names an object that is not there, ours may refuse.
            if flavour != "missing":
                add(f"sealed {form} {flavour}", lambda: bases.sealed(data, judge, folder), root)
            add(f"pyHanko {form} {flavour}", lambda: signer.sign(data), signer.root)
    for name in ("linearized", "qpdf packed", "qpdf table", "AES-128", "AES-256", "AES-256 packed"):
        data = bases.FOREIGN[name](unsigned(rng, rng.choice(["table", "packed"]), "hidden"))
        add(f"sealed {name}", lambda: bases.sealed(data, judge, folder), root)
        add(f"pyHanko {name}", lambda: signer.sign(data), signer.root)
    for level in (1, 2, 3):
        data = unsigned(rng, rng.choice(["table", "packed"]), "hidden")
        add(f"pyHanko certified {level}", lambda: signer.certify(data, level), signer.root)
    data = unsigned(rng, "table", "hidden")
    add("pyHanko twice", lambda: signer.sign(signer.sign(data), "field29"), signer.root)
    return found, missing


def replaced(obj, key, value):
    """A copy with one entry set, or without it where `value` is None."""
    entries = [pair for pair in obj.value if pair[0] != key] if value is None else put(obj.value, key, value)
    return dataclasses.replace(obj, value=entries)


def entry(obj, key):
    return get(obj.value, key) if isinstance(obj.value, list) else None
