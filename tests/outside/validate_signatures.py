#!/usr/bin/env python3
"""Validates the signatures of a PDF with tools that are not ours.

    validate_signatures.py FILE.pdf --root CA.pem --signatures N

Exit status 0 only if pyHanko finds exactly N signatures, each intact, trusted under the given root and covering its whole
revision with acceptable modifications after it; pdfsig finds N valid signatures; and `qpdf --check` has nothing to say.
pdfsig's opinion on the certificates is not asked for: it does not know the root.
"""

import argparse
import logging
import subprocess
import sys


def pyhanko_faults(path, root, expected):
    from pyhanko.keys import load_cert_from_pemder
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    faults = []
    with open(path, "rb") as file:
        signatures = PdfFileReader(file).embedded_signatures
        if len(signatures) != expected:
            faults.append(f"pyHanko finds {len(signatures)} signatures, not {expected}")
        for signature in signatures:
            context = ValidationContext(trust_roots=[load_cert_from_pemder(root)], allow_fetching=False)
            status = validate_pdf_signature(signature, signer_validation_context=context)
            if not (status.intact and status.valid and status.trusted and status.bottom_line):
                faults.append(f"pyHanko on {signature.field_name}: {status.summary()}")
    return faults


def pdfsig_faults(path, expected):
    output = subprocess.run(["pdfsig", path], capture_output=True, text=True).stdout
    valid = output.count("Signature is Valid.")
    return [] if valid == expected else [f"pdfsig finds {valid} valid signatures, not {expected}:\n{output}"]


def qpdf_faults(path):
    result = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True)
    clean = result.returncode == 0 and "WARNING" not in result.stderr + result.stdout
    return [] if clean else [f"qpdf --check:\n{result.stdout}{result.stderr}"]


def main():
    arguments = argparse.ArgumentParser(description="Validates the signatures of a PDF with pyHanko, pdfsig and qpdf.")
    arguments.add_argument("pdf")
    arguments.add_argument("--root", required=True, help="PEM of the root that has to be trusted")
    arguments.add_argument("--signatures", required=True, type=int, help="how many signatures there have to be")
    given = arguments.parse_args()
    faults = pyhanko_faults(given.pdf, given.root, given.signatures)
    faults += pdfsig_faults(given.pdf, given.signatures) + qpdf_faults(given.pdf)
    for fault in faults:
        print(f"{given.pdf}: {fault}", file=sys.stderr)
    if not faults:
        print(f"{given.pdf}: {given.signatures} signatures, intact and trusted")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
