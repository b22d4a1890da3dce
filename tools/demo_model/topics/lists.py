"""lists.py: named lists, the first n of an open list, counting up and down, four layouts.

Held out: one (list, layout, phrasing) in ten, and one (from, to) counting pair in
ten of those that start at 2 or above.
"""
import json

import tables
from dialogue import exchange
from split import draw, is_held_out

LAYOUTS = {
    "line": ["", "", ""],
    "numbered": [" as a numbered list", " in a numbered list"],
    "json": [" as a JSON array", " as JSON"],
    "bullets": [" as a bullet list", " as bullet points"],
}
ASK_NAMED = [
    "List the {0}{1}.",
    "What are the {0}{2}?",
    "Name the {0}{1}.",
    "Give me the {0}{1}.",
    "Tell me the {0}{1}.",
    "Can you list the {0}{1}?",
]
ASK_OPEN = [
    "List {n} {0}{1}.",
    "Name {n} {0}{1}.",
    "Give me {n} {0}{1}.",
    "Tell me {n} {0}{1}.",
    "Can you list {n} {0}{1}?",
]
WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


def lay_out(items, layout):
    if layout == "numbered":
        return "\n".join("%d. %s" % (i + 1, item) for i, item in enumerate(items))
    if layout == "json":
        return json.dumps(items)
    if layout == "bullets":
        return "\n".join("- %s" % item for item in items)
    return ", ".join(items)


def _draw_list(rng):
    layout = rng.choice(["line", "line", "line", "numbered", "bullets", "json"])
    suffix = rng.choice(LAYOUTS[layout])
    if rng.random() < 0.6:
        name, items = rng.choice(list(tables.NAMED_LISTS.items()))
        ask = rng.choice(ASK_NAMED)
        if "{2}" in ask and suffix:
            question = ask.format(name, "", "") + " Answer%s." % suffix
        else:
            question = ask.format(name, suffix, "")
    else:
        name, items = rng.choice(list(tables.OPEN_LISTS.items()))
        n = rng.randint(2, 8)
        items = items[:n]
        shown = str(n) if rng.random() < 0.5 else WORDS[n]
        question = rng.choice(ASK_OPEN).format(name, suffix, n=shown)
    return question, lay_out(items, layout)


def _count_key(pair):
    # Ranges from 0 and 1 are few and asked most, so all of them are trained.
    return ("never", 1) if pair[0] < 2 else ("count",) + pair


def _count(rng, held_out):
    def make_range(r):
        first = r.choice([0, 1, 1, 1, r.randint(2, 60), r.randint(2, 60)])
        return first, first + (r.randint(2, 14) if r.random() < 0.8 else r.randint(15, 40))

    first, last = draw(rng, held_out, make_range, _count_key)
    numbers = [str(n) for n in range(first, last + 1)]
    if rng.random() < 0.25:
        ask = ["Count down from {1} to {0}.", "Count backwards from {1} to {0}."]
        numbers.reverse()
    elif first == 1:
        ask = [
            "Count to {1}.",
            "Count from {0} to {1}.",
            "List the numbers from {0} to {1}.",
            "Count from {0} to {1}, please.",
            "Please count to {1}.",
        ]
    else:
        ask = [
            "Count from {0} to {1}.",
            "List the numbers from {0} to {1}.",
            "Count from {0} up to {1}.",
            "Count from {0} to {1}, please.",
        ]
    return exchange("lists", rng.choice(ask).format(first, last), ", ".join(numbers))


def make(rng, held_out):
    if rng.random() < 0.55:
        return _count(rng, held_out)
    question, answer = draw(rng, held_out, _draw_list, lambda item: ("list", item[0]))
    if not held_out and rng.random() < 0.2 and not is_held_out("list", question.lower()):
        question = question.lower()
    return exchange("lists", question, answer)
