"""What is known to be wrong, each kind with its reason: what is not named here makes a run fail. Whoever mends a kind takes it out."""

#: By kind of `after_signing`: why it can be called intact although a viewer shows another thing.
MISSED = {
    "open: thin lines side by side": "Lines are judged by what each covers and by their sum in a mark's box, so that several of them cover a line of the text, "
    "in one appearance as large as the page or as borders of links that do not touch.",
}

_DRAFT = "Values are kept as `lopdf` objects, some 100 bytes of memory for two bytes of a file, and a seal has the document twice."
#: By shape and job of `hostile`: how many times its budget it may take, and why.
DEAR = {
    ("forms behind a signature", "verify"): (3, "What each field shows is read for each of the fields that share an appearance or a list of options."),
    ("values in an object stream", "seal"): (4, _DRAFT),
    ("values in an object stream", "verify"): (2, _DRAFT),
    ("object stream that repeats itself", "seal"): (1.5, _DRAFT),
    ("many values", "seal"): (1.5, _DRAFT),
    ("many entries of one offset", "seal"): (1.5, _DRAFT),
    ("wide sections", "seal"): (1.5, "The entries of a section are unpacked whole before they are counted."),
    ("wide sections", "verify"): (1.5, "The entries of a section are unpacked whole before they are counted."),
}


def is_missed(kind):
    return kind in MISSED


def is_dear(shape, job, times):
    """`times`: of the budget; None where the program died or hung, which nothing excuses."""
    return times is not None and times <= DEAR.get((shape, job), (0, ""))[0]
