"""average.py: writes the weighted mean of checkpoints of one run as a new checkpoint.

    average.py --out FOLDER FOLDER=WEIGHT FOLDER=WEIGHT ...

The mean of late checkpoints answers steadier than each of them; step, tokens, seconds and the
optimizer come from the last one named.
"""
import argparse
import os

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("parts", nargs="+", metavar="FOLDER=WEIGHT")
    args = parser.parse_args()
    parts = [part.rsplit("=", 1) for part in args.parts]
    total = sum(float(weight) for _, weight in parts)
    mean = {}
    for folder, weight in parts:
        state = torch.load(os.path.join(folder, "checkpoint.pt"), map_location="cpu")
        for name, value in state["model"].items():
            mean[name] = mean.get(name, 0) + value * (float(weight) / total)
    state["model"] = mean
    os.makedirs(args.out, exist_ok=True)
    torch.save(state, os.path.join(args.out, "checkpoint.pt"))


if __name__ == "__main__":
    main()
