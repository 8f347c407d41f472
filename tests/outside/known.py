"""What is known to be wrong, each kind with its reason: what is not named here makes a run fail. Whoever mends a kind takes it out."""

#: By kind of `after_signing`: why `verify` calls files intact that a viewer shows otherwise.
MISSED = {}

#: By shape and job of `hostile`: how many times its budget it takes at most, and why.
#: Only with `--large`, of files of 20 MB and more.
DEAR = {
    ("everything changed behind a signature", "verify"): (1.4, "Both revisions are in memory as objects, and each of these is of two bytes of the file."),
    ("everything changed behind a signature", "seal"): (1.2, "As above, of the document before and after the seal."),
    ("many values", "verify"): (1.1, "A refusal, but only after as many values were read as a file of the size may have."),
    ("many values", "seal"): (1.1, "As above."),
}


def is_missed(kind):
    return kind in MISSED


def is_dear(shape, job, times):
    """`times`: of the budget; None where the program died or hung, which nothing excuses."""
    return times is not None and times <= DEAR.get((shape, job), (0, ""))[0]


#: Of `forms`: files, or reasons, for which a refusal is right.
REFUSED_FORMS = {
    "qpdf_qtest_qpdf_form-errors": "Its buttons are broken on purpose: their appearances are no dictionaries.",
}


def may_be_refused(file, why):
    return any(part in file or part in why for part in REFUSED_FORMS)
