"""arithmetic.py: sums and differences of numbers up to 99, and the multiplication table to 10.

Held out: one number pair in ten for sums and differences (both orders of a sum fall on the same
side). The multiplication table is small enough to be learned by heart, so it has no held-out pairs;
its phrasings are those of the other two.
"""
from dialogue import Segment, assistant, user
from split import draw

LIMIT = 99
FOLLOW_UP_LIMIT = 12
ASK = {
    "+": [
        "What is {a} + {b}?",
        "What is {a} plus {b}?",
        "{a} + {b}",
        "{a} + {b} = ?",
        "Add {a} and {b}.",
        "How much is {a} + {b}?",
        "Compute {a} + {b}.",
        "Calculate {a} plus {b}.",
        "{a}+{b}",
        "What's {a} + {b}?",
        "What is {a}+{b}?",
        "What is the sum of {a} and {b}?",
    ],
    "-": [
        "What is {a} - {b}?",
        "What is {a} minus {b}?",
        "{a} - {b}",
        "{a} - {b} = ?",
        "Subtract {b} from {a}.",
        "How much is {a} - {b}?",
        "Compute {a} - {b}.",
        "{a}-{b}",
        "Calculate {a} minus {b}.",
        "What's {a} - {b}?",
        "What is {a}-{b}?",
    ],
    "*": [
        "What is {a} * {b}?",
        "What is {a} times {b}?",
        "{a} * {b}",
        "{a} * {b} = ?",
        "{a}*{b}",
        "Multiply {a} by {b}.",
        "How much is {a} * {b}?",
        "Compute {a} * {b}.",
        "What is {a} x {b}?",
        "Calculate {a} times {b}.",
    ],
}


def result(a, op, b):
    return a + b if op == "+" else a - b if op == "-" else a * b


def _number(rng):
    return rng.randint(0, LIMIT) if rng.random() < 0.7 else rng.randint(0, 12)


def _draw_pair(rng):
    op = rng.choice("++--*")
    if op == "*":
        return rng.randint(0, 10), op, rng.randint(0, 10)
    a, b = _number(rng), _number(rng)
    return (max(a, b), op, min(a, b)) if op == "-" else (a, op, b)


def _key(pair):
    a, op, b = pair
    return ("never", 1) if op == "*" else (op, min(a, b), max(a, b))


def pair(rng, held_out):
    """(a, op, b) on the wanted side of the split.

    The second sum of a follow-up may be any pair with a small second number, so a held-out pair has
    two numbers above FOLLOW_UP_LIMIT: those never occur in the training text in any way.
    """
    while True:
        a, op, b = draw(rng, held_out, _draw_pair, _key)
        if not held_out or min(a, b) > FOLLOW_UP_LIMIT:
            return a, op, b


def _follow_up(rng, held_out):
    """Two sums where the second starts from the first result."""
    while True:
        a, op, b = pair(rng, held_out)
        first = result(a, op, b)
        if first > LIMIT:
            continue
        op2 = rng.choice("+-")
        c = rng.randint(1, FOLLOW_UP_LIMIT)
        if op2 == "-":
            c = min(c, first)
        ask = {
            "+": ["Add {c} to that.", "Plus {c}?", "And plus {c}?", "Now add {c}."],
            "-": ["Subtract {c} from that.", "Minus {c}?", "And minus {c}?", "Now subtract {c}."],
        }
        question = rng.choice(ask[op2]).format(c=c)
        second = result(first, op2, c)
        return Segment(
            "arithmetic",
            [
                user(rng.choice(ASK[op]).format(a=a, b=b)),
                assistant("%d %s %d = %d" % (a, op, b, first)),
                user(question),
                assistant("%d %s %d = %d" % (first, op2, c, second)),
            ],
        )


def make(rng, held_out):
    if rng.random() < 0.12:
        return _follow_up(rng, held_out)
    messages = []
    for _ in range(1 if held_out else rng.choice([1, 1, 1, 2, 3, 4])):
        a, op, b = pair(rng, held_out)
        question = rng.choice(ASK[op]).format(a=a, b=b)
        messages += [user(question), assistant("%d %s %d = %d" % (a, op, b, result(a, op, b)))]
    return Segment("arithmetic", messages)
