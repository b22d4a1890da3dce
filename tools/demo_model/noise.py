"""noise.py: small changes to how a question is written, so that the model does not depend on
capitals, a question mark or the absence of "please". Used on questions whose answer does not quote
them.
"""
PREFIXES = [
    "Please tell me: ",
    "Hey, ",
    "Hi! ",
    "Hello, ",
    "Quick question: ",
    "Can you tell me: ",
    "Ok, ",
    "And ",
    "So, ",
    "Tell me, ",
]
SUFFIXES = [" Please.", " Thanks!", " Thank you.", " Just answer briefly."]


def soften(rng, question):
    """Returns the question unchanged in six of ten cases, else with one or two changes."""
    if rng.random() < 0.6:
        return question
    if rng.random() < 0.35:
        prefix = rng.choice(PREFIXES)
        question = prefix + (question[0].lower() + question[1:] if prefix[-2] != "!" else question)
    elif rng.random() < 0.25:
        question = question + rng.choice(SUFFIXES)
    if rng.random() < 0.4:
        question = question.lower()
    if rng.random() < 0.3:
        question = question.rstrip("?.!")
    return question
