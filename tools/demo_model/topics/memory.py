"""memory.py: several turns where a later answer needs an earlier one.

The user states something (name, city, colour, number, pet), another topic may come between, then
the user asks for it. Held out: one stated value in ten.
"""
import names
from dialogue import Segment, assistant, exchange, user
from split import draw

COLOURS = "red blue green yellow orange purple black white pink brown grey gold silver".split()
PETS = "dog cat horse rabbit parrot hamster turtle fish mouse snake".split()
JOBS = "teacher doctor baker farmer pilot nurse painter driver cook writer gardener singer".split()

# Every word that another topic may ask to be copied is seen here too.
WORDS = COLOURS + PETS + JOBS + names.PEOPLE + names.CITIES + names.HEROES

KINDS = {  # what: (statements, reply, questions, answer, how to draw a value)
    "name": (
        [
            "My name is {0}.",
            "I am {0}.",
            "Hi, I'm {0}.",
            "Hello, my name is {0}.",
            "Call me {0}.",
            "Hi! My name is {0}.",
            "I'm called {0}.",
        ],
        "Nice to meet you, {0}!",
        [
            "What is my name?",
            "What's my name?",
            "Who am I?",
            "Do you remember my name?",
            "Can you tell me my name?",
            "Do you know my name?",
        ],
        "Your name is {0}.",
        names.person,
    ),
    "city": (
        ["I live in {0}.", "My city is {0}.", "I am from {0}.", "My home is in {0}."],
        "{0} sounds like a nice place.",
        [
            "Where do I live?",
            "Which city do I live in?",
            "Do you remember where I live?",
            "What is my city?",
        ],
        "You live in {0}.",
        names.city,
    ),
    "colour": (
        ["My favourite colour is {0}.", "I like the colour {0}.", "My favorite color is {0}."],
        "The colour {0} is nice.",
        [
            "What is my favourite colour?",
            "Which colour do I like?",
            "What's my favorite color?",
            "Do you remember my favourite colour?",
        ],
        "Your favourite colour is {0}.",
        lambda rng: rng.choice(COLOURS) if rng.random() < 0.7 else names.made_up_word(rng),
    ),
    "pet": (
        ["I have a {0}.", "My pet is a {0}.", "At home I have a {0}."],
        "A {0} is a good friend.",
        [
            "What pet do I have?",
            "Which pet do I have?",
            "Do you remember my pet?",
            "What is my pet?",
        ],
        "You have a {0}.",
        lambda rng: rng.choice(PETS) if rng.random() < 0.7 else names.made_up_word(rng),
    ),
    "job": (
        ["I work as a {0}.", "My job is {0}.", "I am a {0}."],
        "Being a {0} is a fine job.",
        ["What is my job?", "What do I do for work?", "Do you remember my job?"],
        "You work as a {0}.",
        lambda rng: rng.choice(JOBS) if rng.random() < 0.7 else names.made_up_word(rng),
    ),
    "number": (
        ["My favourite number is {0}.", "Remember the number {0}.", "Please remember {0}."],
        "I will remember {0}.",
        [
            "What is my number?",
            "Which number did I tell you?",
            "What number should you remember?",
            "What was the number?",
        ],
        "The number is {0}.",
        lambda rng: str(rng.randint(2, 9999)),
    ),
}


def _upper(text):
    return text[0].upper() + text[1:]


def make(rng, held_out, filler=None):
    """`filler(rng)` gives a chainable Segment to put between statement and question."""
    count = rng.choice([1, 1, 2, 2, 3])
    kinds = rng.sample(list(KINDS), count)
    values, messages = {}, []
    if rng.random() < 0.15:  # asked before it was said
        kind = rng.choice(kinds)
        messages += [user(rng.choice(KINDS[kind][2])), assistant("You have not told me yet.")]
    for kind in kinds:
        says, reply, _, _, make_value = KINDS[kind]
        value = draw(rng, held_out, make_value, lambda v, k=kind: (k, v))
        values[kind] = value
        messages += [user(rng.choice(says).format(value)), assistant(_upper(reply.format(value)))]
        if filler and rng.random() < 0.35:
            messages += filler(rng).messages
    rng.shuffle(kinds)
    for kind in kinds:
        _, _, questions, answer, _ = KINDS[kind]
        messages += [user(rng.choice(questions)), assistant(answer.format(values[kind]))]
    return Segment("memory", messages)


def make_echo(rng, held_out):
    """Repeat given words exactly: the plainest test of copying."""

    def words(r):
        return " ".join(
            names.made_up_word(r) if r.random() < 0.6 else r.choice(WORDS)
            for _ in range(r.randint(1, 5))
        )

    text = draw(rng, held_out, words, lambda w: ("echo", w))
    if rng.random() < 0.3:
        n = rng.randint(2, 6)
        word = text.split()[0]
        question = rng.choice(
            ["Say {0} {1} times.", "Repeat {0} {1} times.", "Write {0} {1} times."]
        )
        return exchange("echo", question.format(word, n), " ".join([word] * n))
    question = rng.choice(
        [
            "Repeat after me: {0}",
            "Say: {0}",
            "Please repeat: {0}",
            "Echo: {0}",
            "Repeat this: {0}",
            "Say exactly this: {0}",
            "Reply with: {0}",
            "Answer only with: {0}",
        ]
    )
    return exchange("echo", question.format(text), text)
