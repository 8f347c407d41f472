"""Later changes of annotations, of the form and of its fields."""

import dataclasses

import bases
from kinds import NoPlace
from later import FALSE_CONTENT, appearance, later
from pdfs import Obj, get, pairs, put
from signed import FALSE_WORDS, content, entry, replaced

SUBTYPES = (
    "Text Link FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Stamp Caret Ink Popup FileAttachment Screen "
    "PrinterMark TrapNet Watermark Redact 3D Projection Unheard"
).split()


def rectangle(rng):
    """Where something stands: mostly over what the first lines say."""
    if rng.random() < 0.6:
        return rng.choice([(10, 185, 250, 232), (10, 165, 250, 210), (0, 0, 300, 240)])
    left, bottom = rng.randrange(0, 250), rng.randrange(0, 200)
    return left, bottom, left + rng.randrange(5, 200), bottom + rng.randrange(5, 100)


def painting(rng, width, height):
    """What an appearance draws: opaque, or so that it seems not to be."""
    box = b"0 0 %d %d re f" % (width, height)
    words = content(FALSE_WORDS, 4, height // 2, size=min(15, max(4, height // 2)))
    return rng.choice([
        b"1 g " + box + b" 0 g " + words,
        b"1 g " + box,
        words,
        b"/T gs 1 g " + b" ".join([box] * rng.choice([1, 3, 9])) + b" 0 g " + words,
        b"/M gs 0 g " + box,
        b"/M gs 1 1 0.5 rg " + box,
        b"%d w 1 G 0 %d m %d %d l S" % (height, height // 2, width, height // 2),
        b"1 G " + b" ".join(b"2 w 0 %d m %d %d l S" % (y, width, y) for y in range(0, height, 2)),
        b"q %d 0 0 %d 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI Q" % (width, height),
        b"1 g 0 0 m %d 0 l %d %d l 0 %d l h f* 0 g " % (width, width, height, height) + words,
        b"q 1 0 0 1 0 0 cm " + b"q " * 30 + b"1 g " + box + b" Q" * 30 + b" Q",
        b"1 g 0.01 0 0 0.01 0 0 cm 0 0 %d00 %d00 re f" % (width, height),
        b"1 0 0 RG 1 w 0 2 m %d 2 l S" % width,
        b"/Sh sh",
    ])  # fmt: skip


def mark(doc, **more):
    """A new annotation's entries."""
    rng = doc.rng
    box = rectangle(rng)
    width, height = box[2] - box[0], box[3] - box[1]
    entries = {"Type": b"/Annot", "Subtype": b"/" + rng.choice(SUBTYPES).encode(), "Rect": b"[%d %d %d %d]" % box, "F": rng.choice([0, 4, 28, 2, 36]), "Contents": b"(see)"}
    if rng.random() < 0.75:
        parts = rng.choice([{}, {}, {"Matrix": b"[0.1 0 0 0.1 0 0]"}, {"Matrix": b"[0 1 -1 0 0 0]"}, {"BBox": b"[-500 -500 500 500]"}, {"Group": b"<</S/Transparency>>"}])
        drawn = appearance(doc, painting(rng, width, height), width, height, **parts)
        entries["AP"] = rng.choice([b"<</N %s>>", b"<</N %s>>", b"<</N<</On %s>>>>", b"<</N<<>>/D %s>>"]) % drawn
        if entries["AP"].startswith(b"<</N<</On"):
            entries["AS"] = b"/On"
    else:
        entries |= rng.choice([
            {"C": b"[1 1 1]", "IC": b"[1 1 1]"}, {"C": b"[0 0 0]"}, {"C": b"[1 1 0]"}, {"BS": b"<</W 60>>", "C": b"[1 1 1]"}, {"Border": b"[0 0 90]", "C": b"[1 1 1]"},
            {"DA": b"(/F1 20 Tf 1 0 0 rg)", "Contents": b"(%s)" % FALSE_WORDS.encode()}, {"CA": b"0.5", "C": b"[1 1 1]", "IC": b"[1 1 1]"}, {"Name": b"/Approved"}, {},
        ])  # fmt: skip
        left, bottom, right, top = box
        corners = b"%d %d %d %d %d %d %d %d" % (left, top, right, top, left, bottom, right, bottom)
        entries |= {"QuadPoints": b"[" + corners + b"]", "L": b"[%d %d %d %d]" % box, "Vertices": b"[" + corners + b"]", "InkList": b"[[" + corners + b"]]"}
    return pairs(**entries | more)


def add_to_page(doc, item):
    doc.append(doc.pick("page"), b"Annots", item)


@later
def annotation_added(doc):
    add_to_page(doc, doc.new(mark(doc)))


@later
def remark_added_over_the_text(doc):
    """Of the kinds that readers take for remarks."""
    kind = doc.rng.choice("Text Popup Link Highlight Underline StrikeOut Squiggly Caret".split())
    add_to_page(doc, doc.new(mark(doc, Subtype=b"/" + kind.encode(), F=4)))


@later
def films_over_one_another(doc):
    page = doc.pick("page")
    box = rectangle(doc.rng)
    film = doc.rng.choice([b"/T", b"/H"])
    for _ in range(doc.rng.choice([2, 4, 5, 6, 12])):
        drawn = appearance(doc, film + b" gs 1 g 0 0 %d %d re f" % (box[2] - box[0], box[3] - box[1]), box[2] - box[0], box[3] - box[1])
        part = doc.new(pairs(Type=b"/Annot", Subtype=b"/Highlight", Rect=b"[%d %d %d %d]" % box, F=4, C=b"[1 1 1]", AP=b"<</N %s>>" % drawn))
        doc.append(page, b"Annots", part)


@later
def remark_shown_elsewhere_than_it_says(doc):
    """A small rectangle, and corners or a pop-up that reach further."""
    top, bottom = doc.rng.choice([(232, 170), (222, 208), (300, 140), (600, -160), (235, 214), (2000, -1600)])
    far = b"10 %d 250 %d 10 %d 250 %d " % (top, top, bottom, bottom)
    kind = doc.rng.choice(["Highlight", "Underline", "StrikeOut", "Squiggly", "Link"])
    colour = doc.rng.choice([b"[1 1 1]", b"[0 0 0]", b"[1 1 0]", b"[0.5]", b"[0 0 0 0]", b"[]"])
    add_to_page(doc, doc.new(pairs(Type=b"/Annot", Subtype=b"/" + kind.encode(), Rect=b"[0 0 5 5]", F=4, C=colour, QuadPoints=b"[" + far * doc.rng.choice([1, 2]) + b"]")))


@later
def link_with_a_border(doc):
    border = doc.rng.choice([{"Border": b"[0 0 3]"}, {"BS": b"<</W 3/S/D/D[9 1]>>"}, {"Border": b"[20 20 40]"}, {"BS": b"<</W 2/S/B>>"}, {"H": b"/I"}])
    add_to_page(doc, doc.new(pairs(Type=b"/Annot", Subtype=b"/Link", Rect=b"[14 205 150 207]", C=doc.rng.choice([b"[1 1 1]", b"[0]"]), **border)))


@later
def thin_lines_side_by_side(doc):
    """Each leaves what is below legible; together they leave nothing. In one mark on a large page, or in many small ones."""
    width = doc.rng.choice([1, 2, 3])
    rows = [208 + row * width for row in range(24 // width)]
    if doc.rng.random() < 0.5:
        lines = b" ".join(b"14 %d m 250 %d l S" % (row, row) for row in rows)
        words = b" 0 G 1 w 30 210 m 40 210 l 40 225 l 30 225 l 30 217 l 40 217 l S"
        drawn = appearance(doc, b"%d w 1 G " % width + lines + words, 300, 240)
        kind = doc.rng.choice([b"Highlight", b"Underline", b"StrikeOut", b"Caret", b"Text"])
        add_to_page(doc, doc.new(pairs(Type=b"/Annot", Subtype=b"/" + kind, Rect=b"[0 0 300 240]", F=4, C=b"[1 1 1]", AP=b"<</N %s>>" % drawn)))
        return
    page = doc.pick("page")
    for row in rows:
        more = doc.rng.choice([{"Border": b"[0 0 %d]" % width}, {"BS": b"<</W %d>>" % width}])
        doc.append(page, b"Annots", doc.new(pairs(Type=b"/Annot", Subtype=b"/Link", Rect=b"[14 %d 250 %d.2]" % (row, row), C=b"[1 1 1]", **more)))


@later
def annotation_removed(doc):
    page = doc.pick("page")
    annotations = doc.referred(entry(page, b"Annots"))
    holder = annotations if annotations is not None else page
    value = holder.value if annotations is not None else entry(page, b"Annots")
    items = [item.strip() + b" R" for item in value.strip(b"[] ").split(b" R") if item.strip()]
    items.remove(doc.rng.choice(items))
    if doc.rng.random() < 0.2:
        doc.rng.shuffle(items)
    value = b"[" + b" ".join(items) + b"]"
    doc.write(dataclasses.replace(holder, value=value) if annotations is not None else replaced(page, b"Annots", value))


@later
def annotation_changed(doc):
    annotation = doc.pick("annotation")
    key, value = doc.rng.choice([
        (b"Rect", b"[14 190 150 232]"), (b"F", b"2"), (b"F", b"4"), (b"F", b"32"), (b"AS", b"/Two"), (b"AS", b"/Nothing"), (b"OC", b"38 0 R"), (b"OC", None), (b"C", b"[0 0 0]"),
        (b"Border", b"[0 0 30]"), (b"QuadPoints", b"[14 235 250 235 14 100 250 100]"), (b"Subtype", b"/Widget"), (b"Subtype", b"/Popup"), (b"AP", None), (b"AP", b"<<>>"), (b"CA", b"0.1"),
        (b"AP", b"<</N %s>>" % appearance(doc, b"1 g 0 0 110 30 re f 0 g " + content(FALSE_WORDS, 2, 9), 110, 30)), (b"BS", b"<</W 20>>"), (b"IC", b"[0 0 0]"), (b"Contents", b"(other)"),
    ])  # fmt: skip
    doc.set(annotation, key, value)


@later
def remark_changed(doc):
    """The signed highlight, which may get another comment and nothing else."""
    annotation = doc.pick("annotation", suits=lambda obj: entry(obj, b"Subtype") in (b"/Highlight", b"/Link"))
    key, value = doc.rng.choice([
        (b"Rect", b"[14 190 150 232]"), (b"C", b"[0 0 0]"), (b"QuadPoints", b"[14 235 250 235 14 100 250 100]"), (b"Contents", b"(%s)" % FALSE_WORDS.encode()), (b"Popup", doc.new(mark(doc, Subtype=b"/Popup", Open=b"true"))),
        (b"Open", b"true"), (b"IT", b"/FreeTextCallout"), (b"State", b"(Accepted)"), (b"Border", b"[0 0 30]"), (b"AP", b"<</N %s>>" % appearance(doc, b"1 g 0 0 106 20 re f", 106, 20)), (b"RC", b"(<p>x</p>)"),
    ])  # fmt: skip
    doc.set(annotation, key, value)


@later
def appearance_redrawn(doc):
    obj = doc.pick("appearance", "other state")
    doc.write(dataclasses.replace(replaced(obj, b"Filter", None), data=b"1 g 0 0 150 50 re f 0 g " + content(FALSE_WORDS, 2, 5, size=9)))


@later
def appearance_entry_changed(doc):
    obj = doc.pick("appearance", "other state")
    key, value = doc.rng.choice([
        (b"BBox", b"[0 0 300 300]"), (b"BBox", b"[0 0 1 1]"), (b"Matrix", b"[3 0 0 3 0 0]"), (b"Matrix", b"[0 0 0 0 0 0]"), (b"Resources", b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Symbol>>>>>>"), (b"OC", b"38 0 R"),
        (b"Group", b"<</S/Transparency/I true/K true>>"), (b"Filter", b"/ASCIIHexDecode"),
    ])  # fmt: skip
    doc.set(obj, key, value)


# Fields and the form.


def of_kind(*kinds):
    return lambda obj: entry(obj, b"FT") in kinds


@later
def widget_changed(doc):
    field = doc.pick("field")
    key, value = doc.rng.choice([
        (b"Rect", b"[14 190 250 232]"), (b"Rect", b"[0 0 0 0]"), (b"F", b"2"), (b"F", b"36"), (b"F", b"0"), (b"AS", b"/Off"), (b"AS", b"/Yes"), (b"AS", b"/A"), (b"AS", b"/B"), (b"AP", None), (b"OC", b"38 0 R"), (b"Subtype", b"/Stamp"),
        (b"AP", b"<</N %s>>" % appearance(doc, b"1 g 0 0 130 20 re f 0 g " + content(FALSE_WORDS, 2, 4, size=9), 130, 20)), (b"MK", b"<</BG[0 0 0]/BC[1 0 0]/R 90>>"), (b"BS", b"<</W 8>>"), (b"DA", b"(/F1 30 Tf 1 0 0 rg)"),
        (b"Q", b"2"), (b"FT", b"/Tx"), (b"FT", b"/Sig"), (b"Parent", b"24 0 R"), (b"T", b"(other)"), (b"Ff", b"4096"), (b"Ff", b"8192"), (b"MaxLen", b"2"), (b"V", b"(%s)" % FALSE_WORDS.encode()), (b"V", None),
        (b"Opt", b"[(%s)]" % FALSE_WORDS.encode()), (b"Kids", b"[11 0 R]"), (b"H", b"/P"), (b"TI", b"1"), (b"I", b"[1]"), (b"DV", b"(x)"), (b"RV", b"(<p>%s</p>)" % FALSE_WORDS.encode()), (b"DS", b"(font: 30pt Courier)"),
    ])  # fmt: skip
    doc.set(field, key, value)


@later
def value_without_its_appearance(doc):
    doc.set(doc.pick("field", suits=of_kind(b"/Tx", b"/Ch")), b"V", b"(%s)" % FALSE_WORDS.encode())


@later
def appearance_without_its_value(doc):
    field = doc.pick("field", suits=of_kind(b"/Tx", b"/Ch", b"/Btn"))
    doc.set(field, b"AP", b"<</N %s>>" % appearance(doc, b"1 g 0 0 130 20 re f 0 g " + content(FALSE_WORDS, 2, 4, size=9), 130, 20))


@later
def button_state_switched(doc):
    field = doc.pick("field", suits=lambda obj: entry(obj, b"AS") is not None)
    state = b"/Off" if entry(field, b"AS") != b"/Off" else doc.rng.choice([b"/A", b"/B", b"/Yes"])
    doc.set(field, b"AS", state)
    if doc.rng.random() < 0.3:
        doc.set(field, b"V", state)


@later
def value_above_changed(doc):
    """The field above the widgets, which names what they show."""
    doc.set(doc.pick("field above"), *doc.rng.choice([(b"V", b"/B"), (b"V", b"(x)"), (b"Ff", b"0"), (b"FT", b"/Tx"), (b"DA", b"(/F1 20 Tf 1 0 0 rg)"), (b"Kids", b"[]"), (b"Opt", b"[(x)(y)]")]))


@later
def form_changed(doc):
    form = doc.pick("form")
    font = doc.new(pairs(Type=b"/Font", Subtype=b"/Type1", BaseFont=b"/Courier-Bold", Encoding=b"<</Differences[97/nine/nine/nine/nine/nine/nine/nine]>>"))
    changes = [
        (b"NeedAppearances", b"true"), (b"NeedAppearances", b"false"), (b"NeedAppearances", None), (b"DA", b"(/F1 30 Tf 1 0 0 rg)"), (b"DR", b"<</Font<</F1 %s/F2 %s>>>>" % (font, font)), (b"DR", None), (b"Q", b"2"),
        (b"Fields", b"[]"), (b"XFA", b"(<xdp/>)"), (b"CO", b"[11 0 R]"), (b"DR", b"<</Font<</F1 8 0 R/F2 63 0 R/Helv %s>>/Encoding<<>>>>" % font),
    ]  # fmt: skip
    for key, value in doc.rng.sample(changes, doc.rng.choice([1, 1, 2, 3])):
        doc.set(form, key, value)


@later
def appearances_needed_and_something_changed(doc):
    form = doc.pick("form")
    doc.set(form, b"NeedAppearances", b"true")
    field = doc.pick("field", suits=of_kind(b"/Tx", b"/Ch"))
    key, value = doc.rng.choice([(b"DA", b"(/F1 30 Tf 1 0 0 rg)"), (b"MK", b"<</BG[0 0 0]>>"), (b"Q", b"2"), (b"MaxLen", b"2"), (b"Ff", b"8192"), (b"AP", None), (b"V", b"(%s)" % FALSE_WORDS.encode()), (b"Opt", b"[[(%s)(x)]]" % FALSE_WORDS.encode())])
    doc.set(field, key, value)


@later
def font_of_the_form_changed(doc):
    obj = doc.pick("form font")
    doc.set(obj, *doc.rng.choice([(b"BaseFont", b"/Courier-Bold"), (b"Encoding", b"<</Differences[97/nine/nine/nine/nine/nine/nine/nine]>>"), (b"Subtype", b"/Type3")]))


@later
def form_exchanged(doc):
    catalog, form = doc.pick("catalog"), doc.pick("form")
    doc.set(catalog, b"AcroForm", doc.rng.choice([None, b"<</Fields[]>>", doc.new(put(form.value, b"NeedAppearances", b"true")), b"<</Fields%s>>" % get(form.value, b"Fields", b"[]")]))


@later
def field_added(doc):
    box = rectangle(doc.rng)
    drawn = appearance(doc, b"1 g 0 0 300 200 re f 0 g " + content(FALSE_WORDS, 4, 10), box[2] - box[0], box[3] - box[1])
    kind = doc.rng.choice([b"/Tx", b"/Sig", b"/Btn", b"/Ch"])
    field = pairs(Type=b"/Annot", Subtype=b"/Widget", FT=kind, T=b"(later)", F=4, Rect=b"[%d %d %d %d]" % box, AP=b"<</N %s>>" % drawn, V=b"(%s)" % FALSE_WORDS.encode())
    if kind == b"/Sig":
        field = [pair for pair in field if pair[0] != b"V"]
    if kind == b"/Sig" and doc.rng.random() < 0.5:
        # As if it was signed.
        field += pairs(V=doc.new(pairs(Type=b"/Sig", Filter=b"/Adobe.PPKLite", SubFilter=b"/adbe.pkcs7.detached", ByteRange=b"[0 0 0 0]", Contents=b"<00>")))
    number = doc.new(field)
    add_to_page(doc, number)
    if doc.rng.random() < 0.8:
        doc.append(doc.pick("form"), b"Fields", number)


@later
def signed_field_changed(doc):
    field = doc.pick("field", suits=of_kind(b"/Sig"))
    key, value = doc.rng.choice([
        (b"AP", b"<</N %s>>" % appearance(doc, b"1 g 0 0 120 40 re f 0 g " + content(FALSE_WORDS, 2, 9), 120, 40)), (b"Rect", b"[14 190 250 232]"), (b"F", b"2"), (b"MK", b"<</BG[0 0 0]>>"),
        (b"AP", None), (b"Lock", b"<</Action/All>>"),
    ])  # fmt: skip
    doc.set(field, key, value)


@later
def filled_in_and_something_else(doc):
    """What is allowed beside what is not."""
    from later import LATER

    LATER["field filled in"](doc)
    for name in doc.rng.sample(sorted(set(LATER) - {"filled in and something else"}), 8):
        try:
            LATER[name](doc)
            return
        except NoPlace:
            continue
    raise NoPlace
