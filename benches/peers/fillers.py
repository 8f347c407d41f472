"""The same form filled by libraries of others, in this process or behind a small HTTP server.

    fillers.py bench NAME FORM VALUES.json OUT.pdf SECONDS
    fillers.py serve NAME FORM FOLDER

NAME is pikepdf, pymupdf or pypdf. Each does its best for the job: fields filled, drawn, flattened, the file written into memory; the form's bytes are read once.
`bench` prints one line of JSON. `serve` prints its port, then answers POST /fill with the filled form, and POST /stored after it wrote it to FOLDER and
committed a row about it to SQLite (`synchronous=FULL`), both on the disk.
"""

import http.server
import io
import json
import os
import sqlite3
import sys
import threading
import time
import uuid


def fill_with_pikepdf(form, values):
    import pikepdf

    with pikepdf.open(io.BytesIO(form)) as document:
        for field in document.Root.AcroForm.Fields:
            set_with_pikepdf(pikepdf, field, "", values)
        # Else it draws nothing.
        document.Root.AcroForm.NeedAppearances = True
        document.generate_appearance_streams()
        document.flatten_annotations("all")
        if "/AcroForm" in document.Root:
            del document.Root.AcroForm
        out = io.BytesIO()
        document.save(out)
        return out.getvalue()


def set_with_pikepdf(pikepdf, field, above, values):
    name = f"{above}.{field.T}" if above and "/T" in field else str(field.get("/T", above))
    kids = field.get("/Kids", [])
    named = [kid for kid in kids if "/T" in kid]
    for kid in named:
        set_with_pikepdf(pikepdf, kid, name, values)
    if named or name not in values:
        return
    kind = field.get("/FT")
    if kind in ("/Tx", "/Ch"):
        field.V = pikepdf.String(values[name])
    elif kind == "/Btn":
        widgets = list(kids) or [field]
        looks = [set(widget.AP.N.keys()) if "/AP" in widget else set() for widget in widgets]
        on = {"true": next(iter(set().union(*looks) - {"/Off"}), "/Yes"), "false": "/Off"}.get(values[name], "/" + values[name])
        field.V = pikepdf.Name(on)
        for widget, look in zip(widgets, looks):
            widget.AS = pikepdf.Name(on if on in look else "/Off")


def fill_with_pymupdf(form, values):
    import pymupdf

    document = pymupdf.open(stream=form, filetype="pdf")
    for page in document:
        for widget in page.widgets():
            value = values.get(widget.field_name)
            if value is None:
                continue
            if widget.field_type in (pymupdf.PDF_WIDGET_TYPE_CHECKBOX, pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON):
                widget.field_value = value in ("true", on_state(widget))
            elif widget.field_type == pymupdf.PDF_WIDGET_TYPE_LISTBOX:
                widget.field_value = value.split("\n")[0]
            else:
                widget.field_value = value
            widget.update()
    document.bake(annots=False, widgets=True)
    return document.tobytes()


def on_state(widget):
    try:
        return widget.on_state()
    except TypeError:
        # A button without appearances.
        return "Yes"


def fill_with_pypdf(form, values):
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(form))
    given = dict(values)
    for name, field in writer.get_fields().items():
        if name not in given:
            continue
        if field.get("/FT") == "/Ch" and not field.get("/Ff", 0) & 1 << 17:
            # Nor a list whose options have export values.
            del given[name]
        if field.get("/FT") == "/Btn":
            states = [state for state in field.get("/_States_", []) if state != "/Off"]
            if states:
                given[name] = {"true": states[0], "false": "/Off"}.get(given[name], "/" + given[name])
            else:
                # It cannot fill a button without appearances.
                del given[name]
    for page in writer.pages:
        writer.update_page_form_field_values(page, given, auto_regenerate=False, flatten=True)
    writer.remove_annotations(subtypes="/Widget")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


FILLERS = {"pikepdf": fill_with_pikepdf, "pymupdf": fill_with_pymupdf, "pypdf": fill_with_pypdf}


def bench(fill, form, values, out, seconds):
    with open(out, "wb") as file:
        file.write(fill(form, values))
    count, began, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        fill(form, values)
        count += 1
    used = time.process_time() - used
    print(json.dumps({"fills": count, "seconds": time.perf_counter() - began, "cpu": used, "per_core_second": count / used}))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Without it each answer waits for the acknowledgement of its header.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self):
        values = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["fieldsValues"]
        pdf = self.server.fill(self.server.form, {value["name"]: value["value"] for value in values})
        if self.path == "/stored":
            self.answer(json.dumps({"documentId": self.server.store(pdf)}).encode(), "application/json")
        else:
            self.answer(pdf, "application/pdf")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, fill, form, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.fill, self.form, self.folder, self.lock = fill, form, folder, threading.Lock()
        self.rows = sqlite3.connect(os.path.join(folder, "rows.sqlite"), check_same_thread=False)
        self.rows.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE documents (id TEXT PRIMARY KEY, size INTEGER);")

    def store(self, pdf):
        name = str(uuid.uuid4())
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(pdf)
            file.flush()
            os.fsync(file.fileno())
        with self.lock:
            self.rows.execute("INSERT INTO documents VALUES (?, ?)", (name, len(pdf)))
            self.rows.commit()
        return name


def main():
    job, name, form = sys.argv[1:4]
    with open(form, "rb") as file:
        data = file.read()
    if job == "serve":
        server = Server(FILLERS[name], data, sys.argv[4])
        print(server.server_address[1], flush=True)
        server.serve_forever()
        return
    with open(sys.argv[4]) as file:
        values = json.load(file)
    bench(FILLERS[name], data, values, sys.argv[5], float(sys.argv[6]))


if __name__ == "__main__":
    main()
