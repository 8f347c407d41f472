"""What is known to be wrong, each kind with its reason: what is not named here makes a run fail. Whoever mends a kind takes it out."""

#: By kind of `after_signing`: why `verify` calls files intact that a viewer shows otherwise.
MISSED = {}

#: By shape and job of `hostile`: how many times its budget it takes at most, and why.
DEAR = {}


def is_missed(kind):
    return kind in MISSED


def is_dear(shape, job, times):
    """`times`: of the budget; None where the program died or hung, which nothing excuses."""
    return times is not None and times <= DEAR.get((shape, job), (0, ""))[0]
