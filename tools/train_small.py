#!/usr/bin/env python3
"""Trains a tiny GPT-2 with its own tokenizer on folders of stories, within a time budget.

Run by hand: ``python -m tools.train_small --texts DIR --out DIR``. Needs torch, transformers,
tokenizers and safetensors, which the bot itself never imports from here.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so a plain path runs it, too

from tools.small_model.attribution import write_attributions
from tools.small_model.batches import Encoded, Mixture, Source
from tools.small_model.corpus import Corpus, read_corpus
from tools.small_model.dedupe import split_off_validation
from tools.small_model.documents import DEFAULT_WEIGHTS, Document, family_of
from tools.small_model.earlier import read_earlier
from tools.small_model.tokenizer import save_tokenizer, train_tokenizer
from tools.small_model.training import Plan, Trainer, nats

VALIDATION_SHARE = 0.02


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, nargs="+", action="extend", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=80.0, help="time to train, by the clock")
    parser.add_argument("--n-layer", type=int, default=3)
    parser.add_argument("--n-embd", type=int, default=256, help="a multiple of 32")
    parser.add_argument("--n-head", type=int, default=4)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=8, help="rows of one batch")
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--weight", action="append", default=[], metavar="SOURCE=NUMBER",
                        help="draw a source this much more often (repeatable)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the model first: a minute's wait, then a fifth faster",
    )
    parser.add_argument(
        "--start", type=Path, metavar="GGUF", help="go on from this model's weights and tokenizer"
    )
    parser.add_argument("--resume", action="store_true", help="go on from --out/checkpoint.pt")
    return parser.parse_args(argv)


def plan_from(arguments: argparse.Namespace) -> Plan:
    """The training plan that the command line asks for."""
    return Plan(
        n_layer=arguments.n_layer, n_embd=arguments.n_embd, n_head=arguments.n_head,
        context=arguments.context, vocabulary=arguments.vocab, minutes=arguments.minutes,
        rows=arguments.rows, learning_rate=arguments.learning_rate,
        optimizer=arguments.optimizer, seed=arguments.seed, compiled=arguments.compile,
    )  # fmt: skip


def encode(tokenizer: Tokenizer, documents: Sequence[Document]) -> list[Encoded]:
    """The documents' tokens, without end marks."""
    return [made.ids for made in tokenizer.encode_batch([entry.text for entry in documents])]


def mixture_of(
    documents: Sequence[Document], encoded: Sequence[Encoded], arguments: argparse.Namespace
) -> Mixture:
    """One token stream a source folder, drawn by weight."""
    # Another order than the earlier training's, which may not have come to every text; the seed
    # itself stays the same, or texts held out then would be read now.
    order = f"{arguments.seed}:{arguments.start.name}" if arguments.start else str(arguments.seed)
    weights = {key: float(value) for key, value in (w.split("=") for w in arguments.weight)}
    sources = [
        Source(
            name=name,
            documents=[ids for entry, ids in zip(documents, encoded, strict=True)
                       if entry.source == name],
            end_id=arguments.vocab - 1,
            random=random.Random(f"{order}:{name}"),
        )
        for name in sorted({entry.source for entry in documents})
    ]  # fmt: skip
    # The first pattern that fits decides, so the user's own come first.
    weights |= {key: value for key, value in DEFAULT_WEIGHTS.items() if key not in weights}
    return Mixture(sources=sources, weights=weights, random=random.Random(order))


def validation_figures(
    trainer: Trainer, documents: Sequence[Document], encoded: Sequence[Encoded]
) -> dict[str, dict[str, float]]:
    """Loss per token and bits per byte, overall and by family."""
    figures: dict[str, dict[str, float]] = {}
    for family in ("overall", "simple", "classic"):
        chosen = [i for i, entry in enumerate(documents)
                  if family in ("overall", family_of(entry.source))]  # fmt: skip
        if not chosen:
            continue
        total, count = nats(trainer.model, [encoded[i] for i in chosen], trainer.plan)
        size = sum(len(documents[i].text.encode()) for i in chosen)
        figures[family] = {
            "documents": len(chosen), "bytes": size, "tokens": count,
            "loss_per_token": total / count, "bits_per_byte": total / math.log(2) / size,
        }  # fmt: skip
    return figures


def corpus_figures(
    documents: Sequence[Document], encoded: Sequence[Encoded]
) -> dict[str, dict[str, int]]:
    """Documents, bytes and tokens of each source."""
    counts: dict[str, Counter[str]] = {}
    for entry, ids in zip(documents, encoded, strict=True):
        counts.setdefault(entry.source, Counter()).update(
            documents=1, bytes=len(entry.text.encode()), tokens=len(ids)
        )
    return {name: dict(count) for name, count in counts.items()}


def write_figures(folder: Path, trainer: Trainer, **more: object) -> None:
    """Writes ``figures.json``."""
    sources = trainer.mixture.sources
    figures = {
        "plan": asdict(trainer.plan),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "steps": trainer.progress.step,
        "tokens_seen": sum(source.tokens_drawn for source in sources),
        "epochs": {s.name: round(s.tokens_drawn / s.token_count, 2) for s in sources},
        "training_minutes": trainer.progress.seconds / 60,
        **more,
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def read_and_split(arguments: argparse.Namespace) -> tuple[Corpus, list[Document], list[Document]]:
    """Reads the texts and writes down whom their licences ask to name."""
    corpus = read_corpus(arguments.texts)
    write_attributions(arguments.out / "ATTRIBUTION.md", corpus.attributions)
    train, held_out = split_off_validation(
        corpus.documents, share=VALIDATION_SHARE, seed=arguments.seed
    )
    print(f"{len(train)} documents to train on, {len(held_out)} held out", flush=True)
    return corpus, train, held_out


def main() -> None:
    """Trains from start to figures."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    corpus, train, held_out = read_and_split(arguments)
    earlier = None
    if arguments.start:
        earlier, tokenizer = read_earlier(arguments.start)
    else:
        texts = (entry.text for entry in train)
        tokenizer = train_tokenizer(texts, vocabulary_size=arguments.vocab)
    encoded, held_out_ids = encode(tokenizer, train), encode(tokenizer, held_out)
    trainer = Trainer(plan_from(arguments), mixture_of(train, encoded, arguments), held_out_ids)
    if earlier:
        trainer.model.load_state_dict(earlier)
    if arguments.resume:
        trainer.load(arguments.out)

    def save() -> None:
        trainer.save(arguments.out)
        trainer.model.save_pretrained(arguments.out / "hf")
        save_tokenizer(tokenizer, arguments.out / "hf")

    sources, shares = trainer.mixture.sources, trainer.mixture.shares()
    drawn = {source.name: round(share, 3) for source, share in zip(sources, shares, strict=True)}
    print(f"share of each source: {drawn}", flush=True)
    trainer.run(on_save=save, log=lambda line: print(line, flush=True))
    write_figures(
        arguments.out,
        trainer,
        validation=validation_figures(trainer, held_out, held_out_ids),
        train_documents=corpus_figures(train, encoded),
        all_documents=len(corpus.documents),
    )


if __name__ == "__main__":
    main()
