"""The Muon optimizer in 32-bit floats, for the weight matrices inside the blocks.

Called by ``tools.small_model.training``. On a CPU without bf16 units PyTorch's own Muon, which
works in bf16, is many times slower than this. Method: Keller Jordan and others, 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

# Coefficients of the published quintic iteration: they push singular values towards 1 fast.
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalized(matrix: torch.Tensor, *, steps: int = 5) -> torch.Tensor:
    """The nearest (roughly) orthogonal matrix: same singular vectors, singular values near 1."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T  # (small, large)
    x = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T  # (small, small)
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, scaled to the size of a typical Adam update."""

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(parameter)
                velocity = state["velocity"].lerp_(parameter.grad, 1 - group["momentum"])
                update = _update(torch.lerp(parameter.grad, velocity, group["momentum"]))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"])


def _update(direction: torch.Tensor) -> torch.Tensor:
    """The step for one matrix; GPT-2's fused ``c_attn`` is three matrices side by side."""
    rows, columns = direction.shape
    parts = 3 if columns == 3 * rows else 1
    made = [orthogonalized(part) for part in direction.chunk(parts, dim=1)]  # (rows, columns/parts)
    # Root mean square 0.2, as Adam's updates have: one learning rate suits both optimizers.
    return torch.cat(made, dim=1) * (0.2 * max(rows, columns // parts) ** 0.5)
