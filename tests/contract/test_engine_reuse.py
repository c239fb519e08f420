"""What every engine promises of what it has computed before: it counts, and changes no text."""

from pathlib import Path

import numpy as np
import pytest

from bot.core.sampling import SamplingParams
from bot.engine.api import Engine, Progress
from bot.engine.scripted import ScriptedEngine
from tests.contract.engines import (
    ENGINES,
    GREEDY,
    PROMPTS,
    ROUNDING,
    SAMPLED,
    open_tiny,
    tokens_of,
    write,
)

STORY = [(11 * index) % 300 for index in range(40)]


def logprobs_of(steps: list[Progress]) -> list[float | None]:
    """Of the tokens drawn."""
    return [progress.logprob for progress in steps]


def read(engine: Engine, sequence_id: int, tokens: list[int]) -> Progress:
    """Adds a sequence and computes all of its tokens; the step that drew."""
    left = len(tokens) - engine.add(sequence_id, tokens, GREEDY)
    while True:
        size = min(left, engine.info.max_chunk_tokens)
        (progress,) = engine.step({sequence_id: size})
        left = len(tokens) - progress.computed
        if progress.token is not None:
            return progress


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_text_is_the_same_with_reuse_as_without(engine: Engine, sampling: SamplingParams):
    """A second attempt, a prompt that goes on, and one that leaves the first half way."""
    for prompt in (STORY, [*STORY, 3, 4], [*STORY[:25], 1, 2, 3], STORY[:20]):
        engine.forget()
        expected = write(engine, prompt, 10, sampling)
        engine.forget()
        write(engine, STORY, 5)
        found = write(engine, prompt, 10, sampling)
        assert tokens_of(found) == tokens_of(expected)
        tolerance = ROUNDING[engine.info.name]
        assert logprobs_of(found) == pytest.approx(logprobs_of(expected), rel=0, abs=tolerance)


def test_add_says_how_much_need_not_be_computed(engine: Engine):
    """All that is common with the text before, and never the last token."""
    drawn = write(engine, STORY, 5)
    text = [*STORY, *(progress.token or 0 for progress in drawn)]
    cases = [
        (STORY, len(STORY) - 1),
        ([*STORY, 299, 299], len(STORY)),
        ([*STORY[:25], 1, 2, 3], 25),
        (STORY[:20], 19),
        ([*text, 5], len(text) - 1),  # the last token drawn was never computed
        ([299, *STORY[1:]], 0),
    ]
    for tokens, expected in cases:
        engine.forget()
        write(engine, STORY, 5)
        assert engine.add(0, tokens, GREEDY) == expected
        engine.remove(0)


def test_each_turn_of_a_story_computes_what_is_new(engine: Engine):
    """Text that was drawn counts as well as what was read; a plan for more is refused."""
    turn = STORY[:20]
    for _ in range(3):
        drawn = write(engine, turn, 6)
        turn = [*turn, *(progress.token or 0 for progress in drawn), 7, 8]
        n_reused = engine.add(0, turn, GREEDY)
        assert n_reused == len(turn) - 3
        with pytest.raises(ValueError, match="can't compute 4 of 3"):
            engine.step({0: 4})
        assert engine.step({0: 3})[0].computed == len(turn)
        engine.remove(0)


