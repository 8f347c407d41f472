"""Where signature fields stand on their pages, as the viewers show them."""

import logging

import pikepdf

logging.getLogger("pikepdf").setLevel(logging.CRITICAL)


def widget_boxes(path, names):
    """(page, left, top, right, bottom) of the widgets of the named fields, in points from the upper left corner of the page as it is
    shown; of all fields where `names` is None. Empty where the file cannot be read: then nothing is masked and a seal that is shown counts as a
    difference."""
    boxes = []
    try:
        with pikepdf.open(path) as document:
            for number, page in enumerate(document.pages):
                for annotation in page.obj.get("/Annots", []):
                    if annotation.get("/Subtype") == "/Widget" and (names is None or name_of(annotation) in names):
                        boxes.append((number, *shown(page, [float(value) for value in annotation.Rect])))
    except (pikepdf.PdfError, AttributeError, TypeError, ValueError):
        pass
    return boxes


def mask_boxes(path, masks):
    """What a seal says it draws into, as boxes as in `widget_boxes`: the signatures, and the values of a form whose flag NeedAppearances
    told viewers to draw them."""
    try:
        with pikepdf.open(path) as document:
            return [(mask["page"], *shown(document.pages[mask["page"]], mask["rect"])) for mask in masks]
    except (pikepdf.PdfError, AttributeError, TypeError, ValueError, IndexError):
        return []


def annotation_boxes(path):
    """The annotations of the pages that are no widgets: each as text, and its box as in `widget_boxes`, around its corners too."""
    found = []
    try:
        with pikepdf.open(path) as document:
            for number, page in enumerate(document.pages):
                for annotation in page.obj.get("/Annots", []):
                    if not isinstance(annotation, pikepdf.Dictionary) or annotation.get("/Subtype") == "/Widget":
                        continue
                    points = [float(value) for value in [*annotation.Rect, *annotation.get("/QuadPoints", [])]]
                    left, bottom, right, top = min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])
                    # A highlight has round ends, a line is as thick as it is.
                    edge = min(40, 4 + 0.3 * (top - bottom))
                    around = (left - edge, bottom - edge, right + edge, top + edge)
                    found.append((annotation.unparse(resolved=True), (number, *shown(page, around))))
    except (pikepdf.PdfError, AttributeError, TypeError, ValueError):
        pass
    return found


def name_of(field):
    """The fully qualified name: partial names from the root, joined by periods."""
    parts = []
    for _ in range(32):
        if "/T" in field:
            parts.append(str(field["/T"]))
        if "/Parent" not in field:
            break
        field = field["/Parent"]
    return ".".join(reversed(parts))


def shown(page, rectangle):
    """A rectangle of the page's space as left, top, right, bottom of the page as it is shown: cut to its crop box and turned."""
    x1, x2 = sorted((rectangle[0], rectangle[2]))
    y1, y2 = sorted((rectangle[1], rectangle[3]))
    box = [float(value) for value in page.cropbox]
    left, right = sorted((box[0], box[2]))
    bottom, top = sorted((box[1], box[3]))
    turned = int(inherited(page.obj, "/Rotate", 0)) % 360
    if turned == 90:
        return y1 - bottom, x1 - left, y2 - bottom, x2 - left
    if turned == 180:
        return right - x2, y1 - bottom, right - x1, y2 - bottom
    if turned == 270:
        return top - y2, right - x2, top - y1, right - x1
    return x1 - left, top - y2, x2 - left, top - y1


def inherited(node, key, default):
    for _ in range(32):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    return default
