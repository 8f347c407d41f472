"""Plausible values for the fields of a form, and the same values as another program fills them in."""

import hashlib
import re

import pikepdf

from form_fields import COMB, MULTILINE, PASSWORD, all_fields, fillable_fields

PHRASES = ("Núria Güell i Ferrándiz", "Barcelona 08001", "Zürich Straße 12", "Anna Smith", "jose.perez@example.org", "1.234,56 EUR", "Łódź i Plzeň", "Αθήνα 2027")
#: Of a character, in parts of the font size: some are wider, most are not.
CHARACTER = 0.62
SMALLEST, USUAL = 4.0, 12.0


def chosen(name, count):
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4], "big") % count


def plausible(described, document):
    """A value by name for each field to fill, as `inspect` of ours describes them; sizes and fonts are looked up in the document."""
    places = {}
    for field in fillable_fields(document):
        places.setdefault(field.name, []).append(field)
    values = {}
    for field in described:
        if not field["fillable"] or field["read_only"] or field["name"] not in places:
            continue
        value = value_of(field, places[field["name"]], document)
        if value is not None:
            values[field["name"]] = value
    return values


def value_of(field, places, document):
    options = [export for export, _ in field["options"]]
    if field["kind"] == "CheckBox" and len(options) < 2:
        return "true"
    if field["kind"] in ("CheckBox", "Radio", "ComboBox", "ListBox"):
        usable = [option for option in options if option not in ("", "Off")]
        return usable[chosen(field["name"], len(usable))] if usable else None
    return text_of(field, places, document)


def text_of(field, places, document):
    """A piece of a phrase as long as the smallest of the field's places has room for."""
    limit = field["max_length"] if field["max_length"] is not None else 1000
    if any(place.flags & COMB for place in places) and limit:
        return "".join(str((chosen(field["name"], 10) + index) % 10) for index in range(limit))
    phrase, room = PHRASES[chosen(field["name"], len(PHRASES))], 1000
    # Widgets that pikepdf does not find as such may be narrower.
    known = {(widget.page, *map(round, widget.rect)) for place in places for widget in place.widgets}
    for page, (left, _, right, _) in field["places"]:
        if not any(each[0] == page and abs(each[1] - left) <= 1 and abs(each[3] - right) <= 1 for each in known):
            room = min(room, int((right - left - 5) / (CHARACTER * USUAL)))
    for place in places:
        for widget in place.widgets:
            left, bottom, right, top = widget.rect
            width, height = (top - bottom, right - left) if turned(widget) else (right - left, top - bottom)
            size = font_size(place, widget, document) or max(SMALLEST, min(USUAL, height * 0.6))
            if place.flags & MULTILINE and not font_size(place, widget, document):
                size = min(size, USUAL)
            room = min(room, int((width - 5) / (CHARACTER * size)))
            if place.flags & MULTILINE and height > 4 * size and room >= 6 and limit > 20:
                phrase = f"{phrase}\n{PHRASES[(chosen(field['name'], len(PHRASES)) + 1) % len(PHRASES)]}"
    lines = [line[: max(1, room)].strip() for line in phrase.split("\n")]
    return "\n".join(lines)[:limit].strip() or None


def turned(widget):
    look = widget.annotation.get("/MK")
    return isinstance(look, pikepdf.Dictionary) and int(look.get("/R", 0)) % 180 == 90


def font_size(field, widget, document):
    """In points, 0 where the field leaves it to the program that fills it."""
    form = document.Root.AcroForm
    appearance = widget.annotation.get("/DA", field.get("/DA", form.get("/DA", "")))
    found = re.findall(r"(-?[\d.]+)\s+Tf", str(appearance))
    try:
        return abs(float(found[-1])) if found else 0.0
    except ValueError:
        return 0.0


def filled_by_viewers(document, values):
    """The values put into the document as plainly as can be: the viewer has to draw them. Where `values` is None, all texts are taken out."""
    document.Root.AcroForm.NeedAppearances = True
    for field in all_fields(document):
        if not field.fillable or not field.widgets or values is not None and field.name not in values:
            continue
        if field.kind == "/Btn":
            if values is not None:
                press(field, values[field.name])
            continue
        field.node["/V"] = pikepdf.String("" if values is None else values[field.name].replace("\n", "\r"))
        for key in ("/I", "/RV"):
            if key in field.node:
                del field.node[key]
        for widget in field.widgets:
            if "/AP" in widget.annotation:
                del widget.annotation["/AP"]


def press(field, value):
    states = {state for widget in field.widgets for state in widget.states if state != "Off"}
    state = value
    if state not in states:
        exported = [str(option) for option in field.get("/Opt", [])]
        place = exported.index(value) if value in exported else 0
        own = [state for state in field.widgets[min(place, len(field.widgets) - 1)].states if state != "Off"]
        state = own[0] if own else "Yes"
    field.node["/V"] = pikepdf.Name("/" + state)
    for widget in field.widgets:
        widget.annotation["/AS"] = pikepdf.Name("/" + (state if state in widget.states else "Off"))


def read_back(document, values):
    """What is wrong with the values in a filled form, as pikepdf reads them."""
    wrong, seen = [], set()
    for field in all_fields(document):
        if field.name not in values or not field.fillable or not field.widgets:
            continue
        seen.add(field.name)
        wanted, found = values[field.name], field.get("/V")
        if field.kind == "/Btn":
            states = {str(widget.annotation.get("/AS", "/Off"))[1:] for widget in field.widgets} - {"Off"}
            if str(found)[1:] not in states or len(states) != 1:
                wrong.append(f"{field.name}: the value {found} but the states {states}")
            elif wanted != "true" and not is_state_of(field, states.pop(), wanted):
                wrong.append(f"{field.name}: pressed is another button")
            continue
        if field.kind == "/Tx" and field.flags & PASSWORD:
            # It is drawn as asterisks and never stored (ISO 32000-2 12.7.5.3).
            if found is not None:
                wrong.append(f"{field.name}: the password is stored")
            continue
        found = found if not isinstance(found, pikepdf.Array) else found[0] if len(found) == 1 else None
        if found is None or str(found).replace("\r\n", "\n").replace("\r", "\n") != wanted:
            wrong.append(f"{field.name}: {wanted!r} became {found!r}")
    return wrong + [f"{name}: gone" for name in values if name not in seen]


def is_state_of(field, state, wanted):
    if state == wanted:
        return True
    exported = [str(option) for option in field.get("/Opt", [])]
    return any(state in widget.states and place < len(exported) and exported[place] == wanted for place, widget in enumerate(field.widgets))
