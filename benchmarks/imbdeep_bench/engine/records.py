"""Parse and check the lines of a file of cells, for reports and for those who write it.

The file holds one JSON object a line: a run, a data set or a cell. A line is accepted
by all who read the file, or refused by all.
"""

import json
import re

from imbdeep_bench.engine.plausible import SLACK, Announced, describe, fault_of_scores
from imbdeep_bench.engine.protocol import is_scheme

REQUIRED_FIELDS = {
    "run": ("suite", "protocol", "seed", "datasets", "methods"),
    "dataset": ("name",),
    "cell": ("dataset", "method", "fold", "status"),
}
BOM = b"\xef\xbb\xbf"
# Records are flat but for scores, curves and parameters of nested estimators.
DEEPEST = 20
LARGEST = 2**63
MOST_REPEATS = 10_000
REMEDY = "Mend or remove that line: a cell that is removed is computed again."


# --- Kinds of values: each returns whether a value is of its kind ---------------------


def is_text(value):
    return isinstance(value, str)


def is_name(value):
    return isinstance(value, str) and value != ""


def is_whole(value):
    is_int = isinstance(value, int) and not isinstance(value, bool)
    return is_int and abs(value) < LARGEST


def is_count(value):
    return is_whole(value) and value >= 0


def is_number(value):
    return value is None or is_whole(value) or isinstance(value, float)


def is_share(value):
    return is_number(value) and (value is None or 0 <= value <= 1 + SLACK)


def is_duration(value):
    return is_number(value) and (value is None or 0 <= value < LARGEST)


def is_repeats(value):
    return is_whole(value) and 1 <= value <= MOST_REPEATS


def is_protocol(value):
    # A report counts the folds that '<repeats>x<folds>' promises.
    return is_name(value) and re.match(r"\d{5,}x|\d+x\d{5,}", value) is None


def list_of(is_kind):
    return lambda value: isinstance(value, list) and all(map(is_kind, value))


def map_of(is_kind):
    return lambda value: isinstance(value, dict) and all(map(is_kind, value.values()))


is_curve = list_of(is_number)
are_shares = list_of(is_share)


def is_score(value):
    """A number, or numbers by name: of several classifiers in one cell."""
    return is_number(value) or map_of(is_number)(value)


def is_calibration(value):
    """Bins of predicted probability: rows, positives and mean prediction of each."""
    names = ("count", "mean_predicted", "positives")
    if not isinstance(value, dict) or not all(is_curve(value.get(n)) for n in names):
        return False
    count, predicted, positives = bins = [value[name] for name in names]
    return (
        len({len(part) for part in bins}) == 1
        and are_shares(predicted)
        and None not in count + positives
        and all(0 <= p <= n for n, p in zip(count, positives, strict=True))
    )


def is_curves(value):
    """Curves by name: a list of numbers each, or several lists by name."""
    if not isinstance(value, dict) or not are_shares(value.get("precision_at", [])):
        return False
    if "calibration" in value and not is_calibration(value["calibration"]):
        return False
    return all(is_curve(curve) or map_of(is_curve)(curve) for curve in value.values())


# What a field must hold, and what it may hold beside null, as the message has it.
ALWAYS = {
    "a name": is_name,
    "a name such as '10x2'": is_protocol,
    "a list of names": list_of(is_name),
    "a whole number, 0 or more": is_count,
}
OR_NULL = {
    "a text": is_text,
    "a number": is_number,
    "a number from 0 to 1": is_share,
    "a whole number": is_whole,
    "a count": is_count,
    "seconds, 0 or more": is_duration,
    "a whole number above 0": is_repeats,
    "a list of whole numbers": list_of(is_whole),
    "versions by package": map_of(is_text),
    "a mapping": lambda value: isinstance(value, dict),
    "numbers by metric": map_of(is_score),
    "lists of numbers by name": is_curves,
}
FIELDS = {
    "run": {
        "a name such as '10x2'": ["protocol"],
        "a list of names": ["datasets", "methods"],
        "a text": ["suite", "preset"],
        "a whole number": ["seed"],
        "a whole number above 0": ["n_repeats"],
        "a list of whole numbers": ["seeds"],
        "versions by package": ["versions"],
        "a mapping": ["identity"],
    },
    "dataset": {
        "a name": ["name"],
        "a text": ["provenance", "sha256", "shares_rows_with"],
        "a count": [
            *("n_samples", "n_features", "n_minority"),
            *("n_duplicate_rows", "n_conflicting_rows"),
        ],
        "a number from 0 to 1": ["shared_test_fraction"],
    },
    "cell": {
        "a name": ["dataset", "method"],
        "a whole number, 0 or more": ["fold"],
        "a text": ["error", "cause", "data_sha256"],
        "a number from 0 to 1": ["threshold"],
        "seconds, 0 or more": ["fit_seconds", "predict_seconds", "cell_seconds"],
        "a whole number": ["seed"],
        "a count": ["n_train", "n_test", "n_train_minority", "n_test_minority"],
        "numbers by metric": ["scores"],
        "lists of numbers by name": ["curves"],
        "versions by package": ["versions"],
        "a mapping": ["identity"],
    },
}


