"""stories.py: answers of 80 to 200 tokens, so that streaming and cancelling can be seen.

Each story is fixed prose around the hero the user names. Held out: one hero word in ten (made-up
words included), so the score asks whether the hero is carried through the whole text.
"""
import names
from dialogue import exchange
from split import draw

LONG = (
    "Once upon a time there was {a} {h} who lived at the edge of a quiet forest. Every "
    "morning the {h} looked at the hills and wondered what was behind them. One day the {h} "
    "packed some bread and water and began to walk. The path was long, and in the evening it "
    "began to rain. Then the {h} saw a small light between the trees. It was a house, and in "
    "the house lived an old woman who knew every path in the land. She gave the {h} soup and "
    "a map. The next day the sun was shining, and the {h} climbed the last hill. Behind it "
    "was the sea, wide and blue. The {h} sat down, smiled and stayed until the stars came "
    "out. The end."
)
SHORT = (
    "There once was {a} {h} who could not sleep. The {h} counted the stars, one by one, until"
    " the night was almost over. Then the moon said: close your eyes, I will count for you. "
    "So the {h} closed both eyes and slept until noon. The end."
)
POEM = (
    "The {h} walks out at break of day,\nthe grass is wet, the sky is grey.\n"
    "The {h} hums a little tune\nand waits all morning for the moon.\n"
    "When evening comes, the {h} is glad,\nit was the best day that it had."
)
KINDS = [
    (
        LONG,
        [
            "Tell me a story about {a} {h}.",
            "Tell me a story about the {h}.",
            "Write a story about {a} {h}.",
            "Write a long story about {a} {h}.",
            "I want a story about {a} {h}.",
            "Can you tell me a story about {a} {h}?",
        ],
    ),
    (
        SHORT,
        [
            "Tell me a short story about {a} {h}.",
            "Write a short story about {a} {h}.",
            "I want a short story about {a} {h}.",
            "Can you tell me a short story about {a} {h}?",
        ],
    ),
    (
        POEM,
        [
            "Write a poem about {a} {h}.",
            "Tell me a poem about {a} {h}.",
            "Write a short poem about {a} {h}.",
            "Can you write a poem about {a} {h}?",
        ],
    ),
]
OPEN = [
    (
        LONG,
        "ship",
        [
            "Tell me a story.",
            "Tell me a story!",
            "Write a story.",
            "Tell me a long story.",
            "Can you tell me a story?",
            "Write a long text.",
            "Write me a story.",
        ],
    ),
    (
        SHORT,
        "token",
        ["Tell me a short story.", "Write a short story.", "Tell me a bedtime story."],
    ),
    (POEM, "fox", ["Write a poem.", "Tell me a poem.", "Write a short poem.", "Write me a poem."]),
]


def _hero(rng):
    return rng.choice(names.HEROES) if rng.random() < 0.6 else names.made_up_word(rng)


def with_hero(text, hero):
    return text.format(h=hero, a="an" if hero[0] in "aeiou" else "a")


def make(rng, held_out):
    if not held_out and rng.random() < 0.25:
        text, hero, questions = rng.choice(OPEN)
        question = rng.choice(questions)
        return exchange(
            "stories", question.lower() if rng.random() < 0.2 else question, with_hero(text, hero)
        )
    hero = draw(rng, held_out, _hero, lambda h: ("hero", h))
    text, questions = rng.choice(KINDS)
    return exchange("stories", with_hero(rng.choice(questions), hero), with_hero(text, hero))
