"""Tables in KEEL's format, as half of the literature on imbalance ships them."""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from imbdeep.datasets._bunch import read_path

# How the files write that a value is missing.
_MISSING = {"<null>", "?", ""}

_ATTRIBUTE = re.compile(
    r"""(?P<name>'[^']*'|"[^"]*"|[^\s{]+?)\s*
    (?:\{(?P<levels>.*)\}|(?P<type>real|integer|nominal)\s*(?:\[.*\])?)\s*$""",
    re.VERBOSE | re.IGNORECASE,
)

# A cell may be quoted as a whole, and holds commas then.
_CELL = re.compile(r"""\s*('[^']*'|"[^"]*"|[^,]*?)\s*,""")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_INT64 = np.iinfo(np.int64)


@dataclass
class _Attribute:
    """A column that a header declares; nominal with levels, or of numbers."""

    name: str
    type: str
    levels: list


def load_keel(path):
    """Read a table in the ``.dat`` format of the KEEL repository [1]_.

    Parameters
    ----------
    path : str or path-like
        Of the file, UTF-8 or Latin-1.

    Returns
    -------
    Bunch
        ``data``, a DataFrame of the inputs, and ``target``, a Series of the output:
        nominal columns are categories, in the order that the header declares; ``real``
        is float64 and ``integer`` int64, or ``Int64`` where values are missing. Further
        ``name``, the relation, ``feature_names``, ``target_name``, and ``DESCR``, the
        header as it stands.

    Raises
    ------
    ValueError
        If the file is not in that format: names the line, the column and the value.

    Notes
    -----
    Missing values, ``<null>``, ``?`` or nothing, are NaN or NA. Without ``@outputs``
    the last attribute is the output, and without ``@inputs`` all others are inputs.
    Names in either that the header does not declare, several outputs, an output among
    the inputs, levels that it does not list, infinite numbers, and integers beyond 64
    bits are errors. Names and levels may be quoted; a line that starts with ``%`` is a
    comment, unless its first value is a level of that name.

    References
    ----------
    .. [1] J. Alcala-Fdez et al. "KEEL data-mining software tool: data set repository,
       integration of algorithms and experimental analysis framework". Journal of
       Multiple-Valued Logic and Soft Computing 17, 2011.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imbdeep.datasets import load_keel
    >>> text = '''@relation patients
    ... @attribute age integer [18, 99]
    ... @attribute city {Ulm, Bonn}
    ... @attribute ill {no, yes}
    ... @inputs age, city
    ... @outputs ill
    ... @data
    ... 31, Ulm, no
    ... <null>, Bonn, yes
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "patients.dat")
    ...     _ = path.write_text(text)
    ...     patients = load_keel(path)
    >>> patients.data.dtypes.astype(str).tolist()
    ['Int64', 'category']
    >>> patients.target.tolist()
    ['no', 'yes']
    """
    path = read_path("path", path)
    header, rows = _split(_read_text(path), path)
    relation, attributes, inputs, outputs = _read_header(header, path)
    by_name = {attribute.name: attribute for attribute in attributes}
    inputs, target = _choose(inputs, outputs, list(by_name), path)
    rows = [row for row in rows if not _is_comment(row, attributes[0])]
    cells = _read_cells(rows, list(by_name), path)
    read = {
        name: _column(by_name[name], values, rows, path)
        for name, values in zip(by_name, cells, strict=True)
    }
    return Bunch(
        data=pd.DataFrame({name: read[name] for name in inputs}),
        target=read[target],
        name=relation or path.stem,
        feature_names=inputs,
        target_name=target,
        DESCR="\n".join(line for _, line in header),
    )


def _read_text(path):
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _split(text, path):
    """Numbered lines of the header, and of the data."""
    # splitlines would also split at characters within a level.
    lines = re.split("\r\n|\n|\r", text)
    lines = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    lines = [(number, line) for number, line in lines if line]
    for position, (_, line) in enumerate(lines):
        if line.lower() == "@data":
            header = [row for row in lines[:position] if not row[1].startswith("%")]
            return header, lines[position + 1 :]
    raise ValueError(f"{path} has no @data, so it is no table of KEEL's.")


def _is_comment(row, first):
    line = row[1]
    return line.startswith("%") and _unquoted(_cells(line)[0]) not in first.levels


def _read_header(header, path):
    relation, attributes, inputs, outputs = "", [], [], []
    for number, line in header:
        keyword, *rest = line.split(None, 1)
        keyword, rest = keyword.lower(), rest[0] if rest else ""
        if keyword == "@relation":
            relation = _unquoted(rest)
        elif keyword == "@attribute":
            attributes.append(_read_attribute(rest, number, path))
        elif keyword in ("@inputs", "@input"):
            inputs += _names(rest)
        elif keyword in ("@outputs", "@output"):
            outputs += _names(rest)
        else:
            raise ValueError(
                f"{path}, line {number}: {line!r} is none of @relation, @attribute, "
                "@inputs, @outputs and @data."
            )
    if not attributes:
        raise ValueError(f"{path} declares no @attribute.")
    names = [attribute.name for attribute in attributes]
    _refuse_twice(names, f"{path} declares attributes")
    return relation, attributes, inputs, outputs


