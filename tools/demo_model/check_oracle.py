"""check_oracle.py: proves that the exported folder means the same to the transformers library.

    check_oracle.py write --corpus FOLDER --run FOLDER --held-out FILE --out FILE    (python3-torch)
    check_oracle.py check --model MODEL_FOLDER --expected FILE                       (transformers)

`write` stores prompt text, token ids and greedy answer of this folder's own code for some held-
out questions; `check` makes the same three with AutoTokenizer, its chat template and
AutoModelForCausalLM and exits with 1 when one differs. `check` needs nothing else of this
repository.
"""
import argparse
import json
import sys


def write(args):
    from chat_format import prompt
    from evaluate import Chat

    chat = Chat(args.corpus, args.run)
    rows = []
    with open(args.held_out) as f:
        items = [json.loads(line) for line in f]
    for item in items[:: max(1, len(items) // args.count)]:
        text = prompt(item["messages"], item.get("tools"))
        ids = chat.tokenizer.encode(text)
        out = chat.model.greedy(ids, chat.stop_ids, 60)
        rows.append(
            {
                "messages": item["messages"],
                "tools": item.get("tools"),
                "text": text,
                "ids": ids,
                "answer": out,
                "answer_text": chat.tokenizer.decode(out),
            }
        )
    with open(args.out, "w") as f:
        json.dump(rows, f, ensure_ascii=False)
    print("%d rows" % len(rows))


def check(args):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    wrong = {"text": 0, "ids": 0, "answer": 0, "answer_text": 0}
    with open(args.expected) as f:
        rows = json.load(f)
    for row in rows:
        text = tokenizer.apply_chat_template(
            row["messages"], tools=row["tools"], tokenize=False, add_generation_prompt=True
        )
        ids = tokenizer(text)["input_ids"]
        out = model.generate(
            torch.tensor([ids]),
            do_sample=False,
            max_new_tokens=60,
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        )
        answer = out[0, len(ids) :].tolist()
        while answer and answer[-1] in model.generation_config.eos_token_id:
            answer.pop()
        got = {"text": text, "ids": ids, "answer": answer, "answer_text": tokenizer.decode(answer)}
        for key in wrong:
            if got[key] != row[key]:
                wrong[key] += 1
                if wrong[key] <= 2:
                    print("%s differs:\n  here     %r\n  expected %r" % (key, got[key], row[key]))
    print("%d rows, differences: %s" % (len(rows), wrong))
    return 1 if any(wrong.values()) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["write", "check"])
    parser.add_argument("--corpus")
    parser.add_argument("--run")
    parser.add_argument("--held-out")
    parser.add_argument("--out")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--model")
    parser.add_argument("--expected")
    args = parser.parse_args()
    sys.exit(write(args) if args.mode == "write" else check(args))


if __name__ == "__main__":
    main()
