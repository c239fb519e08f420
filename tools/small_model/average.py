"""Averages the weights of an earlier training and of one that went on from it.

Run by hand: ``python -m tools.small_model.average --earlier GGUF --later DIR/hf --out DIR``. The
mean of two such models predicts better than either (Wortsman et al. 2022, "Model soups"). Written
in f16, which is all that is needed to import it.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel

from tools.small_model.earlier import read_earlier


def main() -> None:
    """Writes a folder that `bardling models import` takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--earlier", type=Path, required=True, metavar="GGUF")
    parser.add_argument("--later", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    earlier, _ = read_earlier(arguments.earlier)
    model = GPT2LMHeadModel.from_pretrained(arguments.later)
    later = model.state_dict()
    model.load_state_dict({name: (earlier[name] + later[name]) / 2 for name in later})
    model.to(torch.float16).save_pretrained(arguments.out)
    shutil.copy(arguments.later / "tokenizer.json", arguments.out)


if __name__ == "__main__":
    main()
