"""checkpoint.py: opens a checkpoint of train.py as a model with bf16-rounded weights.

Scores are measured on these weights, because they are the ones that ship.
"""
import os

import torch

from model import Config, Qwen3


def load_rounded(folder):
    """(model, state): `state` also has step, tokens and seconds."""
    state = torch.load(os.path.join(folder, "checkpoint.pt"), map_location="cpu")
    model = Qwen3(Config(**state["config"]))
    model.load_state_dict(
        {name: w.to(torch.bfloat16).float() for name, w in state["model"].items()}
    )
    return model.eval(), state
