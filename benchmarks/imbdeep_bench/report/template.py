"""Reports whose words stand in a Markdown template beside what computes the numbers."""

import jinja2

from imbdeep_bench.report.markdown import rows_to_markdown, to_markdown, write_all


def block(part, digits=3):
    """Print a sentence as it is, and a table as a table."""
    return part if isinstance(part, str) else to_markdown(part, digits)


def blocks(parts):
    """Print sentences and tables, with an empty line between them."""
    return "\n\n".join(map(block, parts))


def render(template, numbers):
    """Fill in a template.

    ``| block`` prints a table, ``| rows`` rows of text, ``| fmt("+.3f")`` a number.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"block": block, "blocks": blocks}
    environment.filters |= {"rows": rows_to_markdown, "fmt": format}
    text = environment.from_string(template.read_text("utf-8")).render(numbers)
    return text.rstrip("\n")


def write_report(out, template, numbers, *, name=None, **files):
    """Fill in ``<name>.md.jinja``, write it and its files, and return its path."""
    name = name or template.name.removesuffix(".jinja")
    return write_all(out, name, [render(template, numbers)], **files)
