"""Shapes of hostile forms: what is dear to who fills, flattens or merges without care. The fields `t0`, `c0`, `l0` and `long` are filled (`hostile.VALUES`)."""

import zlib

from shapes import Document, count, form_shape, packed, pick, stream
from shapes_of_documents import DRAWN, font

#: Zeros that pack to a thousandth.
MOST_UNPACKED = 30 * 10**6


def widget(document, body, where=True):
    """A field that is its own widget, on the page."""
    number = document.add(b"<</Type/Annot/Subtype/Widget/F 4" + body + b">>")
    document.fields.append(number)
    if where:
        document.annotations.append(number)
    return number


def text_field(document, name=b"t0", more=b"", rect=b"[10 50 200 70]"):
    return widget(document, b"/FT/Tx/T(%s)/Rect%s%s" % (name, rect, b"" if b"/DA" in more else b"/DA(/F1 10 Tf 0 g)") + more)


def plain_font(document):
    document.form += b"/DR<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>>>>>"


@form_shape
def cycles_of_fields(rng, size):
    document = Document(0)
    plain_font(document)
    ring = document.reserve(3)
    kids = pick(rng, 1, 2, 3)
    for number in range(ring, ring + 3):
        following = [ring + (number + step - ring) % 3 for step in range(1, kids + 1)]
        body = b"<</T(t0)/FT/Tx/Subtype/Widget/Rect[0 0 99 20]/Kids[%s]/Parent %d 0 R>>"
        document.objects[number] = body % (b" ".join(b"%d 0 R" % each for each in following), pick(rng, *following))
    document.fields += [b"%d 0 R" % ring] * count(size, 8)
    own = document.next
    widget(document, b"/FT/Tx/T(t0)/Rect[0 0 99 20]/DA(/F1 9 Tf)/Parent %d 0 R" % own)
    return document.bytes()


@form_shape
def kids_in_masses(rng, size):
    """One field with very many widgets: texts, or buttons with as many states."""
    document = Document(0)
    plain_font(document)
    many = count(size, 130)
    field = document.reserve()
    kind = pick(rng, b"t", b"c", b"r")
    kids = []
    for index in range(many):
        look = b"/AP<</N<</S%d 4 0 R/Off 4 0 R>>>>/AS/Off" % (index if kind == b"r" else 0) if kind != b"t" else b"/DA(/F1 9 Tf)"
        kids.append(document.add(b"<</Type/Annot/Subtype/Widget/F 4/Parent %d 0 R/Rect[0 %d 99 %d]%s>>" % (field, index % 200, index % 200 + 20, look)))
    head = {b"t": b"/FT/Tx/T(t0)", b"c": b"/FT/Btn/T(c0)", b"r": b"/FT/Btn/Ff 32768/T(l0)"}[kind]
    document.objects[field] = b"<<" + head + b"/Kids[" + b" ".join(kids) + b"]>>"
    document.fields.append(b"%d 0 R" % field)
    document.annotations += kids
    return document.bytes()


@form_shape
def lengths_and_combs_without_end(rng, size):
    document = Document(0)
    plain_font(document)
    for index in range(count(size, 190)):
        length = pick(rng, 2**31, 2**31 - 1, 10**6, 10**6, 2**63, 10**30, -1, 0)
        flags = pick(rng, 1 << 24, 1 << 24, 0, 1 << 12)
        rect = pick(rng, b"[0 0 14400 14400]", b"[10 10 200 30]", b"[0 0 1e9 10]", b"[-1e38 -1e38 1e38 1e38]", b"[0 0 0.001 0.001]")
        text_field(document, pick(rng, b"t%d" % (index % 10), b"long"), b"/MaxLen %d/Ff %d/MK<</BC[0 0 0]>>" % (length, flags), rect)
    return document.bytes()


