"""Tables of the README, each between two markers."""

import re
from pathlib import Path

README = Path(__file__).parent.parent.parent / "README.md"


def replace_between_markers(name, text):
    """Put text between ``<!-- name -->`` and ``<!-- end of name -->``."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    content = README.read_text()
    if not pattern.search(content):
        raise ValueError(f"{README} has no line {begin} followed by {end}.")
    README.write_text(pattern.sub(f"{begin}\n{text}\n{end}", content))
