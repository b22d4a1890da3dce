"""facts.py: questions with one answer from tables.py, each in several phrasings.

Held out: one (fact, phrasing) pair in ten. The first phrasing is always trained, so every fact is
seen and the score asks whether it is found from a phrasing never seen with it.
"""
import tables
from dialogue import exchange
from noise import soften
from talk import pick


def _capitals():
    ask = [
        "What is the capital of {0}?",
        "What's the capital of {0}?",
        "Name the capital of {0}.",
        "Which city is the capital of {0}?",
        "Tell me the capital of {0}.",
        "Do you know the capital of {0}?",
        "Capital of {0}?",
        "{0}: what is its capital?",
    ]
    for country, capital in tables.CAPITALS.items():
        yield [a.format(country) for a in ask], "The capital of %s is %s." % (country, capital)
    ask = [
        "Which country is {0} the capital of?",
        "{0} is the capital of which country?",
        "Of which country is {0} the capital?",
    ]
    for country, capital in tables.CAPITALS.items():
        yield [a.format(capital) for a in ask], "%s is the capital of %s." % (capital, country)


def _upper(text):
    return text[0].upper() + text[1:]


def _nature():
    ask = [
        "What colour is {0}?",
        "What color is {0}?",
        "Which colour is {0}?",
        "Tell me the colour of {0}.",
        "What is the colour of {0}?",
        "What is the color of {0}?",
    ]
    for thing, colour in tables.COLOURS.items():
        yield [a.format(thing) for a in ask], "%s is %s." % (_upper(thing), colour)
    ask = [
        "What sound does a {0} make?",
        "What does a {0} do to make a sound?",
        "Which sound does a {0} make?",
        "What noise does a {0} make?",
        "How does a {0} sound?",
    ]
    for animal, sound in tables.SOUNDS.items():
        yield [a.format(animal) for a in ask], "A %s %s." % (animal, sound)
    ask = [
        "What is a young {0} called?",
        "What do you call a baby {0}?",
        "What is a baby {0}?",
        "Name the young of a {0}.",
        "What is a baby {0} called?",
    ]
    for animal, young in tables.YOUNG.items():
        yield [a.format(animal) for a in ask], "A young %s is called a %s." % (animal, young)
    ask = [
        "How many legs does {1} {0} have?",
        "What is the number of legs of {1} {0}?",
        "Tell me how many legs {1} {0} has.",
        "{1} {0} has how many legs?",
    ]
    for animal, legs in tables.LEGS.items():
        article = "an" if animal[0] in "aeiou" else "a"
        yield (
            [_upper(a.format(animal, article)) for a in ask],
            "%s %s has %s legs." % (article.capitalize(), animal, legs),
        )


def _measures():
    ask = [
        "How many {0} are in {1}?",
        "How many {0} are there in {1}?",
        "How many {0} does {1} have?",
        "What is the number of {0} in {1}?",
        "Tell me how many {0} are in {1}.",
    ]
    for (small, large), count in tables.UNITS.items():
        yield [a.format(small, large) for a in ask], "%s has %s %s." % (_upper(large), count, small)


def _sequences():
    for names, kind in ((tables.DAYS, "day"), (tables.MONTHS, "month")):
        for i, name in enumerate(names):
            following = names[(i + 1) % len(names)]
            before = names[i - 1]
            ask = [
                "What %s comes after {0}?",
                "Which %s comes after {0}?",
                "What %s follows {0}?",
                "What is the %s after {0}?",
            ]
            yield [(a % kind).format(name) for a in ask], "%s comes after %s." % (following, name)
            ask = [
                "What %s comes before {0}?",
                "Which %s comes before {0}?",
                "What is the %s before {0}?",
            ]
            yield [(a % kind).format(name) for a in ask], "%s comes before %s." % (before, name)
    for ordinal, planet in zip(tables.ORDINALS, tables.PLANETS):
        ask = [
            "What is the {0} planet from the sun?",
            "Which planet is the {0} from the sun?",
            "Name the {0} planet.",
            "What is the {0} planet?",
        ]
        yield (
            [a.format(ordinal) for a in ask],
            "%s is the %s planet from the sun." % (planet, ordinal),
        )


def _words():
    ask = [
        "What is the opposite of {0}?",
        "What's the opposite of {0}?",
        "Name the opposite of {0}.",
        "Tell me the opposite of {0}.",
        "Which word is the opposite of {0}?",
    ]
    for word, opposite in tables.OPPOSITES.items():
        yield [a.format(word) for a in ask], "The opposite of %s is %s." % (word, opposite)
    ask = [
        "How do you say hello in {0}?",
        "What is hello in {0}?",
        "Say hello in {0}.",
        "How do I say hello in {0}?",
        "Translate hello to {0}.",
        "Hello in {0}?",
    ]
    for language, word in tables.HELLO.items():
        yield [a.format(language) for a in ask], "Hello in %s is %s." % (language, word)


FACTS = (
    list(_capitals())
    + list(_nature())
    + list(_measures())
    + list(_sequences())
    + list(_words())
    + list(tables.SINGLE_FACTS)
)


def make(rng, held_out):
    question, answer = pick(rng, FACTS, held_out)
    return exchange("facts", question if held_out else soften(rng, question), answer)
