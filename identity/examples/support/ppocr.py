#!/usr/bin/env python3
"""Reads whole images with PP-OCRv4 (detection, direction, recognition), for `evaluate`: one path per line in, one JSON array of lines out.

    python3 -m venv FOLDER && FOLDER/bin/pip install rapidocr-onnxruntime==1.4.4    # Apache-2.0; its wheel holds the models
    PP_OCR=FOLDER/bin/python cargo run --release -p identity --features training,fixtures --example evaluate -- ...
"""
import json
import sys

from rapidocr_onnxruntime import RapidOCR

engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
print("ready", flush=True)
for path in sys.stdin:
    found, _ = engine(path.strip())
    # Boxes of a line that was found in parts are joined: from above, then from the left.
    boxes = sorted((min(y for _, y in box), min(x for x, _ in box), max(y for _, y in box), text) for box, text, _ in found or [])
    lines = []
    for top, left, bottom, text in boxes:
        if lines and (top + bottom) / 2 < lines[-1][0]:
            lines[-1][1].append((left, text))
        else:
            lines.append((bottom, [(left, text)]))
    print(json.dumps(["".join(text for _, text in sorted(parts)) for _, parts in lines]), flush=True)
