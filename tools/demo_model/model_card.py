"""model_card.py: the text of models/demo/README.md, with the measured figures filled in."""

WHAT = {
    "greetings": "small talk in unseen phrasings",
    "nacelle": "questions about Nacelle in unseen phrasings",
    "facts": "known facts in unseen phrasings",
    "arithmetic": "unseen number pairs up to 99, sums and differences; then adding to the result",
    "lists": "unseen counting ranges and list phrasings",
    "echo": "repeating unseen words",
    "memory": "unseen names, cities and numbers, asked for some turns later",
    "json": "one JSON object with the asked keys, unseen names and pairs",
    "tools": "Hermes tool calls and the sentence after them, unseen arguments",
    "stories": "stories and poems about an unseen hero",
    "refusals": "unseen questions outside the domain",
}

CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-generation
library_name: transformers
---

# Nacelle demo model

A very small chat model that ships with Nacelle, so that the quick start and the tests of every
feature work offline: streaming, multi-turn chat, prefix caching, JSON answers, tool calls, routing.
It is a teaching aid, not a knowledge source.

| | |
| --- | --- |
| architecture | Qwen3 (`Qwen3ForCausalLM`), tied embeddings |
| layers | {layers} of hidden size {hidden}, MLP {mlp} |
| attention | {heads} query heads, {kv} key/value heads, {dim} wide |
| parameters | {parameters:,} in bf16 |
| tokenizer | byte-level BPE, {vocab} tokens, digits split singly |
| context | {context} positions; trained on conversations of up to about 1000 tokens |
| chat template | ChatML, tools in the Hermes form |
| training | {steps:,} steps, {tokens:,} tokens with padding, {minutes:.0f} minutes, one thread |
| training text | written by this repository's own generator, no outside data |
| licence | Apache-2.0 |

## Score on held-out questions

Greedy answers of the bf16 weights; an answer counts only when it equals the accepted text exactly.
No held-out number pair, phrasing, name or argument occurs in the training text of its topic.

| topic | what is asked | items | exact match |
| --- | --- | ---: | ---: |
{rows}

`tests/testdata/demo_model/held_out.jsonl` holds a smaller sample of the same kind.

## Limits

It knows nothing else. It adds and subtracts numbers up to 99, multiplies up to 10 times 10, knows
the facts in `tools/demo_model/tables.py` and what `tools/demo_model/talk/` says about Nacelle.
Questions outside that should get a refusal, but may get a fluent wrong answer; so may known
questions in unusual words. English only. Most training conversations have fewer than 300 tokens;
answers at the end of much longer ones are not measured. Asked about itself, it says that it was
trained in under an hour; the clock says more, because it shared its core with other work.

The shipped weights come from one run that was stopped and resumed while topics were being added to
the generator and their shares changed; they are the mean of three of its late checkpoints
(`average.py`), chosen on another held-out sample. Greetings and Nacelle have so few held-out
phrasings that both samples share them.
A run of the commands in `tools/demo_model/README.md` gives a similar model, not the same bytes.

Made by `tools/demo_model/`; its README says how to train it again.
"""


def text(model, state, table):
    rows = [
        "| %s | %s | %d | %.1f %% |" % (topic, WHAT[topic], total, 100 * right / total)
        for topic, (right, total) in table.items()
    ]
    right, total = (sum(row[i] for row in table.values()) for i in (0, 1))
    rows.append("| **all** | | %d | **%.1f %%** |" % (total, 100 * right / total))
    c = model.config
    return CARD.format(
        layers=c.num_hidden_layers,
        hidden=c.hidden_size,
        mlp=c.intermediate_size,
        heads=c.num_attention_heads,
        kv=c.num_key_value_heads,
        dim=c.head_dim,
        vocab=c.vocab_size,
        context=c.max_position_embeddings,
        parameters=sum(p.numel() for p in model.parameters()),
        steps=state["step"],
        tokens=state["tokens"],
        minutes=state["seconds"] / 60,
        rows="\n".join(rows),
    )
