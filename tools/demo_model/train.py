"""train.py: trains the demo model on a corpus folder of generate.py.

    train.py --corpus FOLDER --out FOLDER [--minutes M | --steps N] [--threads T] [--resume]

AdamW, linear warm-up, cosine decay to a tenth, gradients clipped at norm 1. A step is two batches
of different lengths. With --minutes the decay follows the clock, so that the schedule ends on time
whatever else the machine does; with --steps it follows the step and the run is reproducible.
`checkpoint.pt` in the out folder holds everything --resume needs.
"""
import argparse
import dataclasses
import math
import os
import time

import torch
from torch.nn import functional as F

from batches import Corpus
from model import Config, Qwen3

WARM_UP_STEPS = 100
BATCHES_PER_STEP = 2


def learning_rate(peak, step, progress):
    """`progress` is the finished share of the run, in [0, 1]."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return peak * warm * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def make_optimizer(model, peak):
    decayed = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), eps=1e-8)


def loss_of(model, inputs, targets, bf16):
    """(sum of the losses, number of learned tokens)."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        hidden = model.hidden(inputs)
        learned = targets >= 0
        logits = model.logits(hidden[learned])
    return F.cross_entropy(logits.float(), targets[learned], reduction="sum"), int(learned.sum())


class Run:
    """What survives a restart: the model, the optimizer, and how far the run is."""

    def __init__(self, args):
        torch.manual_seed(args.seed)
        self.model = Qwen3(Config())
        self.optimizer = make_optimizer(self.model, args.lr)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.path = os.path.join(args.out, "checkpoint.pt")
        if args.resume:
            state = torch.load(self.path)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "config": dataclasses.asdict(self.model.config),
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        torch.save(state, self.path + ".part")
        os.replace(self.path + ".part", self.path)


def batch_lists(corpus, args):
    """Endless steps; every pass over the corpus has its own order."""
    epoch = 0
    while True:
        plan = corpus.plan(args.batch_tokens, args.seed + epoch)
        for i in range(0, len(plan) - BATCHES_PER_STEP + 1, BATCHES_PER_STEP):
            yield plan[i : i + BATCHES_PER_STEP]
        epoch += 1


def train_step(run, corpus, lists, rate, bf16):
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    batches = [corpus.batch(samples) for samples in lists]
    total = sum(int((targets >= 0).sum()) for _, targets in batches)
    loss_sum = 0.0
    for inputs, targets in batches:
        loss, _ = loss_of(run.model, inputs, targets, bf16)
        (loss / total).backward()
        loss_sum += float(loss)
        run.tokens += inputs.numel()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    run.step += 1
    return loss_sum / total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch-tokens", type=int, default=1280)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="matrix products in bf16")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    os.makedirs(args.out, exist_ok=True)
    corpus, run = Corpus(args.corpus), Run(args)
    print("%d parameters" % sum(p.numel() for p in run.model.parameters()), flush=True)
    skipped, mean, saved = run.step, None, time.time()
    begin = time.time() - run.seconds
    for number, lists in enumerate(batch_lists(corpus, args)):
        if number < skipped:
            continue
        progress = run.step / args.steps if args.steps else run.seconds / (60 * args.minutes)
        if progress >= 1:
            break
        loss = train_step(run, corpus, lists, learning_rate(args.lr, run.step, progress), args.bf16)
        run.seconds = time.time() - begin
        mean = loss if mean is None else 0.98 * mean + 0.02 * loss
        if run.step % 20 == 0:
            left = run.seconds / max(progress, 1e-6) * (1 - progress)
            print(
                "step %d  tokens %d  loss %.4f  %.0f tokens/s  %.1f min left"
                % (run.step, run.tokens, mean, run.tokens / run.seconds, left / 60),
                flush=True,
            )
        if time.time() - saved > 120:
            run.save()
            saved = time.time()
    run.save()


if __name__ == "__main__":
    main()
