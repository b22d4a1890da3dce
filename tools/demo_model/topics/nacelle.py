"""nacelle.py: questions about Nacelle itself. Phrasings are held out, answers not."""
from dialogue import exchange
from noise import soften
from talk import load, pick

TALK = load("nacelle")


def make(rng, held_out):
    question, answer = pick(rng, TALK, held_out)
    return exchange("nacelle", question if held_out else soften(rng, question), answer)
