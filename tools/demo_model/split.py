"""split.py: decides which drawn items belong to the held-out set.

An item (a number pair, a fact asked in one phrasing, a name, a city with a tool) has a key; one key
in ten is held out by a hash of it. The generator never writes a held-out key into the training
text, so the held-out score measures combinations the model has not seen. Pure and without state:
the same key always falls on the same side.
"""
import zlib

HELD_OUT_ONE_IN = 10


def is_held_out(*key):
    text = "|".join(str(part) for part in key)
    return zlib.crc32(text.encode("utf-8")) % HELD_OUT_ONE_IN == 0


def draw(rng, held_out, make, key_of, tries=2000):
    """Calls make(rng) until the item's key lies on the wanted side; returns the item."""
    for _ in range(tries):
        item = make(rng)
        if is_held_out(*key_of(item)) == held_out:
            return item
    raise ValueError("no item on the wanted side of the split after %d tries" % tries)