# --- Records -------------------------------------------------------------------------


def fault_of(record):
    """Say what is wrong with a record; None: nothing."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if not is_text(kind) or kind not in FIELDS:
        return f"has kind={describe(kind)}; expected one of {', '.join(FIELDS)}"
    absent = [name for name in REQUIRED_FIELDS[kind] if name not in record]
    if absent:
        return f"a {kind}, lacks {', '.join(absent)}"
    if kind == "cell" and record["status"] not in ("ok", "failed"):
        status = describe(record["status"])
        return f"has status={status}; expected 'ok' or 'failed'"
    for words, names in FIELDS[kind].items():
        for name in names:
            value, or_null = record.get(name), " or null" if words in OR_NULL else ""
            if not ((or_null and value is None) or (ALWAYS | OR_NULL)[words](value)):
                told = f"{name}={describe(value)}"
                return f"a {kind}, has {told}; expected {words}{or_null}"
    if kind == "cell" and (fault := fault_of_scores(record.get("scores") or {})):
        return f"a cell, has the score {fault}"
    if kind == "run" and record.get("n_repeats") and not is_scheme(record["protocol"]):
        told = f"protocol={describe(record['protocol'])}"
        schemes = "'<repeats>x2', '<repeats>x60-20-20' or '<repeats>x80-20'"
        return f"a run, has {told}; expected {schemes}"
    if is_deeper(record, DEEPEST):
        return f"is nested deeper than {DEEPEST} levels"
    return None


def is_deeper(value, levels):
    """Whether lists and mappings lie in each other deeper than so many levels."""
    if not isinstance(value, (dict, list)):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(is_deeper(item, levels - 1) for item in inside)


def encodable(value):
    """Replace half a surrogate pair, which no file or column holds, by its escape."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="backslashreplace").decode()
    if isinstance(value, list):
        return [encodable(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return value


# --- Lines ---------------------------------------------------------------------------


def _refuse_constant(name):
    raise ValueError(f"{name} is no JSON; write null")


def _refuse_twins(pairs):
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {describe(twin)} stands twice")
    return record


def parse_line(line):
    """Parse one line of bytes.

    A ``JSONDecodeError`` or ``UnicodeDecodeError`` says that it may be half a line.
    """
    text = line.decode("utf-8")
    try:
        record = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_twins
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # JSON can write such halves, as Python's errors may hold them.
    return encodable(record) if "\\ud" in text.lower() else record


def is_half(line, error):
    """Whether a last line without a newline was not written to its end."""
    cut = isinstance(error, (json.JSONDecodeError, UnicodeDecodeError))
    # Nobody who writes these files writes a carriage return, or goes on behind a record
    # without a newline: other line ends, then.
    goes_on = getattr(error, "msg", "").startswith("Extra data")
    return cut and not goes_on and b"\r" not in line


def whole_lines(data):
    """Return the bytes without a half-written last line, which a killed run leaves."""
    end = data.rfind(b"\n") + 1
    try:
        if data[end:].strip():
            parse_line(data[end:].removeprefix(BOM))
    except ValueError as error:
        # Without a whole line before it, it may be another file than ours.
        is_ours = end or data.removeprefix(BOM).lstrip().startswith(b"{")
        if is_ours and is_half(data[end:], error):
            return data[:end]
    return data


def numbered_records(data, name):
    """Yield the number and record of each line of a file but a half-written last one.

    A byte order mark, blank lines and carriage returns before a newline are accepted.
    A ValueError about a wrong line names the file, the line and the remedy.
    """
    # Not `splitlines`, which also splits at characters that JSON allows in texts.
    lines = whole_lines(data).removeprefix(BOM).split(b"\n")
    announced = Announced()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = parse_line(line)
        except ValueError as error:
            hint = " or has other line ends than newlines" if b"\r" in line else ""
            fault = f" is not a JSON object{hint} ({error})"
            raise ValueError(f"Line {number} of {name}{fault}. {REMEDY}") from None
        if fault := fault_of(record):
            comma = "," if fault.startswith("a ") else ""
            raise ValueError(f"Line {number} of {name}{comma} {fault}. {REMEDY}")
        if record["kind"] == "run":
            announced.add(record)
        if record["kind"] == "cell" and (fault := announced.fault_of(record)):
            raise ValueError(f"Line {number} of {name}, a cell, has {fault}. {REMEDY}")
        yield number, record
