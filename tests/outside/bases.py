"""Valid files of every structural form: two pages, a form with values, annotations. Seeded: the words differ from run to run.

Own files are written by `pdfs`; linearized and encrypted ones by qpdf, signed ones by `judge` and by pyHanko, with a further revision of `pdfs` behind them.
"""

import io
import logging
import os
import pickle
import re
import subprocess
import tempfile

import pikepdf

from pdfs import Case, Obj, Revision, get, pairs, put

WORDS = ("harbour lantern meadow orchid quarry ribbon saddle timber velvet walnut anchor basket copper dragon ember falcon").split()
PAGE_SIZE = (300, 240)
FIELD_BOX = (170, 10, 290, 50)


def text(lines, x=14, y=215, size=15, step=24):
    """A content stream that shows lines."""
    out = [b"BT /F1 %d Tf %d %d Td" % (size, x, y)]
    for line in lines:
        out.append(b"(" + line.encode() + b") Tj 0 -%d Td" % step)
    return b"\n".join([*out, b"ET"])


def form_xobject(number, width, height, line, role):
    value = pairs(Type=b"/XObject", Subtype=b"/Form", BBox=b"[0 0 %d %d]" % (width, height), Resources=b"<</Font<</F1 8 0 R>>>>")
    data = b"0.8 0.9 1 rg 0 0 %d %d re f 0 g " % (width, height) + text([line], 3, 5, 11)
    return Obj(number, value, data, role=role)


def model(rng):
    """The objects of the document's first revision."""
    words = rng.sample(WORDS, 8)
    page = lambda number, contents, annotations: Obj(
        number,
        pairs(
            Type=b"/Page", Parent=b"2 0 R", MediaBox=b"[0 0 %d %d]" % PAGE_SIZE, Contents=contents,
            Resources=b"<</Font<</F1 8 0 R>>>>", Annots=annotations,
        ),
        role="page",
    )  # fmt: skip
    widget = lambda number, kind, rect, **more: Obj(
        number,
        pairs(Type=b"/Annot", Subtype=b"/Widget", FT=kind, T=b"(field%d)" % number, P=b"3 0 R", F=4, Rect=rect, **more),
        role="field",
    )
    return [
        Obj(1, pairs(Type=b"/Catalog", Pages=b"2 0 R", AcroForm=b"10 0 R"), role="catalog"),
        Obj(2, pairs(Type=b"/Pages", Kids=b"[3 0 R 4 0 R]", Count=2), role="pages"),
        page(3, b"5 0 R", b"[11 0 R 12 0 R 13 0 R]"),
        page(4, b"[6 0 R 7 0 R]", b"16 0 R"),
        Obj(5, [], text([f"{words[0]} pays 100 euros", f"for {words[1]} and {words[2]}"]), role="content"),
        Obj(6, [], text([f"second page {words[3]}"]), role="content", length=b"22 0 R"),
        Obj(7, [], text([f"notice {words[4]} {words[5]}"], y=120), role="content"),
        Obj(8, pairs(Type=b"/Font", Subtype=b"/Type1", BaseFont=b"/Helvetica"), role="font"),
        Obj(9, pairs(Title=b"(Agreement)")),
        Obj(10, pairs(Fields=b"[11 0 R 12 0 R 14 0 R]", DA=b"(/F1 11 Tf 0 g)", DR=b"<</Font<</F1 8 0 R>>>>"), role="form"),
        widget(
            11, b"/Tx", b"[20 60 150 80]", V=b"(" + words[6].encode() + b")", DA=b"(/F1 11 Tf 0 g)", AP=b"<</N 17 0 R>>"
        ),
        widget(12, b"/Sig", b"[%d %d %d %d]" % FIELD_BOX),
        Obj(13, pairs(Type=b"/Annot", Subtype=b"/Square", Rect=b"[20 90 120 130]", C=b"[1 0 0]", F=4, AP=b"<</N 18 0 R>>"), role="annotation"),
        widget(14, b"/Btn", b"[20 20 40 40]", V=b"/Yes", AS=b"/Yes", AP=b"<</N<</Yes 19 0 R/Off 20 0 R>>>>"),
        Obj(
            15,
            pairs(Type=b"/Annot", Subtype=b"/FreeText", Rect=b"[150 150 280 190]", F=4, Contents=b"(note)", DA=b"(/F1 11 Tf)", AP=b"<</N 21 0 R>>"),
            role="annotation",
        ),
        Obj(16, b"[14 0 R 15 0 R]", role="annotations"),
        form_xobject(17, 130, 20, words[6], "appearance"),
        form_xobject(18, 100, 40, "a square", "appearance"),
        form_xobject(19, 20, 20, "X", "appearance"),
        Obj(20, pairs(Type=b"/XObject", Subtype=b"/Form", BBox=b"[0 0 20 20]"), b"0 0 20 20 re S"),
        form_xobject(21, 130, 40, words[7], "appearance"),
        Obj(22, b"%d" % len(text([f"second page {words[3]}"])), role="length"),
    ]  # fmt: skip


