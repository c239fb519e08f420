"""Sequences that come, go and share beginnings at random, against a model that reuses nothing.

The scripted engine asserts that no position of a place is left out or computed twice; its rule
here depends on every token before, so that one wrong token in a place changes what follows.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.sampling import SamplingParams
from bot.engine.api import ScoreRequest
from bot.engine.places import Chunk
from bot.engine.scripted import ScriptedEngine

N_VOCAB, N_CTX, PLACES = 6, 60, 3
GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)
BASES = [[(index * step) % 5 for index in range(N_CTX)] for step in (1, 2, 3)]
TEXTS = st.builds(
    lambda base, n, end: [*BASES[base][:n], *end][:N_CTX],
    st.integers(0, 2),
    st.integers(0, N_CTX),
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
)
IDS = st.integers(0, 4)
REQUESTS = st.lists(st.tuples(TEXTS, st.integers(1, N_CTX), st.integers(0, 3)), max_size=8)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), IDS, TEXTS),
        st.tuples(st.just("step"), st.dictionaries(IDS, st.integers(1, 40), min_size=1)),
        st.tuples(st.just("step"), st.just(dict.fromkeys(range(5), 40))),
        st.tuples(st.just("remove"), IDS),
        st.tuples(st.just("score"), REQUESTS),
        st.tuples(st.just("logits"), TEXTS),
        st.tuples(st.just("forget")),
    ),
    max_size=40,
)


def rule(tokens: Sequence[int]) -> int:
    """The next token, by all before."""
    return zlib.crc32(bytes(tokens)) % N_VOCAB


class CountingEngine(ScriptedEngine):
    """Also counts what it is asked for.

    Args:
        can_copy: whether a place can be copied to another.
        slots: places.
    """

    def __init__(self, *, can_copy: bool = True, slots: int = PLACES, n_ctx: int = N_CTX) -> None:
        super().__init__(n_vocab=N_VOCAB, n_ctx=n_ctx, slots=slots, rule=rule)
        self._can_copy = can_copy
        self.n_computed = self.n_rows = self.n_passes = 0

    def _copy(self, source: int, target: int, n_tokens: int) -> bool:
        return self._can_copy and super()._copy(source, target, n_tokens)

    def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
        assert len({chunk.place for chunk in chunks}) == len(chunks)
        rows = super()._compute(chunks)
        self.n_computed += sum(len(chunk.tokens) for chunk in chunks)
        self.n_rows += len(rows)
        self.n_passes += 1
        return rows


class Model:
    """What should come out: each sequence by itself."""

    def __init__(self, *, can_copy: bool) -> None:
        self.engine = CountingEngine(can_copy=can_copy)
        self.known: dict[int, list[int]] = {}
        self.computed: dict[int, int] = {}

    def add(self, sequence_id: int, tokens: list[int]) -> None:
        if sequence_id in self.known or len(self.known) == PLACES:
            with pytest.raises(ValueError, match=r"exists|taken"):
                self.engine.add(sequence_id, tokens, GREEDY)
            return
        n_reused = self.engine.add(sequence_id, tokens, GREEDY)
        assert 0 <= n_reused < len(tokens)
        self.known[sequence_id], self.computed[sequence_id] = list(tokens), n_reused

    def step(self, wanted: dict[int, int]) -> None:
        left = {one: len(self.known[one]) - self.computed[one] for one in self.known}
        plan = {one: min(n, left[one]) for one, n in wanted.items() if left.get(one)}
        if not plan:
            return
        for progress in self.engine.step(plan):
            one = progress.sequence_id
            assert progress.computed >= self.computed[one] + plan[one] or progress.token is not None
            assert progress.computed <= len(self.known[one])
            self.computed[one] = progress.computed
            if progress.computed < len(self.known[one]):
                assert progress.token is None
                continue
            assert progress.token == rule(self.known[one])
            if len(self.known[one]) < N_CTX:
                self.known[one].append(progress.token)

    def remove(self, sequence_id: int) -> None:
        self.engine.remove(sequence_id)
        self.known.pop(sequence_id, None)

    def score(self, asked: list[tuple[list[int], int, int]]) -> None:
        requests = [
            ScoreRequest(tokens=tokens, start=min(start, len(tokens)), n_alternatives=n)
            for tokens, start, n in asked
        ]
        if len(self.known) == PLACES:
            return
        for request, scores in zip(requests, self.engine.score_batch(requests), strict=True):
            check_scores(request, scores.ranks.tolist(), scores.alternatives.tolist())

    def logits(self, tokens: list[int]) -> None:
        if len(self.known) < PLACES:
            rows = np.concatenate(list(self.engine.logits(tokens)))
            expected = [rule(tokens[: index + 1]) for index in range(len(tokens))]
            assert rows.argmax(axis=1).tolist() == expected

    def forget(self) -> None:
        self.engine.forget()


def check_scores(request: ScoreRequest, ranks: list[int], alternatives: list[list[int]]) -> None:
    """The rule's token is the likeliest, all others are equally unlikely."""
    expected = [rule(request.tokens[:end]) for end in range(request.start, len(request.tokens))]
    actual = request.tokens[request.start :]
    assert ranks == [int(one != two) for one, two in zip(expected, actual, strict=True)]
    assert len(alternatives) == len(expected)
    for named, likeliest in zip(alternatives, expected, strict=True):
        others = [one for one in range(N_VOCAB) if one != likeliest]
        assert named == [likeliest, *others][: request.n_alternatives]


