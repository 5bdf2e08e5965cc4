"""Tables in KEEL's format, as half of the literature on imbalance ships them."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

# How the files write that a value is missing.
_MISSING = {"<null>", "?", ""}

_ATTRIBUTE = re.compile(
    r"""(?P<name>'[^']*'|"[^"]*"|[^\s{]+?)\s*
    (?:\{(?P<levels>.*)\}|(?P<type>real|integer|nominal)\s*(?:\[.*\])?)\s*$""",
    re.VERBOSE | re.IGNORECASE,
)


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
    Names in either that the header does not declare, several outputs, and levels that
    it does not list are errors.

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
    header, rows = _split(_read_text(path), path)
    relation, attributes, inputs, outputs = _read_header(header, path)
    by_name = {attribute.name: attribute for attribute in attributes}
    inputs, target = _choose(inputs, outputs, list(by_name), path)
    cells = _read_cells(rows, list(by_name), path)
    read = {
        name: _column(by_name[name], values, rows, path)
        for name, values in zip(by_name, cells, strict=True)
    }
    return Bunch(
        data=pd.DataFrame({name: read[name] for name in inputs}),
        target=read[target],
        name=relation or Path(path).stem,
        feature_names=inputs,
        target_name=target,
        DESCR="\n".join(line for _, line in header),
    )


def _read_text(path):
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _split(text, path):
    """Numbered lines of the header, and of the data."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(n, line) for n, line in lines if line and not line.startswith("%")]
    for position, (_, line) in enumerate(lines):
        if line.lower() == "@data":
            return lines[:position], lines[position + 1 :]
    raise ValueError(f"{path} has no @data, so it is no table of KEEL's.")


def _read_header(header, path):
    relation, attributes, inputs, outputs = "", [], None, None
    for number, line in header:
        keyword, _, rest = line.partition(" ")
        keyword, rest = keyword.lower(), rest.strip()
        if keyword == "@relation":
            relation = rest.strip("'\"")
        elif keyword == "@attribute":
            attributes.append(_read_attribute(rest, number, path))
        elif keyword in ("@inputs", "@input"):
            inputs = _names(rest)
        elif keyword in ("@outputs", "@output"):
            outputs = _names(rest)
        else:
            raise ValueError(
                f"{path}, line {number}: {line!r} is none of @relation, @attribute, "
                "@inputs, @outputs and @data."
            )
    names = [attribute.name for attribute in attributes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path} declares attributes {twice} more than once.")
    return relation, attributes, inputs, outputs


def _read_attribute(text, number, path):
    found = _ATTRIBUTE.match(text)
    if found is None:
        raise ValueError(
            f"{path}, line {number}: cannot read the attribute {text!r}. It needs a "
            "name and real, integer or {levels}."
        )
    levels = found["levels"]
    return _Attribute(
        found["name"].strip("'\""),
        "nominal" if levels is not None else found["type"].lower(),
        [] if levels is None else _names(levels),
    )


def _names(text):
    return [name.strip().strip("'\"") for name in text.split(",")]


def _choose(inputs, outputs, names, path):
    """Names of the inputs and of the output."""
    if not names:
        raise ValueError(f"{path} declares no @attribute.")
    outputs = outputs or names[-1:]
    unknown = [name for name in (inputs or []) + outputs if name not in names]
    if unknown:
        raise ValueError(
            f"{path} names {unknown} in @inputs or @outputs; it declares {names}."
        )
    if len(outputs) > 1:
        raise ValueError(f"{path} has several outputs, {outputs}; one is read.")
    return inputs or [name for name in names if name not in outputs], outputs[0]


def _read_cells(rows, names, path):
    """Text of each column."""
    table = []
    for number, line in rows:
        cells = [cell.strip() for cell in line.split(",")]
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
    values = np.where(missing, None, np.array(cells, dtype=object))
    if attribute.type == "nominal":
        return _nominal(attribute, values, missing, rows, path)
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce")
    wrong = np.flatnonzero(numbers.isna() & ~missing)
    if attribute.type == "integer":
        whole = numbers.astype(float)
        wrong = np.union1d(wrong, np.flatnonzero(~missing & (whole != whole.round())))
    _refuse(attribute, cells, wrong, rows, path, f"is no {attribute.type} number")
    numbers = numbers.astype(float).rename(attribute.name)
    if attribute.type == "real":
        return numbers
    return numbers.astype("Int64" if missing.any() else "int64")


def _nominal(attribute, values, missing, rows, path):
    values = np.array([v if v is None else v.strip("'\"") for v in values], object)
    # A bare 'nominal' lists no levels.
    levels = attribute.levels or sorted(set(values[~missing]))
    wrong = np.flatnonzero(~missing & ~np.isin(values.astype(str), levels))
    _refuse(attribute, values, wrong, rows, path, f"is none of the levels {levels}")
    column = pd.Categorical(values, categories=levels)
    return pd.Series(column, name=attribute.name)


def _refuse(attribute, cells, wrong, rows, path, complaint):
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"{path}, line {rows[first][0]}: {cells[first]!r} in column "
            f"{attribute.name!r} {complaint}; {len(wrong)} such values in all. Missing "
            "values are written <null> or ?."
        )
