"""names.py: people, cities, heroes of stories and made-up words.

Made-up words are built from syllables. They teach the model to copy what it reads instead of
choosing from a list; without them a name outside the list comes back as a similar known one.
"""
PEOPLE = """
Anna Ben Carla David Emma Felix Grace Hugo Ida Jonas Kate Leo Maria Nora Oscar Paul Rosa Sam
Tina Victor Alice Bob Clara Daniel Eva Frank Hannah Ivan Julia Karl Laura Max Nina Otto
Peter Robert Sara Thomas Ursula William Zoe Ali Amira Chen Diego Fatima Hiro Ines Jamal Kofi
Lena Mei Omar Priya Raj Sofia Tomas Wei Yuki Yusuf Lucas Mia Noah Olivia Liam Sophie James
Lily Jack Ella Henry Martin Simon Marc Helen Alex Chris Andrea Bruno Elena Erik Iris John
Mary Linda Susan Mark Steve""".split()

CITIES = """
Paris London Berlin Madrid Rome Vienna Prague Warsaw Lisbon Dublin Oslo Stockholm Helsinki
Copenhagen Athens Budapest Tokyo Beijing Delhi Cairo Nairobi Lima Quito Ottawa Canberra
Boston Chicago Seattle Denver Dallas Munich Hamburg Zurich Geneva Milan Naples Lyon Porto
Seville Barcelona Brussels Amsterdam Moscow Istanbul Dubai Mumbai Bangkok Hanoi Seoul Sydney
Melbourne Auckland Toronto Montreal Vancouver Miami Houston Austin Lagos Accra Dakar Tunis
Bogota Santiago""".split() + [
    "New York",
    "San Francisco",
    "Los Angeles",
    "Mexico City",
    "Hong Kong",
    "Buenos Aires",
]

HEROES = """
dragon robot cat dog fox owl bear whale turtle rabbit mouse knight pirate wizard princess
sailor farmer baker king queen bird fish tree star river cloud ship train clock teacher
doctor lion horse frog monkey penguin engine token gardener painter piper giant elf ghost
snail bee ant""".split()

_ONSET = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "y",
    "z",
    "",
]
_VOWEL = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ea", "ou", "ai"]
_CODA = ["", "", "", "n", "r", "l", "s", "m", "t", "x", "nd", "rk"]


def made_up_word(rng, syllables=None):
    count = syllables or rng.choice([1, 2, 2, 2, 3])
    word = "".join(rng.choice(_ONSET) + rng.choice(_VOWEL) for _ in range(count)) + rng.choice(
        _CODA
    )
    return word if len(word) > 2 else word + rng.choice(["ra", "lo", "ni", "to"])


def person(rng):
    return rng.choice(PEOPLE) if rng.random() < 0.5 else made_up_word(rng).capitalize()


def city(rng):
    return rng.choice(CITIES) if rng.random() < 0.55 else made_up_word(rng).capitalize()
