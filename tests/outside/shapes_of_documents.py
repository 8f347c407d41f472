"""Further shapes: trees of pages and fields, annotations, forms, signatures, actions, and key files."""

import zlib

from shapes import Document, behind, count, covered, key_shape, packed, pick, shape, signature, signed, stream, written

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 240]/Contents 4 0 R%s>>"
DRAWN = {"Type": b"/XObject", "Subtype": b"/Form"}


def many(document, body, times):
    return [document.add(body) for _ in range(times)]


# Trees.


@shape
def page_trees(rng, size):
    document = Document()
    form = rng.randrange(7)
    if form == 0:
        document.kids += many(document, PAGE % b"", count(size, 110))
        document.count = len(document.kids)
    elif form == 1:
        # One page many times.
        document.kids *= count(size, 7)
        document.count = len(document.kids)
    elif form == 2:
        deep = count(size, 90)
        first = document.reserve(deep)
        for number in range(first, first + deep):
            following = number + 1 if number + 1 < first + deep else 3
            document.objects[number] = b"<</Type/Pages/Count 1/Parent %d 0 R/Kids[%d 0 R]>>" % (number - 1, following)
        document.kids = [b"%d 0 R" % first]
    elif form == 3:
        # Each level names the next one twice: doubled at every step.
        deep = pick(rng, 10, 24, 40, 90)
        first = document.reserve(deep)
        for number in range(first, first + deep):
            following = number + 1 if number + 1 < first + deep else 3
            document.objects[number] = b"<</Type/Pages/Count 1/Kids[%s]>>" % (b"%d 0 R " % following * pick(rng, 2, 2, 10))
        document.kids = [b"%d 0 R" % first]
    elif form == 4:
        document.kids.append(pick(rng, b"2 0 R", b"1 0 R", b"4 0 R", b"99999 0 R"))
        document.kids *= count(size, 12)
        document.count = pick(rng, 1, 10**9, -1, 2**63 - 1)
    elif form == 5:
        # Parents in a ring, above the page.
        ring = document.reserve(3)
        for number in range(ring, ring + 3):
            document.objects[number] = b"<</Type/Pages/Parent %d 0 R/Kids[3 0 R]/Count 1>>" % (ring + (number + 1 - ring) % 3)
        document.whole()
        document.objects[3] = document.objects[3].replace(b"/Parent 2 0 R", b"/Parent %d 0 R" % ring)
    else:
        # Many pages with long lists of contents that they share.
        contents = document.add(b"[" + b"4 0 R " * count(size // 2, 6) + b"]")
        document.kids += many(document, (PAGE % b"").replace(b"4 0 R", contents), count(size // 2, 110))
        document.count = len(document.kids)
    return document.bytes()


@shape
def field_trees(rng, size):
    document = Document()
    form = rng.randrange(6)
    kind = pick(rng, b"Tx", b"Sig", b"Btn", b"Ch")
    name = b"n" * pick(rng, 1, 1, 100, 3000)
    if form == 0:
        document.fields += many(document, b"<</FT/%s/T(%s)/V(value)/Rect[0 0 9 9]/Subtype/Widget>>" % (kind, name), count(size, 60 + len(name)))
    elif form == 1:
        # Names grow with every level.
        deep = count(size, 60 + len(name))
        first = document.reserve(deep)
        for number in range(first, first + deep):
            following = b"/Kids[%d 0 R]" % (number + 1) if number + 1 < first + deep else b"/FT/%s/V(x)" % kind
            document.objects[number] = b"<</T(%s)/Parent %d 0 R%s>>" % (name, number - 1, following)
        document.fields.append(b"%d 0 R" % first)
    elif form == 2:
        deep = pick(rng, 10, 20, 30, 60)
        first = document.reserve(deep)
        for number in range(first, first + deep):
            following = b"/Kids[%s]" % (b"%d 0 R " % (number + 1) * pick(rng, 2, 2, 8)) if number + 1 < first + deep else b"/FT/%s/V(x)" % kind
            document.objects[number] = b"<</T(%s)%s>>" % (name[:100], following)
        document.fields.append(b"%d 0 R" % first)
    elif form == 3:
        document.fields *= count(size, 7)
    elif form == 4:
        # One field with many widgets, a long name and a long list of choices.
        above = document.reserve()
        kids = many(document, b"<</Subtype/Widget/Parent %d 0 R/Rect[0 0 50 20]/P 3 0 R>>" % above, count(size // 3, 70))
        choices = b"[" + b"(choice)" * count(size // 3, 8) + b"]"
        document.objects[above] = b"<</FT/%s/T(x)/V(choice)/Kids[%s]/Opt%s>>" % (kind, b" ".join(kids), choices)
        document.fields.append(b"%d 0 R" % above)
        document.annotations += kids
    else:
        document.fields.append(b"5 0 R")
        ring = document.reserve(3)
        for number in range(ring, ring + 3):
            document.objects[number] = b"<</T(a)/Kids[%d 0 R 3 0 R]/Parent %d 0 R>>" % (ring + (number + 1 - ring) % 3, ring + (number + 2 - ring) % 3)
        document.fields += [b"%d 0 R" % ring] * count(size, 8)
    document.form = pick(rng, b"", b"/NeedAppearances true")
    return document.bytes()


@shape
def lists_of_annotations(rng, size):
    document = Document()
    form = rng.randrange(4)
    mark = b"<</Type/Annot/Subtype/Square/Rect[0 0 9 9]/F 4>>"
    if form == 0:
        document.annotations += many(document, mark, count(size, 70))
    elif form == 1:
        document.annotations += many(document, mark, 1) * count(size, 7)
    elif form == 2:
        document.annotations += [mark] * count(size, len(mark))
    else:
        # One long list, on many pages.
        shared = document.add(b"[" + b" ".join(document.annotations * count(size // 2, 7)) + b"]")
        document.kids += many(document, PAGE % (b"/Annots " + shared), count(size // 2, 125))
        document.count = len(document.kids)
    return document.bytes() if rng.random() < 0.6 else behind_all(document)


def behind_all(document):
    """The document's objects as a revision behind a small signed one."""
    objects = dict(document.whole())
    moved = {number: body for number, body in objects.items() if number not in (1, 5)}
    return behind(moved)


@shape
def fields_without_a_page(rng, size):
    """Signature fields that name no page, in a document of many pages."""
    document = Document(signatures=0)
    fields = pick(rng, 10, 100, 400)
    widgets = many(document, b"<</Type/Annot/Subtype/Widget/FT/Sig/T(f)/F 4/Rect[10 10 90 40]>>", fields)
    for index, number in enumerate(widgets):
        place = int(number.split()[0])
        document.objects[place] = document.objects[place].replace(b"(f)", b"(f%d)" % index)
    document.fields += widgets
    others = many(document, b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>", 20)
    pages = count(size, 300)
    document.kids += many(document, PAGE % (b"/Annots[" + b" ".join(others) + b"]"), pages - 1)
    document.kids.append(document.add(PAGE % (b"/Annots[" + b" ".join(widgets) + b"]")))
    document.count = len(document.kids)
    return document.bytes()


# Forms that have to be drawn.


@shape
def fields_to_be_drawn(rng, size):
    document = Document()
    document.form = b"/NeedAppearances true/DA(/F1 %d Tf 0 g)/DR<</Font<</F1 %s>>>>" % (pick(rng, 0, 0, 12, 1000000), font(document, rng, size // 4))
    text = b" ".join([pick(rng, b"word", b"w" * 500, b"\\n", b"i")] * count(pick(rng, size // 3, 2000), 5))
    flags = pick(rng, 0, 4096, 4096, 1 << 24, 8192, 1 << 17, 1 << 21)
    length = b"/MaxLen %d" % pick(rng, 5, 10**4, 10**6, 10**9, 2**63 - 1, -1) if rng.random() < 0.5 else b""
    rect = pick(rng, b"[0 0 100 20]", b"[0 0 1 1]", b"[0 0 1e9 1e9]", b"[0 0 0.0001 300]", b"[0 0 5000 5000]")
    if rng.random() < 0.3:
        options = document.add(b"[" + b"(one)[(a)(b)]" * count(size // 3, 13) + b"]")
        field = b"<</Type/Annot/Subtype/Widget/FT/Ch/T(f)/F 4/Rect%s/V(one)/Opt %s/TI %d/I[0 1]/Ff %d>>" % (rect, options, pick(rng, 0, 10**9), flags)
    else:
        field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(f)/F 4/Rect%s/V(%s)/Ff %d%s/Q 1>>" % (rect, text, flags, length)
    for index in range(count(size // 2, len(field))):
        number = document.add(field.replace(b"(f)", b"(f%d)" % index, 1))
        document.fields.append(number)
        document.annotations.append(number)
    return document.bytes()


@shape
def fields_that_share_a_long_value(rng, size):
    """One value, one list of choices or one font for all."""
    document = Document()
    value = document.add(pick(rng, b"(" + b"word " * count(size // 2, 5) + b")", stream(b"word " * count(size // 2, 5)), packed(b"word " * min(count(size * 50, 5), 2 * 10**6))))
    options = document.add(b"[" + b"(a)" * count(size // 3, 3) + b"]")
    document.form = pick(rng, b"/NeedAppearances true", b"") + b"/DA(/F1 0 Tf 0 g)/DR<</Font<</F1 %s>>>>" % font(document, rng, size // 4)
    kind = pick(rng, b"/FT/Tx/Ff 4096/V " + value, b"/FT/Ch/Opt %s/V %s" % (options, value), b"/FT/Ch/Opt %s/V(a)" % options, b"/FT/Tx/RV %s/V %s" % (value, value))
    for index in range(count(size // 3, 110)):
        number = document.add(b"<</Type/Annot/Subtype/Widget/T(f%d)/F 4/Rect[0 0 100 50]%s>>" % (index, kind))
        document.fields.append(number)
        document.annotations.append(number)
    return document.bytes()


def font(document, rng, size):
    return document.add(
        pick(
            rng,
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 0/LastChar %d/Widths[%s]>>" % (2**31 - 1, b"500 " * count(size, 4)),
            b"<</Type/Font/Subtype/TrueType/BaseFont/X/Encoding<</Differences[%s]>>>>" % (b"65/A " * count(size, 5)),
            b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor<</FontFile2 %s>>>>" % document.add(packed(b"\0\1\0\0" + b"\0" * min(size * 50, 10**7))),
        )
    )


# Signatures.


@shape
def many_signatures(rng, size):
    """Each with a revision of its own behind the others."""
    times = pick(rng, 5, 100, 101, 300)
    document = Document(signatures=times)
    document.add(stream(b"x" * size) if rng.random() < 0.5 else b"[" + b"0 " * (size // 2) + b"]")
    data = document.bytes()
    section, most = data.rindex(b"\nxref\n") + 1, document.next
    for index in range(times):
        field = int(document.fields[index].split()[0])
        objects = {most: signature(b"s%d" % index), field: document.objects[field].replace(b"/F 4", b"/F 4/V %d 0 R" % most)}
        start = len(data)
        data = written(objects, prefix=data, prev=section, size=most + 1)
        data = covered(data, start)
        section, most = data.rindex(b"\nxref\n") + 1, most + 1
    return data


@shape
def one_signature_for_many_fields(rng, size):
    document = Document(signatures=pick(rng, 2, 99, 101, count(size, 160)))
    number = document.next
    document.next += 1
    document.objects[number] = signature(b"x", reserved=pick(rng, 60, size))
    for field in document.fields:
        place = int(field.split()[0])
        document.objects[place] = document.objects[place].replace(b"/F 4", b"/F 4/V %d 0 R" % number)
    return covered(document.bytes())


def der(tag, *parts):
    value = b"".join(parts)
    length = bytes([len(value)]) if len(value) < 128 else (lambda raw: bytes([128 + len(raw)]) + raw)(len(value).to_bytes((len(value).bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + value


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytes([first * 40 + second])
    for part in rest:
        digits = [part & 127]
        while part := part >> 7:
            digits.append(128 | part & 127)
        out += bytes(reversed(digits))
    return der(6, out)


@shape
def values_of_signatures(rng, size):
    """What is in the signature's own value: certificates, attributes, nesting, numbers."""
    sha256 = der(48, oid("2.16.840.1.101.3.4.2.1"))
    name = der(48, *[der(49, der(48, oid("2.5.4.3"), der(12, b"x")))] * pick(rng, 1, 1, count(size, 14)))
    key = der(48, der(48, oid("1.2.840.113549.1.1.1"), b"\5\0"), der(3, b"\0" + der(48, der(2, b"\0\x80" + b"\1" * pick(rng, 255, 2047, size)), der(2, pick(rng, b"\1\0\1", b"\x7f" + b"\xff" * min(size, 2000))))))
    times = der(48, der(23, b"250101000000Z"), der(23, b"350101000000Z"))
    certificate = der(48, der(48, der(160, b"\2\1\2"), der(2, b"\7"), sha256, name, times, name, key), sha256, der(3, b"\0" + b"\1" * 256))
    certificates = der(160, certificate * (count(size, len(certificate)) if rng.random() < 0.6 else 1))
    attributes = der(160, der(48, oid("1.2.840.113549.1.9.3"), der(49, oid("1.2.840.113549.1.7.1"))) * pick(rng, 1, count(size, 30)))
    signer = der(48, b"\2\1\1", der(48, name, der(2, b"\7")), sha256, attributes, der(48, oid("1.2.840.113549.1.1.11"), b"\5\0"), der(4, b"\1" * 256))
    data = der(48, b"\2\1\1", der(49, sha256 * pick(rng, 1, count(size, 13))), der(48, oid("1.2.840.113549.1.7.1")), certificates, der(49, signer * pick(rng, 1, 1, count(size, len(signer)))))
    value = der(48, oid("1.2.840.113549.1.7.2"), der(160, data))
    value = pick(rng, value, value, nested_ber(rng, size), b"\x30\x84\xff\xff\xff\xff" + value, b"\x30\x80" + value[4:] + b"\0" * size)
    return signed(contents=value)[0]


def nested_ber(rng, size):
    """Values of no definite length, in one another or in a row; ends missing or not."""
    opening = pick(rng, b"\x30\x80", b"\x24\x80", b"\xa0\x80", b"\x30\x80\x30\x00")
    times = pick(rng, 60, 1000, count(size, 4))
    return pick(rng, opening * times + b"\0\0" * times, opening * times, b"\x24\x80" + b"\4\1x" * count(size, 3) + b"\0\0", b"\x30\x80" * 3 + b"\0\0" * count(size, 2), (b"\x24\x80" * 20 + b"\4\1x" + b"\0\0" * 20) * count(size, 83))


# What is compared behind a signature.


@shape
def marks_behind_a_signature(rng, size):
    """Many marks that share an appearance which unpacks to much, or has many states."""
    document = Document(signatures=2)
    data, section, most = signed(document)
    later = Document(signatures=0)
    later.next = most
    content = pick(rng, b"0 0 m 1 1 l S ", b"q Q ", b"[" + b"1 " * 99 + b"] 0 d ", b"1 0 0 1 0 0 cm ", b"/X Do ") * pick(rng, 20, 5000, 50_000)
    content = content[: 1024 * 1024 - 1]
    drawn = later.reserve()
    deep = b"/X %d 0 R " % drawn if rng.random() < 0.5 else b"/X %s " % later.add(packed(b"/X Do " * 100, BBox=b"[0 0 9 9]", Resources=b"<</XObject<</X %d 0 R>>>>" % drawn, **DRAWN))
    later.objects[drawn] = packed(content, BBox=b"[0 0 9 9]", Resources=b"<</XObject<<%s>>/ExtGState<</M<</BM/Multiply>>>>>>" % deep, **DRAWN)
    states = pick(rng, b"/N %d 0 R" % drawn, b"/N<<" + b"".join(b"/s%d %d 0 R" % (index, drawn) for index in range(64)) + b">>")
    shared = later.add(b"<<" + states + b">>")
    kind = pick(rng, b"Highlight", b"Text", b"Link", b"Square")
    marks = many(later, b"<</Type/Annot/Subtype/%s/Rect[0 0 9 9]/F 4/AP %s>>" % (kind, shared), count(size, 90))
    document.whole()
    page = document.objects[3].replace(b"/Annots[", b"/Annots[" + b" ".join(marks) + b" ")
    objects = {number: body for number, body in later.objects.items() if number >= most} | {3: page}
    return written(objects, prefix=data, prev=section, size=later.next)


@shape
def forms_behind_a_signature(rng, size):
    """Fields whose appearances are read once the form is drawn by viewers; they share what they show and what they choose from."""
    document = Document(signatures=2)
    text = pick(rng, b"(w) Tj ", b"/F1 9 Tf (w) Tj ", b"[(w) 1 (w)] TJ ") * pick(rng, 10, 5000, 60_000)
    drawn = document.add(packed(text[: 1024 * 1024 - 1], BBox=b"[0 0 9 9]", Resources=b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>", **DRAWN))
    options = document.add(b"[" + b"[(a)(b)]" * count(size // 4, 8) + b"]")
    value = document.add(b"(" + b"w" * count(pick(rng, 10, size // 4), 1) + b")")
    kind = pick(rng, b"/FT/Tx/V ", b"/FT/Ch/Opt %s/V " % options) + value
    for index in range(count(size // 2, 120)):
        number = document.add(b"<</Type/Annot/Subtype/Widget/T(f%d)/F 4/Rect[0 0 9 9]%s/AP<</N %s>>>>" % (index, kind, drawn))
        document.fields.append(number)
        document.annotations.append(number)
    data, section, most = signed(document)
    fonts = b"".join(b"/N%d<</Type/Font>>" % index for index in range(count(pick(rng, 10, size // 4), 24)))
    form = document.objects[5].replace(b"<<", b"<</NeedAppearances true/DA(/F1 9 Tf)/DR<</Font<<%s>>>>" % fonts, 1)
    return written({5: form}, prefix=data, prev=section, size=most)


@shape
def everything_changed_behind_a_signature(rng, size):
    """Many objects, each of which is another one than it was, or names what was not there."""
    document = Document(signatures=2)
    body = pick(rng, b"<</A %d 0 R>>", b"[%d 0 R]", b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Popup %d 0 R>>")
    first = document.next
    numbers = [int(document.add(body % (first + index + 1 if rng.random() < 0.9 else first)).split()[0]) for index in range(count(size // 2, 45))]
    document.annotations += [b"%d 0 R" % number for number in numbers]
    data, section, most = signed(document)
    return written({number: body % 3 for number in numbers}, prefix=data, prev=section, size=most)


# Active content and what is beside the pages.


@shape
def chains_of_actions(rng, size):
    document = Document()
    times = count(size, 70)
    first = document.reserve(times)
    for number in range(first, first + times):
        following = pick(rng, b"%d 0 R" % (number + 1), b"[%d 0 R %d 0 R]" % (number + 1, number + 1), b"%d 0 R" % first) if number + 1 < first + times else b"%d 0 R" % first
        document.objects[number] = b"<</S/%s/JS(x)/Next %s>>" % (pick(rng, b"JavaScript", b"Launch", b"URI"), following)
    document.catalog = pick(rng, b"/OpenAction %d 0 R" % first, b"/AA<</WC %d 0 R>>" % first, b"/Names<</JavaScript<</Names[(a)%d 0 R]>>>>" % first)
    return document.bytes()


@shape
def trees_of_names(rng, size):
    document = Document()
    key = pick(rng, b"JavaScript", b"EmbeddedFiles", b"Dests", b"AP")
    if rng.random() < 0.5:
        names = b"".join(b"(%d)<</S/JavaScript/JS(x)/Type/Filespec/F(x)>>" % index for index in range(count(size, 50)))
        document.catalog = b"/Names<</%s<</Names[%s]>>>>" % (key, names)
    else:
        deep = pick(rng, 10, 30, 90, count(size, 40))
        first = document.reserve(deep)
        for number in range(first, first + deep):
            following = number + 1 if number + 1 < first + deep else first
            document.objects[number] = b"<</Kids[%s]>>" % (b"%d 0 R " % following * pick(rng, 1, 2, 5))
        document.catalog = b"/Names<</%s %d 0 R>>" % (key, first)
    return document.bytes()


@shape
def resources_within_one_another(rng, size):
    """Forms that draw the next one twice, fonts and states that lead back."""
    document = Document()
    deep = pick(rng, 10, 30, count(size, 150))
    first = document.reserve(deep)
    for number in range(first, first + deep):
        following = number + 1 if number + 1 < first + deep else first
        document.objects[number] = stream(b"/X Do /X Do", BBox=b"[0 0 300 240]", Resources=b"<</XObject<</X %d 0 R>>>>" % following, **DRAWN)
    mark = document.add(b"<</Type/Annot/Subtype/Highlight/Rect[0 0 99 99]/F 4/AP<</N %d 0 R>>>>" % first)
    document.annotations += [mark] * pick(rng, 1, count(size // 2, 7))
    document.whole()
    document.objects[3] = document.objects[3].replace(b"/Resources<<", b"/Resources<</XObject<</X %d 0 R>>" % first)
    document.objects[4] = stream(b"/X Do")
    return document.bytes()


# Key files.


def archive(rng, protected, mac_iterations=1, salt=b"12345678"):
    data = der(48, oid("1.2.840.113549.1.7.1"), der(160, der(4, protected)))
    mac = der(48, der(48, der(48, oid("2.16.840.1.101.3.4.2.1"), b"\5\0"), der(4, b"\1" * 32)), der(4, salt), integer(mac_iterations))
    return der(48, integer(3), data, mac)


def integer(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def scheme(rng):
    """How a key is made from the password, dearly."""
    huge = pick(rng, 2**31 - 1, 10**6, 10**7, 2**62, 10_000)
    salt = der(4, b"s" * pick(rng, 8, 8, 5000))
    aes = der(48, oid("2.16.840.1.101.3.4.1.42"), der(4, b"i" * 16))
    scrypt = der(48, oid("1.3.6.1.4.1.11591.4.11"), der(48, salt, integer(pick(rng, 2**14, 2**17, 2**20, 2**30, 2**62)), integer(pick(rng, 8, 1, 1024, 2**30)), integer(pick(rng, 1, 16, 2**29))))
    pbkdf2 = der(48, oid("1.2.840.113549.1.5.12"), der(48, salt, integer(huge), der(48, oid("1.2.840.113549.2.9"), b"\5\0")))
    pbes2 = der(48, oid("1.2.840.113549.1.5.13"), der(48, pick(rng, scrypt, pbkdf2), aes))
    pkcs12 = der(48, oid(pick(rng, "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.6")), der(48, salt, integer(huge)))
    return pick(rng, pbes2, pbes2, pkcs12)


@key_shape
def keys_that_are_dear_to_derive(rng, size):
    bag = lambda: der(48, oid("1.2.840.113549.1.12.10.1.2"), der(160, der(48, scheme(rng), der(4, b"\0" * 64))))
    times = pick(rng, 1, 1, 50, 255, count(size, 150))
    bags = der(48, *[bag()] * times)
    safes = [der(48, oid("1.2.840.113549.1.7.1"), der(160, der(4, bags)))]
    if rng.random() < 0.5:
        encrypted = lambda: der(48, oid("1.2.840.113549.1.7.6"), der(160, der(48, integer(0), der(48, oid("1.2.840.113549.1.7.1"), scheme(rng), der(128, b"\0" * 64)))))
        safes += [encrypted() for _ in range(pick(rng, 1, 30, 40))]
    return archive(rng, der(48, *safes), pick(rng, 1, 1, 2**31 - 1, 10**6, 2**62))


@key_shape
def bags_in_bags(rng, size):
    bags = der(48, der(48, oid("1.2.840.113549.1.12.10.1.3"), der(160, der(48, oid("1.2.840.113549.1.9.22.1"), der(160, der(4, b"\0" * 20))))))
    for _ in range(pick(rng, 5, 50, min(2000, count(size, 30)))):
        bags = der(48, der(48, oid("1.2.840.113549.1.12.10.1.6"), der(160, bags)) * pick(rng, 1, 1, 2 if len(bags) < size else 1))
    return archive(rng, der(48, der(48, oid("1.2.840.113549.1.7.1"), der(160, der(4, bags))) * pick(rng, 1, 5)))


@key_shape
def keys_in_odd_ber(rng, size):
    return pick(rng, nested_ber(rng, size), archive(rng, nested_ber(rng, size)), b"\x30\x80\2\1\3" + nested_ber(rng, size), b"\x30\x84\x7f\xff\xff\xff\2\1\3", zlib.compress(b"\0" * size))