def updated(obj, rng):
    """The object with something else to see: what a later revision or a decoy says. None where its role has none."""
    value, data, word = obj.value, obj.data, rng.choice(WORDS)
    if obj.role == "page":
        if rng.random() < 0.5:
            value = put(value, b"Rotate", b"90")
        else:
            value = [pair for pair in value if pair[0] != b"Annots"]
    elif obj.role in ("content", "appearance"):
        data = text([f"{word} gets 999", "euros instead"], 3 if obj.role == "appearance" else 14, 5 if obj.role == "appearance" else 200)
        value = [pair for pair in value if pair[0] not in (b"Filter", b"DecodeParms", b"Length")]
    elif obj.role == "pages":
        kids = re.findall(rb"\d+ \d+ R", get(value, b"Kids", b""))
        value = put(value, b"Kids", b"[" + b" ".join(reversed(kids)) + b"]")
    elif obj.role == "annotations":
        items = re.findall(rb"\d+ \d+ R", value)
        value = b"[" + b" ".join(items[: len(items) // 2]) + b"]"
    elif obj.role == "font":
        value = put(value, b"BaseFont", b"/Courier-Bold")
    elif obj.role in ("annotation", "field"):
        if get(value, b"FT") == b"/Sig":
            return None
        value = put(value, b"Rect", b"[%d %d %d %d]" % (60, 5, 160, 55) if rng.random() < 0.7 else b"[0 0 0 0]")
    elif obj.role == "catalog":
        # One page in place of the tree.
        value = put(value, b"Pages", b"<</Type/Pages/Count 1/Kids[4 0 R]>>") if get(value, b"AcroForm") == b"10 0 R" else value
    else:
        return None
    return Obj(obj.number, value, data, obj.generation, obj.role)


def own(rng, name):
    """A file of this program in the named form."""
    objects = model(rng)
    trailer = [(b"Info", b"9 0 R"), (b"ID", b"[<%032x><%032x>]" % (rng.getrandbits(128), rng.getrandbits(128)))]
    forms = {
        "table": [("table", False)],
        "stream": [("stream", False)],
        "packed": [("stream", True)],
        "hybrid": [("hybrid", True)],
        "table+table": [("table", False), ("table", False)],
        "stream+stream": [("stream", True), ("stream", False)],
        "packed+packed": [("stream", True), ("stream", True)],
        "table+hybrid": [("table", False), ("hybrid", True)],
        "hybrid+table+hybrid": [("hybrid", True), ("table", False), ("hybrid", True)],
        "table*4": [("table", False)] * 4,
    }[name]
    revisions = [Revision(objects, *forms[0], compress=rng.random() < 0.6)]
    current = {obj.number: obj for obj in objects}
    for form, packed in forms[1:]:
        # No valid page tree stands in the catalog itself: that is for decoys.
        candidates = [obj for obj in current.values() if obj.role != "catalog"]
        changed = [obj for obj in (updated(obj, rng) for obj in rng.sample(candidates, 7)) if obj]
        # At least one that can stand in an object stream.
        if all(obj.number != 8 for obj in changed):
            changed.append(updated(current[8], rng))
        current |= {obj.number: obj for obj in changed}
        revisions.append(Revision(changed, form, packed, compress=rng.random() < 0.6))
    if "+" not in name and "*" not in name and rng.random() < 0.15:
        revisions[0].eol = b"\r\n"
    return Case(name, revisions, trailer=trailer)


OWN = ("table", "stream", "packed", "hybrid", "table+table", "stream+stream", "packed+packed", "table+hybrid", "hybrid+table+hybrid", "table*4")


def seal_boxes(page, width, height):
    """Where the seal may show on a page that is shown with this width and height, upright or turned by 90 degrees. Nothing else stands
    there, on either page."""
    left, bottom, right, top = FIELD_BOX
    upright = (page, left, height - top, right, height - bottom)
    turned = (page, bottom, left, top, right)
    if is_near(width, height, *PAGE_SIZE):
        return [upright]
    if is_near(height, width, *PAGE_SIZE):
        return [turned]
    # The page has lost its size: who knows which way up it is.
    return [upright, turned]


def is_near(width, height, expected_width, expected_height):
    return abs(width - expected_width) < 3 and abs(height - expected_height) < 3


def qpdf(data, *options):
    with tempfile.NamedTemporaryFile(suffix=".pdf") as source:
        source.write(data)
        source.flush()
        # The identifier of the file must not come from the clock.
        ran = subprocess.run(["qpdf", "--static-id", *options, source.name, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # 3: warnings only.
    if ran.returncode not in (0, 3):
        raise RuntimeError(f"qpdf {options}: {ran.stderr.decode(errors='replace')}")
    return ran.stdout


def encrypted(bits, *more):
    return lambda data: qpdf(data, "--allow-weak-crypto", "--encrypt", "", "owner", bits, *more, "--")


#: How the files of other programs are made from one of ours.
FOREIGN = {
    "linearized": lambda data: qpdf(data, "--linearize", "--object-streams=disable"),
    "linearized packed": lambda data: qpdf(data, "--linearize", "--object-streams=generate"),
    "qpdf packed": lambda data: qpdf(data, "--object-streams=generate"),
    "qpdf table": lambda data: qpdf(data, "--object-streams=disable"),
    "RC4-40": encrypted("40"),
    "RC4-128": encrypted("128", "--use-aes=n"),
    "AES-128": encrypted("128", "--use-aes=y"),
    "AES-256": encrypted("256"),
    "AES-256 packed": lambda data: qpdf(encrypted("256")(data), "--object-streams=generate"),
}


def sealed(data, judge, folder):
    """As our seal leaves it."""
    source, target = os.path.join(folder, "to-seal.pdf"), os.path.join(folder, "sealed.pdf")
    with open(source, "wb") as file:
        file.write(data)
    answer = judge.ask("seal", source, target)
    if not answer.get("ok"):
        raise RuntimeError(f"a valid file is not sealed: {answer}")
    with open(target, "rb") as file:
        return file.read()


class PyHankoSigner:
    """Signs as pyHanko does, with a key of its own."""

    def __init__(self):
        import datetime

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from pyhanko.sign import signers

        logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ana Pons")])
        usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
        start = datetime.datetime(2026, 1, 1)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
            .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=3650)).add_extension(usage, True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        #: PEM of the certificate, which is its own root.
        self.root = certificate.public_bytes(serialization.Encoding.PEM)
        packed = serialization.pkcs12.serialize_key_and_certificates(b"1", key, certificate, None, serialization.BestAvailableEncryption(b"password"))
        self.signer = signers.SimpleSigner.load_pkcs12_data(packed, other_certs=[], passphrase=b"password")

    def sign(self, data, field="field12", **metadata):
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers

        out = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
        if out.security_handler is not None:
            out.encrypt(b"")
        details = signers.PdfSignatureMetadata(field_name=field, **metadata)
        return signers.sign_pdf(out, details, signer=self.signer).getvalue()

    def certify(self, data, level):
        """Certifies, with changes allowed up to a level of DocMDP (ISO 32000-2 table 257)."""
        from pyhanko.sign.fields import MDPPerm

        return self.sign(data, certify=True, docmdp_permissions=MDPPerm(level))


def foreign(name, data, rng):
    """A file of another program, with a valid revision of ours behind it that changes something visible."""
    with pikepdf.open(io.BytesIO(data)) as document:
        objects = visible_objects(document)
        case = foreign_frame(name, data, document)
    is_encrypted, size = case.encrypted, case.size
    form = "table" if data[case.section : case.section + 4] == b"xref" else "stream"
    # Strings and streams of an encrypted file would have to be encrypted: only objects without them.
    usable = [obj for obj in objects if not is_encrypted or obj.role in ("page", "pages", "annotations")]
    changed = [obj for obj in (updated(obj, rng) for obj in rng.sample(usable, min(len(usable), 4))) if obj]
    if not changed:
        changed = [Obj(size, pairs(Nothing=b"null"))]
    case.revisions = [Revision(changed, form, form == "stream" and not is_encrypted and rng.random() < 0.5)]
    return case


def foreign_frame(name, data, document):
    """A case without revisions behind a file that is there."""
    offsets = {int(match[1]): match.start() for match in re.finditer(rb"(?<![\d])(\d+) 0 obj\b", data)}
    trailer = [(b"ID", document.trailer.ID.unparse())] if "/ID" in document.trailer else []
    if document.is_encrypted:
        trailer.append((b"Encrypt", raw_encrypt(data, document)))
    section = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    root = b"%d %d R" % document.Root.objgen
    return Case(name, [], root, trailer, data, int(document.trailer.Size), section, offsets, document.is_encrypted)


def raw_encrypt(data, document):
    """The reference to the encryption dictionary, or the dictionary, as the last trailer has it."""
    found = re.findall(rb"/Encrypt\s*(\d+ \d+ R)", data)
    if found:
        return found[-1]
    return document.trailer.Encrypt.unparse()


def visible_objects(document):
    """The objects that pages are made of, as `Obj`."""
    out = {}

    def add(obj, role):
        number, generation = obj.objgen
        if number and number not in out:
            if isinstance(obj, pikepdf.Stream):
                value = [(key[1:].encode(), as_bytes(item)) for key, item in obj.stream_dict.items() if key not in ("/Length", "/Filter", "/DecodeParms")]
                out[number] = Obj(number, value, obj.read_bytes(), generation, role)
            elif isinstance(obj, pikepdf.Dictionary):
                value = [(key[1:].encode(), as_bytes(item)) for key, item in obj.items()]
                out[number] = Obj(number, value, None, generation, role)
            else:
                out[number] = Obj(number, obj.unparse(resolved=True), None, generation, role)

    add(document.Root.Pages, "pages")
    for page in document.pages:
        add(page.obj, "page")
        contents = page.obj.get("/Contents")
        for content in contents if isinstance(contents, pikepdf.Array) else [contents]:
            add(content, "content")
        for font in page.obj.Resources.get("/Font", {}).values():
            add(font, "font")
        if "/Annots" in page.obj:
            add(page.obj.Annots, "annotations")
            for annotation in page.obj.Annots:
                add(annotation, "field" if "/FT" in annotation else "annotation")
                normal = annotation.get("/AP", {}).get("/N")
                if isinstance(normal, pikepdf.Stream):
                    add(normal, "appearance")
    return list(out.values())


def as_bytes(item):
    if isinstance(item, pikepdf.Object):
        return b"%d %d R" % item.objgen if item.is_indirect else item.unparse()
    # Simple values come as those of Python.
    if isinstance(item, bool):
        return b"true" if item else b"false"
    return b"null" if item is None else str(item).encode()


def all_of(rng, judge, folder, signer=None):
    """Every base, by name. `judge` seals; a form that it does not seal yet is left out and named in the second value."""
    cases = {name: own(rng, name) for name in OWN}
    missing = {}
    signer = signer or PyHankoSigner()
    whole = {name: cases[name].bytes() for name in OWN}
    for name, make in FOREIGN.items():
        case = cases[rng.choice(["table", "packed", "table+table"])]
        cases[name] = foreign(name, make(case.bytes()), rng)
    for name in ("table", "stream", "packed", "hybrid", "table+table"):
        cases[f"pyHanko on {name}"] = foreign(f"pyHanko on {name}", signer.sign(whole[name]), rng)
        try:
            cases[f"sealed {name}"] = foreign(f"sealed {name}", sealed(whole[name], judge, folder), rng)
        except RuntimeError as error:
            missing[f"sealed {name}"] = str(error)
    return cases, missing


def save(cases, path):
    with open(path, "wb") as file:
        pickle.dump(cases, file)


def load(path):
    """What `save` wrote, of this very run."""
    with open(path, "rb") as file:
        return pickle.load(file)
