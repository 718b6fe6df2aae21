"""The table of cases: each is a function of a peer.Case, registered under its group."""

CASES = []


def case(group, name=None):
    def register(function):
        CASES.append((group, name or function.__name__, function))
        return function
    return register


def add(group, name, function, *arguments, **values):
    CASES.append((group, name, lambda t: function(t, *arguments, **values)))