def test_forgotten_places_compute_everything_again(engine: Engine):
    """For measurements; running sequences keep what they have."""
    write(engine, STORY, 5)
    engine.forget()
    assert engine.add(0, STORY, GREEDY) == 0
    engine.step({0: 8})
    engine.forget()
    assert engine.step({0: 8})[0].computed == 16
    engine.remove(0)


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "ctransformers"])
class TestSeveralPlaces:
    """Where texts run side by side."""

    def test_a_running_sequence_is_copied_from(self, tmp_path: Path, name: str):
        """Several candidates of one prompt cost one prompt, and are drawn as if alone."""
        engine = open_tiny(name, tmp_path)
        alone = write(engine, STORY, 10, SAMPLED)
        engine.forget()
        read(engine, 1, STORY)
        found = write(engine, STORY, 10, SAMPLED)
        assert tokens_of(found) == tokens_of(alone)
        assert logprobs_of(found) == pytest.approx(
            logprobs_of(alone), rel=0, abs=ROUNDING[engine.info.name]
        )
        engine.remove(1)
        engine.forget()
        read(engine, 1, STORY)
        assert engine.add(2, STORY, GREEDY) == len(STORY) - 1
        assert engine.add(3, [*STORY[:20], 1], GREEDY) == 20
        engine.close()

    def test_the_copied_sequence_goes_on_as_before(self, tmp_path: Path, name: str):
        """Neither it nor its copy sees what the other writes."""
        engine = open_tiny(name, tmp_path)
        prompts = {1: STORY, 2: [*STORY[:30], 1, 2], 3: [*STORY, 4]}
        alone = {one: tokens_of(write(engine, prompt, 8)) for one, prompt in prompts.items()}
        engine.forget()
        texts = {one: [read(engine, one, prompt).token] for one, prompt in prompts.items()}
        for _ in range(7):
            for progress in engine.step(dict.fromkeys(prompts, 1)):
                texts[progress.sequence_id].append(progress.token)
        assert texts == alone
        engine.close()

    def test_sequences_added_together_wait_for_the_first(self, tmp_path: Path, name: str):
        """The first step of each takes over what was computed since it was added."""
        engine = open_tiny(name, tmp_path)
        alone = tokens_of(write(engine, STORY, 1))
        engine.forget()
        assert [engine.add(one, STORY, GREEDY) for one in range(4)] == [0, 0, 0, 0]
        assert engine.step({0: 32})[0].computed == 32
        (first, second) = engine.step({0: 8, 1: 40})
        assert (first.computed, second.computed) == (40, 40)
        found = engine.step({2: 1, 3: 1})
        assert [progress.computed for progress in found] == [40, 40]
        assert {first.token, second.token, *(one.token for one in found)} == set(alone)
        engine.close()

    def test_a_free_place_is_not_taken_from_under_another(self, tmp_path: Path, name: str):
        """With all places taken by one prompt, each has its own text."""
        engine = open_tiny(name, tmp_path, slots=3)
        prompts = {1: [*STORY[:20], 1], 2: [*STORY[:20], 2], 3: [*STORY[:20], 3]}
        alone = {one: tokens_of(write(engine, prompt, 9)) for one, prompt in prompts.items()}
        texts = {one: [read(engine, one, prompt).token] for one, prompt in prompts.items()}
        with pytest.raises(ValueError, match="places are taken"):
            engine.add(4, STORY, GREEDY)
        for _ in range(8):
            for progress in engine.step(dict.fromkeys(prompts, 1)):
                texts[progress.sequence_id].append(progress.token)
        assert texts == alone
        engine.close()


def test_nothing_is_kept_of_a_failed_step():
    """What it computed can't be trusted; what others computed stays."""
    engine = ScriptedEngine(n_vocab=300, fail_at_step=3)
    read(engine, 1, PROMPTS[3])
    engine.add(2, STORY, GREEDY)
    engine.step({2: 30})
    with pytest.raises(RuntimeError, match="this step fails"):
        engine.step({2: 10})
    engine.remove(2)
    assert engine.add(2, STORY, GREEDY) == 0
    assert engine.add(3, PROMPTS[3], GREEDY) == len(PROMPTS[3]) - 1


def test_nothing_is_kept_where_no_token_could_be_drawn(monkeypatch: pytest.MonkeyPatch):
    """Numbers that are none may lie in the keys and values as well."""
    compute = ScriptedEngine._compute
    monkeypatch.setattr(
        ScriptedEngine, "_compute", lambda *call: np.full_like(compute(*call), np.nan)
    )
    engine = ScriptedEngine(n_vocab=300)
    engine.add(1, STORY, GREEDY)
    with pytest.raises(RuntimeError, match="not finite"):
        engine.step({1: 40})
    engine.remove(1)
    assert engine.add(1, STORY, GREEDY) == 0
