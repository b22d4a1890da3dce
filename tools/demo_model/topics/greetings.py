"""greetings.py: hello, goodbye, thanks and small talk. Phrasings are held out, answers not."""
from dialogue import exchange
from noise import soften
from talk import load, pick

TALK = load("greetings")
HELLO = TALK[:6]  # asked more often than the rest
QUESTION_WORDS = ("What", "Who", "How", "Are", "Do", "Can", "Tell", "Which", "Is", "When")


def make(rng, held_out):
    question, answer = pick(rng, HELLO if rng.random() < 0.1 else TALK, held_out)
    if not held_out and question.startswith(QUESTION_WORDS):
        question = soften(rng, question)
    elif not held_out and rng.random() < 0.3:
        question = question.lower() if rng.random() < 0.6 else question.rstrip("!?.")
    return exchange("greetings", question, answer)
