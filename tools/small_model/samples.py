"""Draws samples from a trained model, one a seed, in Markdown for a model card.

Run by hand: ``python -m tools.small_model.samples --model DIR/hf``. Never picks among samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from tools.small_model.cleaning import END_OF_TEXT

PROMPTS = ("Once upon a time", END_OF_TEXT)


@torch.no_grad()
def sample(
    model: GPT2LMHeadModel,
    prompt: list[int],
    *,
    seed: int,
    most_tokens: int,
    top_k: int = 40,
    temperature: float = 0.9,
) -> list[int]:
    """The tokens that follow a prompt, up to the end mark."""
    chance = torch.Generator().manual_seed(seed)
    tokens, made = torch.tensor([prompt]), []
    for _ in range(most_tokens):
        window = tokens[:, -model.config.n_positions :]
        logits = model(input_ids=window, use_cache=False).logits[0, -1] / temperature  # (vocab,)
        best, ids = logits.topk(top_k)  # (top_k,), (top_k,)
        choice = torch.multinomial(best.softmax(0), 1, generator=chance)
        token = int(ids[choice])
        if token == model.config.eos_token_id:
            break
        made.append(token)
        tokens = torch.cat([tokens, torch.tensor([[token]])], dim=1)
    return made


def main() -> None:
    """Prints seeds 1 to 20: the first half from a story's opening, the rest from nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--most-tokens", type=int, default=200)
    arguments = parser.parse_args()
    model = GPT2LMHeadModel.from_pretrained(arguments.model, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(arguments.model / "tokenizer.json"))
    for seed in range(1, 21):
        prompt = PROMPTS[0] if seed <= 10 else PROMPTS[1]
        ids = tokenizer.encode(prompt).ids
        made = sample(model, ids, seed=seed, most_tokens=arguments.most_tokens)
        shown = "" if prompt == END_OF_TEXT else prompt
        text = shown + tokenizer.decode(made)
        print(f"**Seed {seed}, prompt `{prompt}`**\n")
        print("\n".join(f"> {line}".rstrip() for line in text.split("\n")) + "\n")


if __name__ == "__main__":
    main()
