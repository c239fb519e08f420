"""How the next token is drawn: the parameters and their bounds, not the drawing itself.

Cogs build these from a command's options, jobs carry them, `engine/sampling.py` obeys them.
"""

from dataclasses import asdict, dataclass
from typing import Any

MAX_SEED = 2**53 - 1  # the largest integer a Discord option (a JSON number) carries exactly
MAX_TEMPERATURE = 2.0
MAX_TOP_K = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """One request's way of drawing tokens, applied in this order.

    Attributes:
        repetition_penalty: divides the logits of recent tokens (CTRL, arXiv 1909.05858); 1 = off.
        repetition_window: how many of the newest tokens count as recent.
        temperature: divides the logits; 0 takes the likeliest token (greedy).
        top_k: keeps the k likeliest tokens; 0 keeps all.
        top_p: keeps the smallest set whose probability reaches p (arXiv 1904.09751); 1 keeps all.
        seed: starts this request's own random stream.
        stop: strings that end the text; they are not part of it.
    """

    temperature: float = 0.9
    top_k: int = 40
    top_p: float = 1.0
    repetition_penalty: float = 1.1
    repetition_window: int = 64
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses values that no engine can obey.

        Raises:
            ValueError: naming the parameter and its bounds.
        """
        bounds = {
            "temperature": (0, MAX_TEMPERATURE),
            "top_k": (0, MAX_TOP_K),
            "top_p": (0, 1),
            "repetition_penalty": (1, 2),
            "repetition_window": (0, 1024),
            "seed": (0, MAX_SEED),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}")
        if any(not text for text in self.stop):
            raise ValueError("a stop string must not be empty")

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self) | {"stop": list(self.stop)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SamplingParams":
        """Reads the JSON form; keys it does not know are ignored (rolling upgrades)."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        if "stop" in known:
            known["stop"] = tuple(known["stop"])
        return cls(**known)
