"""What others say of signed files: pyHanko, and EU DSS where it is built."""

import io
import logging
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
    """EU DSS, as `dss.sh` runs it: one process for all files."""

    def __init__(self, program):
        self.program = program

    def validate(self, paths, roots):
        """By path, as `pyhanko`. An error if it does not answer for every path."""
        ran = subprocess.run([self.program, *roots], input="\n".join(paths) + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        lines = [line.split("\t") for line in ran.stdout.splitlines()]
        if ran.returncode != 0 or len(lines) != len(paths):
            raise RuntimeError(f"{self.program} answered for {len(lines)} of {len(paths)} files, exit status {ran.returncode}: {ran.stderr[-2000:]}")
        # Differences of the pages as images it only warns of, and it does so for every visible signature.
        return {path: {"intact": words[0] == "intact" and not {"undefined", "pages"} & set(words), "told": words[1:]} for path, words in zip(paths, lines)}
