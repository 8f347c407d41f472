"""Reads back texts in many scripts that were written as form fields, visible seals and certificates: `scripts.py SAMPLE FONTS`.

SAMPLE is the program of documents/examples/scripts_sample.rs, FONTS a folder with Noto fonts. What a reader copies from the files must be the
text that went in, with poppler and pdfium; qpdf must find nothing wrong. Poppler and pdfium
put what is written from right to left in order glyph by glyph, so there a glyph of several letters (lam with alef) comes out turned: of such texts
the letters are compared.
"""

import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pypdfium2
import pypdfium2.raw

# Scripts of which a glyph may stand for several letters, or marks are drawn in another order than they are written.
LETTERS_ONLY = {"arabic marks", "hebrew points", "khmer", "persian", "mixed"}
AT_LEAST = 26


def plain(text):
    """Without what readers add: marks of direction, spaces."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if not c.isspace() and unicodedata.category(c) != "Cf")


def letters(text):
    return sorted(c for c in unicodedata.normalize("NFD", plain(text)) if unicodedata.category(c)[0] in "LMN")


def of_poppler(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def of_pdfium(path):
    """Of the page as it looks, with its fields in it."""
    document = pypdfium2.PdfDocument(path)
    document.init_forms()
    for page in document:
        pypdfium2.raw.FPDFPage_Flatten(page.raw, pypdfium2.raw.FLAT_PRINT)
    with tempfile.NamedTemporaryFile(suffix=".pdf") as flat:
        document.save(flat.name)
        return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(flat.name))


def holds(text, copied, script):
    if script not in LETTERS_ONLY:
        return plain(text) in plain(copied)
    wanted, all_letters = letters(text), letters(copied)
    return all(all_letters.count(letter) >= wanted.count(letter) for letter in set(wanted))


def main():
    program, fonts = sys.argv[1:]
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run([program, folder, fonts], capture_output=True, text=True, check=True).stdout
        texts = [line.split("\t") for line in told.splitlines()]
        if len(texts) < AT_LEAST:
            failures.append(f"only {len(texts)} scripts have fonts in {fonts}")
        for name in ["form.pdf", "certificate.pdf", "boxes.pdf", "huge.pdf"]:
            path = str(Path(folder) / name)
            checked = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True)
            if checked.returncode != 0 or "WARNING" in checked.stdout + checked.stderr:
                failures.append(f"{name}: qpdf: {checked.stdout}{checked.stderr}")
        for name in ["form.pdf", "certificate.pdf"]:
            for reader in [of_poppler, of_pdfium]:
                copied = reader(str(Path(folder) / name))
                failures += [f"{name}: {reader.__name__}: {script}: {text}" for script, text in texts if not holds(text, copied, script)]
        for name in ["boxes.pdf", "huge.pdf"]:
            if "Güell" not in of_poppler(str(Path(folder) / name)):
                failures.append(f"{name}: the name is not shown")
    for failure in failures:
        print(failure)
    print(f"{len(texts)} scripts, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