@pytest.mark.parametrize("can_copy", [True, False])
@settings(max_examples=300, deadline=None)
@given(actions=ACTIONS)
def test_no_text_depends_on_what_places_held(can_copy: bool, actions: list[tuple]):
    """Whatever was there before, whoever runs beside, and where scores come in between."""
    model = Model(can_copy=can_copy)
    for name, *arguments in actions:
        getattr(model, name)(*arguments)


@settings(deadline=None)
@given(asked=REQUESTS, places=st.integers(1, 4), can_copy=st.booleans())
def test_texts_scored_together_are_as_if_alone(
    asked: list[tuple[list[int], int, int]], places: int, can_copy: bool
):
    """Whatever they have in common, in however many places."""
    engine = CountingEngine(can_copy=can_copy, slots=places)
    requests = [
        ScoreRequest(tokens=tokens, start=min(start, len(tokens)), n_alternatives=n)
        for tokens, start, n in asked
    ]
    for request, scores in zip(requests, engine.score_batch(requests), strict=True):
        check_scores(request, scores.ranks.tolist(), scores.alternatives.tolist())
    assert engine.n_computed <= sum(len(request.tokens) - 1 for request in requests)
    assert engine.n_rows <= sum(len(request.tokens) - request.start for request in requests)


@pytest.mark.parametrize("places", [1, 4])
def test_one_passage_with_ten_endings_costs_one_passage(places: int):
    """Its rows are asked for where something is scored only."""
    engine = CountingEngine(slots=places, n_ctx=1024)
    passage = [(index * index) % 5 for index in range(500)]
    engine.score_batch(
        [ScoreRequest(tokens=[*passage, 5, last, 5, 5], start=500) for last in range(5)]
    )
    endings = 4 + 4 * 3  # the token before the first, three of the first; then, what differs
    assert engine.n_computed <= 500 + endings
    assert engine.n_rows <= endings + 4


def test_two_sentences_that_differ_late_cost_little_more_than_one():
    """Where all of both is scored, what they share is scored once."""
    engine = CountingEngine(n_ctx=1024)
    start = [(index * index) % 5 for index in range(400)]
    pair = [ScoreRequest(tokens=[*start, one, 1, 2, 3]) for one in (3, 4)]
    first, second = engine.score_batch(pair)
    assert (first.logprobs[:399] == second.logprobs[:399]).all()
    assert engine.n_computed <= 403 + 4
    assert engine.n_rows <= 403 + 4


def test_different_texts_are_scored_in_common_passes():
    """As many at once as there are places."""
    engine = CountingEngine(slots=4)
    engine.score_batch([ScoreRequest(tokens=[one, *[1] * 9]) for one in range(4)])
    assert engine.n_passes == 1


def test_candidates_of_one_prompt_cost_one_prompt():
    """As long as the first goes ahead."""
    engine = CountingEngine(slots=4, n_ctx=1024)
    prompt = [(index * index) % 5 for index in range(500)]
    for one in range(4):
        engine.add(one, prompt, SamplingParams(seed=one))
    for _ in range(4):
        engine.step({0: 125})
    (*_, last) = engine.step({0: 1, 1: 128, 2: 128, 3: 128})
    assert (last.computed, engine.n_computed) == (500, 500 + 4)


def test_a_failed_scoring_keeps_nothing_and_frees_its_places():
    """The next one computes everything itself."""

    class Failing(CountingEngine):
        def _compute(self, chunks: Sequence[Chunk]) -> npt.NDArray[np.float32]:
            if self.n_passes == 1:
                self.n_passes += 1
                raise RuntimeError("no memory")
            return super()._compute(chunks)

    engine = Failing(slots=2, n_ctx=1024)
    requests = [ScoreRequest(tokens=[one, *[1] * 200]) for one in range(4)]
    with pytest.raises(RuntimeError, match="no memory"):
        engine.score_batch(requests)
    assert engine.add(0, requests[0].tokens, GREEDY) == 0
    engine.remove(0)
    for request, scores in zip(requests, engine.score_batch(requests), strict=True):
        check_scores(request, scores.ranks.tolist(), scores.alternatives.tolist())
