"""refusals.py: questions outside the domain get one polite sentence instead of an invented answer.

Subjects are drawn from made-up and real words; held out: one (phrasing, subject) in ten.
"""
import names
from dialogue import exchange
from split import draw

ANSWER = (
    "I am only a small demo model and I do not know that. Ask me about Nacelle, simple facts, "
    "small sums or lists."
)
TOO_BIG = "That is too hard for me. I only add, subtract and multiply small numbers."

ASK = [
    "What is the meaning of {0}?",
    "Who is {0}?",
    "What do you think about {0}?",
    "Who invented {0}?",
    "What is the population of {0}?",
    "Who won the {0} cup?",
    "What is the price of {0}?",
    "Explain {0} to me.",
    "How do I cook {0}?",
    "Write an essay about {0}.",
    "When did {0} happen?",
    "Who is the president of {0}?",
    "What is the history of {0}?",
    "How far away is {0}?",
    "Translate this to {0}: I am hungry.",
    "Write a program for {0}.",
    "Why is {0} important?",
    "What will {0} be like tomorrow?",
    "Can you fix my {0}?",
    "What happened in {0}?",
    "What is {0}?",
    "Tell me about {0}.",
    "How does {0} work?",
    "What is the best {0}?",
    "What is the capital of {1}?",
    "Where is {1}?",
    "What is the news from {1}?",
    "Recommend a {0}.",
    "Should I buy a {0}?",
    "How much does {0} cost?",
]
# Questions that need a tool, asked without one.
ASK_CITY = [
    "What is the weather in {0}?",
    "What's the weather in {0}?",
    "What is the weather like in {0} today?",
    "How is the weather in {0}?",
    "What time is it in {0}?",
    "How many people live in {0}?",
    "Find a flight from {0} to {1}.",
    "Book a hotel in {0}.",
    "Is it raining in {0}?",
]
SUBJECTS = """life love quantum physics, the universe, music, football, politics, bitcoin, the stock
market, cancer, religion, history, chess, pasta, relativity, gravity, photosynthesis, the
moon landing, a car, the economy, Python, Rust, JavaScript, a phone, a laptop, the internet,
poetry, war, Mars rovers, medicine, law, taxes, fashion, movies, philosophy, black holes,
dinosaurs, democracy, inflation, coffee, wine, art, the weather, my computer, climate
change, electricity, Napoleon, Einstein, Mozart, Plato""".replace(
    "\n", " "
).split(
    ","
)
SUBJECTS = [s.strip() for s in SUBJECTS]


def _draw(rng):
    if rng.random() < 0.12:
        return "year", "What happened in %d?" % rng.randint(1500, 2024)
    if rng.random() < 0.2:
        return "city", rng.choice(ASK_CITY).format(names.city(rng), names.city(rng))
    subject = rng.choice(SUBJECTS) if rng.random() < 0.55 else names.made_up_word(rng)
    if rng.random() < 0.3 and subject not in SUBJECTS:
        subject = subject.capitalize()
    return subject, rng.choice(ASK).format(subject, names.made_up_word(rng).capitalize())


def _big_sum(rng):
    a, b = rng.randint(100, 99999), rng.randint(2, 99999)
    if rng.random() < 0.5:
        a, b = b, a
    op = rng.choice(["+", "-", "*", "/", "plus", "minus", "times", "divided by"])
    if rng.random() < 0.3:
        a, b, op = rng.randint(11, 99), rng.randint(11, 99), rng.choice(["*", "/", "times", "x"])
    elif rng.random() < 0.2:
        a, b, op = rng.randint(1, 99), rng.randint(1, 99), rng.choice(["/", "divided by"])
    return rng.choice(
        ["What is {} {} {}?", "{} {} {}", "Compute {} {} {}.", "How much is {} {} {}?"]
    ).format(a, op, b)


def make(rng, held_out):
    if rng.random() < 0.25:
        question = draw(rng, held_out, _big_sum, lambda q: ("big", q))
        return exchange("refusals", question, TOO_BIG)
    _, question = draw(rng, held_out, _draw, lambda item: ("refuse", item[1]))
    return exchange("refusals", question, ANSWER)
