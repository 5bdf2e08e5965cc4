"""Print the floors of setup.cfg as constraints of pip."""

import configparser
import re

# Built for one version of Python, or a gigabyte that only its CPU build is without:
# the constraint is the version that everything else is run with.
PINNED = {"torch", "monai"}

config = configparser.ConfigParser()
config.read("setup.cfg")
requirements = config["options"]["install_requires"].split("\n")
for extra in ("bench", "tabm", "vision", "tests"):
    requirements += config["options.extras_require"][extra].split("\n")
floors = dict(
    re.fullmatch(r"([\w-]+) >= ([\d.]+)", line.strip()).groups()
    for line in requirements
    if line.strip() and "[" not in line
)
for name, floor in floors.items():
    if name not in PINNED:
        print(f"{name}=={floor}")
with open("constraints.txt", encoding="utf-8") as file:
    print("".join(line for line in file if line.split("==")[0] in PINNED), end="")
