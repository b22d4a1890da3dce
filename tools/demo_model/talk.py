"""talk.py: reads talk/*.txt, questions in several phrasings with one answer.

A block is one question a line and a last line "= answer"; blank lines and lines with "#" are
skipped. The first phrasing of a block is always trained; of the others one in ten is held out.
"""
import os

from split import is_held_out


def load(name):
    """[(questions, answer), ...] of talk/<name>.txt."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "talk", name + ".txt")
    blocks, questions = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("= "):
                blocks.append((questions, line[2:]))
                questions = []
            elif line and not line.startswith("#"):
                questions.append(line)
    return blocks


def pick(rng, blocks, held_out):
    """(question, answer) of a random block that has a phrasing on the wanted side of the split."""
    while True:
        questions, answer = rng.choice(blocks)
        side = [
            q for i, q in enumerate(questions) if (i > 0 and is_held_out("phrasing", q)) == held_out
        ]
        if side:
            return rng.choice(side), answer
