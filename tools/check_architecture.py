#!/usr/bin/env python3
"""Checks that docs/architecture.md and README.md name the folders that there are.

Every component is a row of the table, with the includes of tools/check_includes.py; each folder directly
below it is named in the row (but testing/), and each folder that a row names exists.
"""
import pathlib
import re
import sys

import check_includes

ROOT = pathlib.Path(__file__).resolve().parents[1]


def folders(path):
    return {one.name for one in path.iterdir() if one.is_dir() and one.name not in ("testing", "__pycache__")}


def problems_of_row(name, says, includes):
    there = folders(ROOT / name)
    named = re.findall(r"`([\w/]+)/`", says)
    for one in named:
        if not (ROOT / name / one).is_dir():
            yield f"{name}: {one}/ does not exist"
    component = name.removeprefix("src/")
    if component in check_includes.MAY_INCLUDE:
        for missing in sorted(there - {one.split("/")[0] for one in named}):
            yield f"{name}: {missing}/ is not named"
        wanted = check_includes.MAY_INCLUDE[component].split()
        if includes.replace(",", " ").split() != wanted:
            yield f"{name}: includes are {', '.join(wanted)}"


def main():
    table = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"(?m)^\| `([\w/]+)` \| (.*) \| (.*)\|$", table)
    rows = [row for row in rows if (ROOT / row[0]).is_dir() or row[0].startswith("src/")]
    names = {row[0] for row in rows}
    problems = []
    for row in rows:
        if (ROOT / row[0]).is_dir():
            problems += problems_of_row(*row)
        else:
            problems.append(f"{row[0]} does not exist")
    components = {f"src/{one}" for one in folders(ROOT / "src")}
    problems += [f"{one} has no row" for one in sorted(components - names)]
    readme = (ROOT / "README.md").read_text()
    problems += [f"README.md: {one} is not on the map" for one in sorted(components) if f"\n{one} " not in readme
                 and f"\n{one}/" not in readme]
    problems += [f"README.md: {one} does not exist" for one in re.findall(r"(?m)^(src/[\w/]+)", readme)
                 if not (ROOT / one).is_dir()]
    print("\n".join(problems) if problems else f"architecture: {len(rows)} rows hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
