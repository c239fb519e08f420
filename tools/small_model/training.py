"""The training loop: a GPT-2 on a wall-clock budget, with checkpoints to go on from.

Called by ``tools/train_small.py``. Knows tokens and tensors, not files of text.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel

from tools.small_model.batches import IGNORED, Encoded, Mixture, padded, windows
from tools.small_model.muon import Muon


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The shape of the model and how it is trained."""

    n_layer: int
    n_embd: int
    n_head: int
    context: int
    vocabulary: int
    minutes: float
    rows: int
    learning_rate: float
    optimizer: str
    seed: int
    compiled: bool = False
    save_minutes: float = 5.0
    warm_up: float = 0.02
    final_rate: float = 0.02


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far training has come; saved with each checkpoint."""

    step: int = 0
    seconds: float = 0.0


def new_model(plan: Plan) -> GPT2LMHeadModel:
    """A freshly initialized GPT-2 whose output weights are its token embeddings."""
    end = plan.vocabulary - 1
    config = GPT2Config(
        vocab_size=plan.vocabulary, n_positions=plan.context, n_embd=plan.n_embd,
        n_layer=plan.n_layer, n_head=plan.n_head, activation_function="gelu_pytorch_tanh",
        # So little training never fits the texts by heart: dropout would only slow it.
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=end, eos_token_id=end, use_cache=True,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    # The same function under the name that GPT-2's readers know; this one is only slower.
    model.config.activation_function = "gelu_new"
    return model


def new_optimizers(model: GPT2LMHeadModel, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW for all, or Muon for the blocks' matrices and AdamW for the rest."""
    rate, named = plan.learning_rate, list(model.named_parameters())
    in_blocks = [p for name, p in named if p.ndim == 2 and ".h." in name]
    tables = [p for name, p in named if p.ndim == 2 and ".h." not in name]
    vectors = [p for _, p in named if p.ndim == 1]
    groups = [{"params": tables, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    if plan.optimizer == "adamw":
        groups.append({"params": in_blocks, "weight_decay": 0.1})
        return [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)
    return [adam, Muon(in_blocks, lr=rate)]


def rate_factor(done: float, plan: Plan) -> float:
    """The share of the full learning rate after the share ``done`` of the time."""
    if done < plan.warm_up:
        return max(done / plan.warm_up, 0.02)
    along = min((done - plan.warm_up) / (1 - plan.warm_up), 1.0)
    return plan.final_rate + (1 - plan.final_rate) * (1 + math.cos(math.pi * along)) / 2


def loss_of(
    model: GPT2LMHeadModel, inputs: torch.Tensor, targets: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    """Cross-entropy in nats of next tokens; both tensors are (rows, length)."""
    logits = model(input_ids=inputs, use_cache=False).logits  # (rows, length, vocabulary)
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction=reduction
    )


@torch.no_grad()
def nats(
    model: GPT2LMHeadModel, documents: Sequence[Encoded], plan: Plan, *, most: int | None = None
) -> tuple[float, int]:
    """The summed loss over the documents' tokens, and their number.

    Args:
        most: look at this many windows only, spread evenly.
    """
    pairs = windows(documents, end_id=plan.vocabulary - 1, context=plan.context)
    if most and len(pairs) > most:
        pairs = pairs[:: -(-len(pairs) // most)]
    # Rows of like length beside each other waste little on padding.
    pairs.sort(key=lambda pair: len(pair[0]))
    model.eval()
    total = 0.0
    for start in range(0, len(pairs), 16):
        inputs, targets = padded(pairs[start : start + 16], end_id=plan.vocabulary - 1)
        total += float(loss_of(model, inputs, targets, "sum"))
    model.train()
    return total, sum(len(inputs) for inputs, _ in pairs)


class Trainer:
    """One training run: its model, optimizers and place in the time budget."""

    def __init__(self, plan: Plan, mixture: Mixture, validation: Sequence[Encoded]) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.mixture = mixture
        self.validation = validation
        self.model = new_model(plan)
        self.optimizers = new_optimizers(self.model, plan)
        self.progress = Progress()
        # Only the training step is compiled: its shapes never change, unlike validation's.
        self._loss = torch.compile(loss_of) if plan.compiled else loss_of

    def save(self, folder: Path) -> None:
        """Writes all that ``load`` needs, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "progress": asdict(self.progress),
            "drawn": {source.name: source.tokens_drawn for source in self.mixture.sources},
        }
        torch.save(state, folder / "checkpoint.partial")
        (folder / "checkpoint.partial").replace(folder / "checkpoint.pt")

    def load(self, folder: Path) -> None:
        """Goes on from ``save``: same weights and time used; texts are drawn in a new order."""
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(**state["progress"])
        self.mixture.random = random.Random(f"{self.plan.seed}:{self.progress.step}")
        for source in self.mixture.sources:
            source.tokens_drawn = state["drawn"][source.name]
            source.random = random.Random(f"{source.name}:{self.progress.step}")

    def run(self, on_save: Callable[[], None], log: Callable[[str], None]) -> None:
        """Trains until the time is used up; calls ``on_save`` now and then and at the end."""
        batches = self.mixture.batches(rows=self.plan.rows, context=self.plan.context)
        budget_s, last_save_s, average = self.plan.minutes * 60, self.progress.seconds, 0.0
        while self.progress.seconds < budget_s:
            began = time.monotonic()
            loss = self._step(next(batches), self.progress.seconds / budget_s)
            average = loss if not average else 0.98 * average + 0.02 * loss
            if self.progress.seconds - last_save_s > self.plan.save_minutes * 60:
                last_save_s = self.progress.seconds
                on_save()
                log(f"validation (part): {self._glance():.4f} nats a token")
            self.progress.step += 1
            self.progress.seconds += time.monotonic() - began
            if self.progress.step % 25 == 0:
                log(self._line(average, time.monotonic() - began))
        on_save()

    def _step(self, batch: torch.Tensor, done: float) -> float:
        """One update on a batch of shape (rows, context + 1)."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * rate_factor(done, self.plan)
            optimizer.zero_grad(set_to_none=True)
        loss = self._loss(self.model, batch[:, :-1].contiguous(), batch[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.item()

    def _glance(self) -> float:
        total, count = nats(self.model, self.validation, self.plan, most=32)
        return total / count

    def _line(self, average: float, step_s: float) -> str:
        tokens = self.plan.rows * self.plan.context
        return json.dumps(
            {"step": self.progress.step, "minutes": round(self.progress.seconds / 60, 2),
             "loss": round(average, 4), "tokens": self.progress.step * tokens,
             "tokens_per_s": round(tokens / step_s)}
        )  # fmt: skip
