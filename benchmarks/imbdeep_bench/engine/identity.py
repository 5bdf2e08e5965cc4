"""What decides scores beside data and seeds: code, parameters and device.

Cells whose identities differ are not to be compared without saying so. Versions of
libraries are on record beside it.
"""

import hashlib
import inspect
import re
import sys
import sysconfig
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from weakref import WeakKeyDictionary

import imbdeep
from imbdeep_bench.engine import protocol, scoring

PACKAGE = Path(imbdeep.__file__).parent
# They decide no score.
REPORTS = {PACKAGE / "reporting", PACKAGE / "displays"}
LONGEST = 200
MOST_TOLD = 5


def digest(texts):
    """Hash texts; their order does not matter."""
    whole = "\0".join(sorted(texts))
    return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]


@cache
def package_hash():
    """Hash the code of the package."""
    return digest(
        f"{path.relative_to(PACKAGE).as_posix()}\n{path.read_text('utf-8')}"
        for path in PACKAGE.rglob("*.py")
        if REPORTS.isdisjoint(path.parents)
    )


@cache
def _libraries():
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return [Path(paths[name]).resolve() for name in names] + [PACKAGE.resolve()]


# To find a source takes as long as to parse its file, and all cells share a few.
_SOURCES = WeakKeyDictionary()


def _own_source(thing):
    """Return the source of a function or class; None if it is a library's."""
    if thing not in _SOURCES:
        _SOURCES[thing] = _find_source(thing)
    return _SOURCES[thing]


def _find_source(thing):
    try:
        path = Path(inspect.getsourcefile(thing)).resolve()
        if any(folder in path.parents for folder in _libraries()):
            return None
        return inspect.getsource(thing)
    except (OSError, TypeError):  # built in, or typed at a prompt
        return None


def own_sources(thing, found=None):
    """Collect the sources of functions and classes that make up a thing.

    A thing is a cell, an estimator, a function, or a container of such. Sources of
    libraries are left out, which have versions, and those of the package, which is
    hashed as a whole.
    """
    found = set() if found is None else found
    if isinstance(thing, partial):
        parts = [thing.func, *thing.args, *thing.keywords.values()]
    elif inspect.isfunction(thing) or inspect.isclass(thing):
        source = _own_source(thing)
        if source is None or source in found:
            return found
        found.add(source)
        closure = getattr(thing, "__closure__", None) or ()
        parts = [cell.cell_contents for cell in closure]
        parts += getattr(thing, "__bases__", ())
    elif isinstance(thing, dict):
        parts = list(thing.values())
    elif isinstance(thing, (list, tuple)):
        parts = thing
    elif is_dataclass(thing):
        parts = [type(thing), *(getattr(thing, f.name) for f in fields(thing))]
    elif hasattr(thing, "get_params"):
        parts = [type(thing), *thing.get_params(deep=False).values()]
    else:
        return found
    for part in parts:
        own_sources(part, found)
    return found


def plain(value):
    """Print a parameter's value, the same in every process.

    >>> plain(0.1), plain(dict), plain([len])
    ('0.1', 'builtins.dict', '[<built-in function len>]')
    """
    if inspect.isclass(value) or inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "get_params"):
        return plain(type(value))
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(value).split()))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({digest([text])})"


def plain_params(estimator):
    """Return the parameters of an estimator and of those inside it, as texts."""
    params = estimator.get_params() if hasattr(estimator, "get_params") else {}
    return {name: plain(params[name]) for name in sorted(params)}


def identify(cell):
    """Return the identity of a cell.

    It has hashes of the ``package`` and of the ``source`` of what is not in the
    package, method and protocol, ``params`` and ``device``.
    """
    try:
        estimator = cell.estimator()
    except Exception:  # what a method raises is for its cells to say
        estimator = None
    classes = type(cell.experiment).__mro__
    own = {sys.modules[c.__module__] for c in classes if _own_source(c) is not None}
    modules = {protocol, scoring, *own}
    sources = {inspect.getsource(module) for module in modules}
    return {
        "package": package_hash(),
        "source": digest(sources | own_sources([cell, estimator])),
        "params": plain_params(estimator),
        "device": cell.experiment.device,
    }


def identities(cells):
    """Return the identity of each data set and method; folds differ in seeds alone."""
    first = {}
    for cell in cells:
        first.setdefault(cell.key[:2], cell)
    return {key: identify(cell) for key, cell in first.items()}


def identity_of_run(known):
    """Return the identity of a run, given those of its data sets and methods."""
    first = {method: identity for (_, method), identity in reversed(known.items())}
    any_of_them = next(iter(known.values()))
    methods = {
        method: {name: first[method][name] for name in ("source", "params")}
        for method in sorted(first)
    }
    return {name: any_of_them[name] for name in ("package", "device")} | {
        "methods": methods
    }


# --- Differences ---------------------------------------------------------------------


def _changes(old, new):
    """Say in which entries two mappings differ."""
    return [
        f"{name} {old.get(name, 'absent')}, now {new.get(name, 'absent')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def differences(record, identity, versions, same_method):
    """Say in what a stored cell differs from one that would be computed now.

    ``same_method``: whether the identity is that of the record's data set and method.
    """
    stored = record.get("identity")
    if stored is None:
        return ["cells that do not say what code computed them"]
    told = _changes(record.get("versions") or {}, versions)
    if stored.get("package") != identity["package"]:
        told.append("the code of imbdeep")
    told += _changes({"device": stored.get("device")}, {"device": identity["device"]})
    if same_method:
        name = record["method"]
        if stored.get("source") != identity["source"]:
            told.append(f"the code of {name}")
        changes = _changes(stored.get("params") or {}, identity["params"])
        told += [f"{name}'s {change}" for change in changes]
    return told


def check_identity(store, known, versions):
    """Refuse to go on with finished cells that other code has computed; say which.

    ``known`` is as :func:`identities` gives it.
    """
    any_of_them = next(iter(known.values()))
    told = {}
    for record in store.of_kind("cell"):
        key = record["dataset"], record["method"]
        if record["status"] == "ok":
            identity = known.get(key, any_of_them)
            told |= dict.fromkeys(
                differences(record, identity, versions, same_method=key in known)
            )
    if told:
        more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
        raise ValueError(
            f"{store.path} holds results of something else: "
            f"{'; '.join(list(told)[:MOST_TOLD])}{more}. Give another --out, or "
            "--mix-versions to go on with them."
        )
