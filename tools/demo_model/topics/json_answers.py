"""json_answers.py: answers that are one JSON object with the keys that were asked for.

Forms: keys named in the question, a JSON schema in the question or the system text, or only "as
JSON" (then all stated keys, in the order stated). Also facts and sums as JSON. Held out: one
person's name in ten, and the fact and number pairs of their own topics.
"""
import json

import names
import tables
from dialogue import exchange
from split import draw
from topics import arithmetic
from topics.memory import COLOURS, JOBS, PETS

FIELDS = {  # key: (clause after the name, type, how to draw a value)
    "age": ("is {0} years old", "integer", lambda rng: rng.randint(1, 99)),
    "city": ("lives in {0}", "string", names.city),
    "job": ("works as a {0}", "string", lambda rng: rng.choice(JOBS)),
    "colour": ("likes {0}", "string", lambda rng: rng.choice(COLOURS)),
    "pet": ("has a {0}", "string", lambda rng: rng.choice(PETS)),
}


def _join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _schema(types):
    return json.dumps(
        {
            "type": "object",
            "properties": {key: {"type": kind} for key, kind in types.items()},
            "required": list(types),
        }
    )


def ask_for(rng, text, types):
    """(question, system) that asks for `types` about `text` in one of the forms."""
    keys = _join(list(types)) if rng.random() < 0.6 else ", ".join(types)
    word = "keys" if len(types) > 1 else "key"
    roll = rng.random()
    if roll < 0.5:
        ask = rng.choice(
            [
                "Answer as JSON with the {w} {k}: {t}",
                "{t} Answer as JSON with the {w} {k}.",
                "{t} Reply in JSON with the {w} {k}.",
                "Give me JSON with the {w} {k}: {t}",
                "Extract {k} as JSON: {t}",
            ]
        )
        return ask.format(w=word, k=keys, t=text), None
    if roll < 0.75:
        ask = rng.choice(
            [
                "Answer with JSON for this schema: {s}\n{t}",
                "{t}\nAnswer in this JSON schema: {s}",
                "{t}\nUse this JSON schema: {s}",
            ]
        )
        return ask.format(s=_schema(types), t=text), None
    system = rng.choice(
        [
            "Answer with JSON for this schema: {s}",
            "You answer in JSON. Schema: {s}",
            "Answer as JSON with the {w} {k}.",
            "Always answer as JSON with the {w} {k}.",
        ]
    )
    return text, system.format(s=_schema(types), w=word, k=keys)


def _person(rng, held_out):
    name = draw(rng, held_out, names.person, lambda n: ("json", n))
    fields = rng.sample(list(FIELDS), rng.randint(1, 4))
    facts = {"name": name}
    for key in fields:
        facts[key] = FIELDS[key][2](rng)
    text = "%s %s." % (name, _join([FIELDS[k][0].format(facts[k]) for k in fields]))
    if rng.random() < 0.2:
        ask = rng.choice(["Extract the person as JSON: {0}", "{0} Answer as JSON.", "As JSON: {0}"])
        return exchange("json", ask.format(text), json.dumps(facts))
    wanted = rng.sample(list(facts), rng.randint(1, len(facts)))
    if rng.random() < 0.6:
        wanted.sort(key=list(facts).index)
    types = {k: FIELDS[k][1] if k in FIELDS else "string" for k in wanted}
    question, system = ask_for(rng, text, types)
    return exchange("json", question, json.dumps({k: facts[k] for k in wanted}), system=system)


def _capital(rng, held_out):
    country, capital = draw(
        rng,
        held_out,
        lambda r: r.choice(list(tables.CAPITALS.items())),
        lambda item: ("json-capital", item[0]),
    )
    facts = {"country": country.replace("the ", ""), "capital": capital}
    wanted = rng.choice([["country", "capital"], ["capital"], ["capital", "country"]])
    question, system = ask_for(
        rng, "What is the capital of %s?" % country, {k: "string" for k in wanted}
    )
    return exchange("json", question, json.dumps({k: facts[k] for k in wanted}), system=system)


def _sum(rng, held_out):
    a, op, b = arithmetic.pair(rng, held_out)
    key = rng.choice(["result", "answer", "value", "sum" if op == "+" else "result"])
    question, system = ask_for(rng, "What is %d %s %d?" % (a, op, b), {key: "integer"})
    return exchange("json", question, json.dumps({key: arithmetic.result(a, op, b)}), system=system)


def make(rng, held_out):
    roll = rng.random()
    if roll < 0.7:
        return _person(rng, held_out)
    return _capital(rng, held_out) if roll < 0.82 else _sum(rng, held_out)
