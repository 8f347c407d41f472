"""The fields of a form as pikepdf finds them, by an own walk: what ours is compared with."""

from dataclasses import dataclass, field as made

import pikepdf

READ_ONLY, MULTILINE, PASSWORD, RADIO, PUSH_BUTTON, COMBO, COMB = 1, 1 << 12, 1 << 13, 1 << 15, 1 << 16, 1 << 17, 1 << 24
#: Of a widget: not shown on a screen.
INVISIBLE = 1 << 1 | 1 << 5
MAX_DEPTH, MAX_FIELDS = 32, 20_000


@dataclass
class Widget:
    page: int
    #: Left, bottom, right, top, as in the file.
    rect: tuple
    shown: bool
    states: list
    annotation: object = made(repr=False)


@dataclass
class Field:
    name: str
    kind: str
    flags: int
    node: object = made(repr=False)
    widgets: list = made(default_factory=list)

    @property
    def fillable(self):
        return self.kind in ("/Tx", "/Ch") or self.kind == "/Btn" and not self.flags & PUSH_BUTTON

    def get(self, key, default=None):
        """An entry of the field or of one it inherits from."""
        node = self.node
        for _ in range(MAX_DEPTH):
            if key in node:
                return node[key]
            if not isinstance(node.get("/Parent"), pikepdf.Dictionary):
                break
            node = node["/Parent"]
        return default


def all_fields(document):
    """Every terminal field, in the order of the form."""
    form = document.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary):
        return []
    pages = {}
    for number, page in enumerate(document.pages):
        annotations = page.obj.get("/Annots")
        for annotation in annotations if isinstance(annotations, pikepdf.Array) else ():
            if annotation.is_indirect:
                pages.setdefault(annotation.objgen, number)
    found, seen = [], set()
    roots = form.get("/Fields")
    stack = [(node, "", None, 0, 0) for node in reversed(list(roots) if isinstance(roots, pikepdf.Array) else [])]
    while stack and len(found) < MAX_FIELDS:
        node, name, kind, flags, depth = stack.pop()
        if not isinstance(node, pikepdf.Dictionary) or depth > MAX_DEPTH or node.is_indirect and node.objgen in seen:
            continue
        if node.is_indirect:
            seen.add(node.objgen)
        if "/T" in node:
            name = f"{name}.{node['/T']}" if name else str(node["/T"])
        kind, flags = node.get("/FT", kind), int(node.get("/Ff", flags))
        kids = node.get("/Kids")
        kids = [kid for kid in kids if isinstance(kid, pikepdf.Dictionary)] if isinstance(kids, pikepdf.Array) else []
        if any("/T" in kid for kid in kids):
            stack += [(kid, name, kind, flags, depth + 1) for kid in reversed(kids)]
            continue
        field = Field(name, str(kind), flags, node)
        for annotation in widgets_below(kids) or [node]:
            if annotation.get("/Subtype") == "/Widget" and annotation.is_indirect and annotation.objgen in pages:
                field.widgets.append(widget(annotation, pages[annotation.objgen]))
        found.append(field)
    return found


def widgets_below(kids, depth=0):
    """The kids, and theirs where one is a node without a name of its own."""
    found = []
    for kid in kids:
        below = kid.get("/Kids")
        if isinstance(below, pikepdf.Array) and depth < MAX_DEPTH:
            found += widgets_below([each for each in below if isinstance(each, pikepdf.Dictionary)], depth + 1)
        else:
            found.append(kid)
    return found


def widget(annotation, page):
    rect = annotation.get("/Rect")
    numbers = [float(value) for value in rect] if isinstance(rect, pikepdf.Array) and len(rect) == 4 else [0.0] * 4
    left, right = sorted(numbers[0::2])
    bottom, top = sorted(numbers[1::2])
    normal = annotation.get("/AP", {}).get("/N") if isinstance(annotation.get("/AP"), pikepdf.Dictionary) else None
    states = [] if not isinstance(normal, pikepdf.Dictionary) or isinstance(normal, pikepdf.Stream) else [str(key)[1:] for key in normal.keys()]
    shown = not int(annotation.get("/F", 0)) & INVISIBLE and right - left > 0 and top - bottom > 0
    return Widget(page, (left, bottom, right, top), shown, states, annotation)


def fillable_fields(document):
    """Those that a person fills in: not read-only, on a page."""
    return [field for field in all_fields(document) if field.fillable and field.name and field.widgets and not field.flags & READ_ONLY]