def _read_attribute(text, number, path):
    found = _ATTRIBUTE.match(text)
    if found is None:
        raise ValueError(
            f"{path}, line {number}: cannot read the attribute {text!r}. It needs a "
            "name and real, integer or {levels}."
        )
    levels = [] if found["levels"] is None else _names(found["levels"])
    _refuse_twice(levels, f"{path}, line {number} declares levels")
    return _Attribute(
        _unquoted(found["name"]),
        "nominal" if found["levels"] is not None else found["type"].lower(),
        levels,
    )


def _refuse_twice(names, what):
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} {twice} more than once.")


def _cells(line):
    """Values between commas, quoted as they stand."""
    if "'" not in line and '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    return _CELL.findall(f"{line},")


def _unquoted(cell):
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "'\""
    return cell[1:-1].strip() if is_quoted else cell


def _names(text):
    return [_unquoted(cell) for cell in _cells(text) if cell]


def _choose(inputs, outputs, names, path):
    """Names of the inputs and of the output."""
    outputs = outputs or names[-1:]
    unknown = [name for name in inputs + outputs if name not in names]
    if unknown:
        raise ValueError(
            f"{path} names {unknown} in @inputs or @outputs; it declares {names}."
        )
    _refuse_twice(inputs, f"{path} names the inputs")
    if len(outputs) > 1:
        raise ValueError(f"{path} has several outputs, {outputs}; one is read.")
    if outputs[0] in inputs:
        raise ValueError(
            f"{path} names {outputs[0]!r} in @inputs, which is the output: that of "
            "@outputs, or else the last attribute. Correct the header."
        )
    return inputs or [name for name in names if name not in outputs], outputs[0]


def _read_cells(rows, names, path):
    """Text of each column."""
    table = []
    for number, line in rows:
        cells = _cells(line)
        if len(cells) != len(names):
            raise ValueError(
                f"{path}, line {number} has {len(cells)} values, and the header "
                f"declares {len(names)} attributes."
            )
        table.append(cells)
    if not table:
        raise ValueError(f"{path} has no rows after @data.")
    return zip(*table, strict=True)


def _column(attribute, cells, rows, path):
    missing = np.array([cell in _MISSING for cell in cells])
    if attribute.type == "nominal":
        return _nominal(attribute, cells, missing, rows, path)
    read = {"integer": _whole, "real": _real}[attribute.type]
    numbers = [None if gap else read(c) for c, gap in zip(cells, missing, strict=True)]
    wrong = [n is None for n in numbers] & ~missing
    _refuse(attribute, cells, wrong, rows, path, f"is no {attribute.type} number")
    if attribute.type == "real":
        return pd.Series(numbers, dtype=float, name=attribute.name)
    beyond = [n is not None and not _INT64.min <= n <= _INT64.max for n in numbers]
    _refuse(attribute, cells, beyond, rows, path, "is beyond integers of 64 bits")
    dtype = "Int64" if missing.any() else "int64"
    return pd.Series(pd.array(numbers, dtype=dtype), name=attribute.name)


def _real(cell):
    """Number that text stands for; None if that is no number, or infinite."""
    number = float(cell) if _NUMBER.fullmatch(cell) else np.inf
    return number if np.isfinite(number) else None


def _whole(cell):
    """Integer that text such as 31, 31.0 or 3e1 stands for, or None."""
    if not _NUMBER.fullmatch(cell):
        return None
    number = Decimal(cell)
    # An integer of so many digits could fill the memory.
    if number.adjusted() > 20:
        return np.inf
    return int(number) if number == number.to_integral_value() else None


def _nominal(attribute, cells, missing, rows, path):
    values = np.array([_unquoted(cell) for cell in cells], dtype=object)
    values[missing] = None
    # A bare 'nominal' lists no levels.
    levels = attribute.levels or sorted(set(values[~missing]))
    known = set(levels)
    wrong = [value not in known for value in values] & ~missing
    _refuse(attribute, values, wrong, rows, path, f"is none of the levels {levels}")
    column = pd.Categorical(values, categories=levels)
    return pd.Series(column, name=attribute.name)


def _refuse(attribute, cells, wrong, rows, path, complaint):
    found = np.flatnonzero(wrong)
    if len(found):
        first = found[0]
        raise ValueError(
            f"{path}, line {rows[first][0]}: {cells[first]!r} in column "
            f"{attribute.name!r} {complaint}; {len(found)} such values in all. Missing "
            "values are written <null> or ?."
        )
