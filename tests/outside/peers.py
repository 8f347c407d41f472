"""What others say of signed files: pyHanko, and EU DSS where it is built."""

import io
import logging
import os
import re
import subprocess

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


def pyhanko(data):
    """Of all signatures together: {"intact": bool, "told": what it says that was done later}. Nothing is asked about trust."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    told, intact = set(), True
    try:
        reader = PdfFileReader(io.BytesIO(data))
        if reader.security_handler is not None:
            reader.decrypt(b"")
        signatures = reader.embedded_signatures
        for signature in signatures:
            status = validate_pdf_signature(signature, ValidationContext(trust_roots=[], allow_fetching=False))
            level = status.modification_level
            told.add("nothing" if level is None else level.name)
            intact &= status.intact and status.valid and status.docmdp_ok is not False and status.seed_value_ok
            intact &= level is None or level.name != "OTHER"
            # It tells only what comes between signatures; that something comes behind the last one, by its coverage.
            intact &= status.coverage is not None and status.coverage.name != "UNCLEAR"
        return {"intact": intact and bool(signatures), "told": sorted(told)}
    except Exception as error:
        return {"intact": False, "told": [f"{type(error).__name__}"]}


class Dss:
    """`validate.sh FILE... ROOT.pem`, which prints what EU DSS says of each."""

    def __init__(self, program):
        self.program = program

    def validate(self, paths, roots):
        """By path, as `pyhanko`: one run for all."""
        if not paths:
            return {}
        ran = subprocess.run([self.program, *paths, *roots], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
        text = ran.stdout if len(paths) > 1 else f"== {paths[0]}\n{ran.stdout}"
        parts = re.split(r"^== (.*)\n", text, flags=re.M)[1:]
        return {path: self.read(said) for path, said in zip(parts[::2], parts[1::2])}

    @staticmethod
    def read(said):
        signatures = re.findall(r"^signature .*intact=(\w+) valid=(\w+)", said, re.M)
        told = {word.strip(" :") for word in re.findall(r"^  (UNDEFINED|annotation|signature-or-form-fill|VISUAL|PAGES|overlapping)\b", said, re.M)}
        whole = bool(signatures) and all(pair == ("true", "true") for pair in signatures) and "FAILED" not in said
        suspicious = told & {"UNDEFINED", "PAGES"} or ("error:" in said and re.search(r"error: .*(modif|annotation|visual|undefined|page)", said, re.I))
        return {"intact": whole and not suspicious, "told": sorted(told)}


def dss():
    """EU DSS, or None where it is not there."""
    for program in (os.environ.get("RUBRICA_DSS"), "/tmp/dss/validate.sh"):
        if program and os.access(program, os.X_OK):
            return Dss(program)
    return None
