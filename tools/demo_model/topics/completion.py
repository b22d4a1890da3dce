"""completion.py: plain text without chat marks, for the completions endpoint.

Facts as statements, counting, stories and prose about Nacelle; every token is learned and the text
ends with <|endoftext|>. There is no held-out side: the statements repeat what other topics hold.
"""
import names
from topics import facts, nacelle, stories


def text(rng):
    roll = rng.random()
    if roll < 0.5:
        return " ".join(answer for _, answer in rng.sample(facts.FACTS, rng.randint(2, 6)))
    if roll < 0.65:
        return " ".join(answer for _, answer in rng.sample(nacelle.TALK, rng.randint(1, 4)))
    if roll < 0.85:
        first = rng.choice([0, 1, 1, rng.randint(2, 60)])
        return ", ".join(str(n) for n in range(first, first + rng.randint(5, 25)))
    return stories.with_hero(stories.LONG, rng.choice(names.HEROES))