@form_shape
def rectangles_of_all_sizes(rng, size):
    """Lines in a field that is nearly empty or nearly without room, at sizes that are chosen or none."""
    document = Document(0)
    plain_font(document)
    numbers = (b"0", b"1", b"0.0001", b"14400", b"-14400", b"1e38", b"99999999999", b"300")
    for index in range(count(size, 200)):
        rect = b"[%s %s %s %s]" % tuple(pick(rng, *numbers) for _ in range(4))
        letters = pick(rng, b"0", b"0", b"0.001", b"1e9", b"300", b"-12")
        more = b"/DA(/F1 %s Tf 0 g)/Ff %d/Q %d/MK<</R %d>>" % (letters, pick(rng, 0, 4096, 4096), pick(rng, 0, 1, 2, 99), pick(rng, 0, 90, 45, 270))
        text_field(document, pick(rng, b"t%d" % (index % 10), b"long"), more, rect)
    return document.bytes()


@form_shape
def appearances_that_are_long_programs(rng, size):
    """Default appearances: one for all fields, one for each, or nested."""
    document = Document(0)
    unit = pick(rng, b"/F1 10 Tf ", b"0 g ", b"[", b"<<", b"\\\\( ", b"q ", b"/F1 0 Tf 1 0 0 rg BT ET ", b"% ")
    plain_font(document)
    if rng.random() < 0.5:
        # Inherited by all.
        shared = document.add(b"(" + unit * count(size // 2, len(unit)) + b"/F1 10 Tf)")
        document.form += b"/DA " + shared
        for index in range(count(size // 2, 150)):
            widget(document, b"/FT/Tx/T(t%d)/Rect[0 0 100 20]" % (index % 300))
    else:
        text_field(document, b"t0", b"/DA(" + unit * count(size, len(unit)) + b"/F1 10 Tf)")
    return document.bytes()


@form_shape
def appearances_within_one_another(rng, size):
    """Each draws the next one twice, or itself; their programs are bombs."""
    document = Document(0)
    plain_font(document)
    deep = pick(rng, 10, 30, count(size, 150))
    first = document.reserve(deep)
    bomb = packed(b"q Q " * (min(size * 200, MOST_UNPACKED) // 4), BBox=b"[0 0 9 9]", **DRAWN)
    for number in range(first, first + deep):
        following = number + 1 if number + 1 < first + deep else pick(rng, first, number)
        resources = b"<</XObject<</X %d 0 R>>>>" % following
        document.objects[number] = bomb if rng.random() < 20 / deep else stream(b"/X Do /X Do", BBox=b"[0 0 300 240]", Resources=resources, **DRAWN)
    for index in range(pick(rng, 1, count(size // 2, 200))):
        look = pick(rng, b"/FT/Tx/AP<</N %d 0 R>>", b"/FT/Btn/AS/Yes/AP<</N<</Yes %d 0 R/Off 4 0 R>>>>", b"/FT/Btn/Ff 65536/MK<</I %d 0 R>>") % first
        widget(document, b"/T(%s)/Rect[0 0 99 20]/DA(/F1 9 Tf)" % pick(rng, b"t0", b"c0", b"x%d" % index) + look)
    return document.bytes()


@form_shape
def fonts_of_a_form(rng, size):
    """Many, or one that unpacks to a bomb: its program, its table of characters, its widths, its names of glyphs."""
    document = Document(0)
    unpacked = min(size * 300, MOST_UNPACKED)
    maps = b"1 begincodespacerange <00> <ff> endcodespacerange\n" + b"1 beginbfrange <0000> <ffff> <0000> endbfrange\n" * (unpacked // 48)
    bombs = (
        b"<</Type/Font/Subtype/TrueType/BaseFont/A/ToUnicode %s>>" % document.add(packed(maps)),
        b"<</Type/Font/Subtype/TrueType/BaseFont/A/FirstChar 32/LastChar 255/Widths[%s]/FontDescriptor<</FontFile2 %s>>>>"
        % (b"500 " * 224, document.add(packed(b"\0\1\0\0\0\x04" + b"\0" * unpacked))),
        b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/W[%s]>>]>>" % (b"0 65535 9 " * count(size // 2, 10)),
        b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding %s/DescendantFonts[<</Type/Font/Subtype/CIDFontType2>>]>>" % document.add(packed(maps, Type=b"/CMap")),
        b"<</Type/Font/Subtype/Type3/FontMatrix[1 0 0 1 0 0]/CharProcs<<%s>>/Encoding<</Differences[0%s]>>>>" % (b"/a 4 0 R" * count(size // 4, 8), b"/a" * count(size // 4, 2)),
        font(document, rng, size),
    )
    which = pick(rng, *bombs)
    shared = document.add(which)
    times = pick(rng, 1, count(size // 3, 20))
    document.form = b"/DA(/F1 10 Tf)/DR<</Font<</F1 %s%s>>>>" % (shared, b"".join(b"/G%d %s" % (index, shared) for index in range(times)))
    for index in range(pick(rng, 1, count(size // 3, 150))):
        text_field(document, b"t%d" % (index % 20), b"/DA(/%s 10 Tf)" % pick(rng, b"F1", b"G%d" % (index % times)))
    return document.bytes()


@form_shape
def choices_in_masses(rng, size):
    """One list of choices for all fields, or a long one each."""
    document = Document(0)
    plain_font(document)
    unit = pick(rng, b"(one)", b"[(one)(two)]", b"()", b"[[[(one)]]]", b"(" + b"long" * 1000 + b")")
    options = document.add(b"[" + unit * count(size // 2, len(unit)) + b"(one)]")
    for index in range(count(size // 2, 190)):
        body = b"/FT/Ch/T(l%d)/Opt %s/Ff %d/TI %d/Rect[0 0 99 %d]/DA(/F1 9 Tf)" % (index % 10, options, pick(rng, 0, 1 << 17, 1 << 21), pick(rng, 0, 10**9), pick(rng, 20, 14400))
        widget(document, body)
    return document.bytes()


@form_shape
def names_without_end(rng, size):
    """A tree whose full names together are as long as the square of the file, or one long name."""
    document = Document(0)
    plain_font(document)
    if rng.random() < 0.3:
        long = pick(rng, b"n", b".", b"\\000", b"\xff") * (size // 2)
        text_field(document, long)
        text_field(document, long)
        return document.bytes()
    deep = count(size // 2, 260)
    part = pick(rng, b"a", b"a" * 100, b"")
    first = document.reserve(deep)
    document.fields.append(b"%d 0 R" % first)
    for number in range(first, first + deep):
        leaf = document.add(b"<</Type/Annot/Subtype/Widget/FT/Tx/T(x)/F 4/Rect[0 0 99 20]/DA(/F1 9 Tf)/Parent %d 0 R>>" % number)
        document.annotations.append(leaf)
        next_one = b" %d 0 R" % (number + 1) if number + 1 < first + deep else b""
        parent = b"/Parent %d 0 R" % (number - 1) if number > first else b""
        document.objects[number] = b"<</T(%s)/Kids[%s%s]%s>>" % (part, leaf, next_one, parent)
    return document.bytes()


@form_shape
def attributes_that_many_pages_inherit(rng, size):
    """What is written once at the root would be written anew on each page."""
    document = Document(0)
    plain_font(document)
    text_field(document)
    names = b"".join(b"/N%d 4 0 R" % index for index in range(count(size // 2, 12)))
    held = b"/Resources<</XObject<<" + names + b">>/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/MediaBox[0 0 300 240]/Rotate 0"
    bare = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"
    document.kids += [document.add(bare) for _ in range(count(size // 2, 60))]
    document.count = len(document.kids)
    document.objects[2] = b"<</Type/Pages/Kids[" + b" ".join(document.kids) + b"]/Count %d%s>>" % (document.count, held)
    return document.bytes()


@form_shape
def contents_and_annotations_of_many_pages(rng, size):
    """One long list of streams, or of fields, on many pages; or the streams are bombs."""
    document = Document(0)
    plain_font(document)
    text_field(document)
    bomb = document.add(packed(b"q Q " * (min(size * 200, MOST_UNPACKED) // 4)))
    streams = document.add(b"[" + b" ".join([pick(rng, b"4 0 R", bomb)] * pick(rng, 1, count(size // 3, 8))) + b"]")
    fields = [text_field(document, b"t%d" % index) for index in range(pick(rng, 1, count(size // 3, 130)))]
    shared = document.add(b"[" + b" ".join(fields) + b"]")
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 240]/Contents %s/Annots %s>>" % (streams, shared)
    document.kids += [document.add(page) for _ in range(count(size // 3, 110))]
    document.count = len(document.kids)
    return document.bytes()


@form_shape
def xfa_of_any_size(rng, size):
    document = Document(0)
    plain_font(document)
    text_field(document)
    unpacked = b"<xdp>" + b"<a/>" * (min(size * 500, 50 * 10**6) // 4)
    part = document.add(packed(unpacked) if rng.random() < 0.6 else stream(b"<xdp>" + b"x" * size))
    document.form += pick(rng, b"/XFA " + part, b"/XFA[" + b"(part)%s" % part * count(size // 4, 15) + b"]", b"/XFA[[[[(a)]]]]")
    return document.bytes()


@form_shape
def states_in_masses(rng, size):
    """Buttons without looks, with looks that are no streams, with very many states."""
    document = Document(0)
    plain_font(document)
    states = b"".join(b"/S%d %s" % (index, pick(rng, b"4 0 R", b"null", b"99999 0 R", b"<<>>")) for index in range(count(size // 2, 10)))
    many = document.add(b"<<" + states + b"/Off 4 0 R>>")
    for index in range(count(size // 2, 140)):
        look = pick(rng, b"/AP<</N %s>>" % many, b"", b"/AP<</N 4 0 R>>", b"/AP<</D %s>>" % many)
        widget(document, b"/FT/Btn/Ff %d/T(%s)/Rect[0 0 %d 20]/MK<</CA(%s)>>" % (pick(rng, 0, 32768, 65536), pick(rng, b"c0", b"l0", b"b%d" % index), pick(rng, 20, 14400), b"8" * pick(rng, 1, 30)) + look)
    return document.bytes()


@form_shape
def pictures_as_buttons(rng, size):
    """Images whose sizes are lies, and bombs, as what a field shows before it is filled."""
    document = Document(0)
    plain_font(document)
    pixels = zlib.compress(b"\0" * min(size * 500, MOST_UNPACKED), 9)
    image = document.add(stream(pixels, Type=b"/XObject", Subtype=b"/Image", Width=pick(rng, 1, 65535, 2**31), Height=pick(rng, 1, 65535, 2**31), ColorSpace=b"/DeviceRGB", BitsPerComponent=8, Filter=b"/FlateDecode"))
    look = document.add(stream(b"/I Do", BBox=b"[0 0 99 20]", Resources=b"<</XObject<</I %s>>>>" % image, **DRAWN))
    for index in range(count(size, 250)):
        widget(document, b"/FT/Btn/Ff 65536/T(b%d)/Rect[0 0 99 20]/MK<</I %s/TP 1>>/AP<</N %s>>" % (index, image, look))
    text_field(document)
    return document.bytes()


@form_shape
def rich_text_and_calculations(rng, size):
    """What a filled field has to lose: its rich text, its scripts, its place in the order of calculation."""
    document = Document(0)
    plain_font(document)
    script = document.add(stream(b"x" * (size // 3)))
    rich = b"/RV %s/DS(%s)/AA<</K<</S/JavaScript/JS %s>>/F<</S/JavaScript/JS %s>>>>" % (script, b"font" * 100, script, script)
    fields = [text_field(document, b"t%d" % index, rich) for index in range(count(size // 3, 700))]
    order = document.add(b"[" + b" ".join(fields * pick(rng, 1, count(size // 3, 8 * len(fields)))) + b"]")
    document.form += b"/CO " + order
    document.catalog = b"/OpenAction<</S/JavaScript/JS %s>>/Perms<</UR3 %s>>/Outlines %s" % (script, script, order)
    return document.bytes()


