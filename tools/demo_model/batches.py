"""batches.py: turns the corpus into batches of similar length.

Samples are not packed: each row is one sample, so nothing attends across samples. Within a
window of the shuffled corpus the samples are sorted by length and cut into batches of at most
`batch_tokens` padded tokens; the batches of a window come in random order. Lengths are rounded
up to a multiple of LENGTH_STEP: few different shapes, so that the matrix library prepares few
kernels.
"""
import os
import random

import torch


def _read(folder, name, dtype):
    path = os.path.join(folder, name + ".bin")
    size = os.path.getsize(path) // torch.tensor([], dtype=dtype).element_size()
    return torch.from_file(path, shared=False, size=size, dtype=dtype)


LENGTH_STEP = 16


def _round_up(length):
    return -(-length // LENGTH_STEP) * LENGTH_STEP


class Corpus:
    def __init__(self, folder):
        self.tokens = _read(folder, "tokens", torch.int16)
        self.learned = _read(folder, "learned", torch.int8)
        self.starts = _read(folder, "starts", torch.int64).tolist()

    def plan(self, batch_tokens, seed, window=6000):
        """The order of one pass: a list of lists of sample numbers."""
        rng = random.Random(seed)
        order = list(range(len(self.starts) - 1))
        rng.shuffle(order)
        out = []
        for begin in range(0, len(order), window):
            part = sorted(order[begin : begin + window], key=self._length)
            batches, batch = [], []
            for sample in part:
                if batch and _round_up(self._length(sample)) * (len(batch) + 1) > batch_tokens:
                    batches.append(batch)
                    batch = []
                batch.append(sample)
            batches.append(batch)
            rng.shuffle(batches)
            out += batches
        return out

    def _length(self, sample):
        return self.starts[sample + 1] - self.starts[sample]

    def batch(self, samples):
        """(inputs [n, t], targets [n, t]); a target of -1 carries no loss."""
        longest = _round_up(max(self._length(s) for s in samples))
        inputs = torch.zeros(len(samples), longest, dtype=torch.long)
        targets = torch.full((len(samples), longest), -1, dtype=torch.long)
        for row, s in enumerate(samples):
            begin, end = self.starts[s], self.starts[s + 1]
            ids = self.tokens[begin:end].long()
            inputs[row, : end - begin - 1] = ids[:-1]
            learned = self.learned[begin + 1 : end].bool()
            targets[row, : end - begin - 1][learned] = ids[1:][learned]
        return inputs, targets
