#!/usr/bin/env python3
"""Renders the project's own chat templates and many small ones with transformers and jinja2.

Usage: chat_template.py TESTDATA_DIR

Reads TESTDATA_DIR/families/*.jinja and writes
  TESTDATA_DIR/families.json   every family with every conversation
  TESTDATA_DIR/snippets.json   the snippets of chat_template_snippets.py
Each result is {"text": ...}, {"raised": message of raise_exception} or {"error": kind}.
"""
import datetime
import json
import pathlib
import sys
import warnings

import jinja2
from transformers.utils import chat_template_utils

from chat_template_conversations import CONVERSATIONS
from chat_template_snippets import SNIPPETS, VARIABLES

NOW = datetime.datetime(2026, 3, 7, 14, 5, 9, 42)


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 14, 5, 9, 42)


def outcome(function):
    try:
        text = function()
        text.encode("utf-8")
        return {"text": text}
    except jinja2.exceptions.TemplateError as error:
        if type(error) is jinja2.exceptions.TemplateError:
            return {"raised": str(error)}
        return {"error": type(error).__name__}
    except Exception as error:  # whatever Python raised, the request fails
        return {"error": type(error).__name__}


def render_family(source, conversation):
    arguments = dict(conversation)
    arguments.pop("name")
    messages = arguments.pop("messages")
    return outcome(
        lambda: chat_template_utils.render_jinja_template([messages], chat_template=source, **arguments)[0][0]
    )


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n", encoding="utf-8")
    print(path, path.stat().st_size, "bytes")


def main():
    warnings.simplefilter("ignore")
    chat_template_utils.datetime = FixedClock
    folder = pathlib.Path(sys.argv[1])

    renders = []
    for path in sorted((folder / "families").glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        for conversation in CONVERSATIONS:
            result = render_family(source, conversation)
            renders.append({"family": path.stem, "conversation": conversation["name"], **result})
    write(folder / "families.json", {"conversations": CONVERSATIONS, "renders": renders})

    snippets = []
    for snippet in SNIPPETS:
        source, more = snippet if isinstance(snippet, tuple) else (snippet, {})
        variables = {**VARIABLES, **more}
        result = outcome(lambda: chat_template_utils._compile_jinja_template(source).render(**variables))
        row = {"source": source, **result}
        if more:
            row["variables"] = more
        snippets.append(row)
    write(folder / "snippets.json", {"variables": VARIABLES, "snippets": snippets})


if __name__ == "__main__":
    sys.exit(main())
