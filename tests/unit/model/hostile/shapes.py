"""Numbers of a model that its files do not have: what a reader might believe and make room for."""

import json
from random import Random

from bot.core.models import ModelShape
from tests.unit.model.hostile.cases import Case, Maker

TINY = ModelShape(n_vocab=300, n_ctx=8, n_embd=32, n_head=2, n_layer=1)
_NAMES = {
    "config.json": {"n_vocab": "vocab_size", "n_ctx": "n_positions"},
    "hparams.json": {},
}


def claimed_shapes(name: str, good: bytes) -> list[Maker]:
    """A configuration of a model that is larger than its file, by a little or beyond measure."""
    value = json.loads(good)
    claims = [{"n_vocab": 301}, {"n_ctx": 9}, {"n_embd": 64}, {"n_layer": 2}, {"n_head": 3},
              {"n_embd": 65_536, "n_head": 64}, {"n_layer": 200}, {"n_vocab": 1_000_000},
              {"n_embd": 8_192, "n_head": 64}, {"n_layer": 2**31}, {"n_vocab": 2**62},
              {"n_embd": -32}, {"n_ctx": 8_192}]  # fmt: skip

    def make(chance: Random) -> Case:
        changed = {
            _NAMES[name].get(key, key): number for key, number in chance.choice(claims).items()
        }
        data = json.dumps(value | changed).encode()
        return Case(kind=f"claims {changed}", name=name, data=data, is_refused=True)

    return [make]
