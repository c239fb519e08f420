"""What happens in a child of the engine benchmark: counting, the time limit, the figures."""

import pytest

from bot.bench.child import Prompts, Recorder, TimeUp, measure_streams, peak_bytes


class _Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_each_first_token_has_its_time():
    """From the start of the run, whoever is first."""
    clock = _Clock()
    recorder = Recorder(2, clock=clock)

    for request, passed_s in ((1, 2), (1, 1), (0, 1)):
        clock.now_s += passed_s
        recorder.token(request)

    assert [4, 2] == recorder.first_s
    assert (3, 4) == (recorder.n_tokens, recorder.total_s)


def test_time_limit_ends_a_run_and_what_was_written_counts():
    """The token that comes too late is the last one."""
    clock = _Clock()
    recorder = Recorder(1, limit_s=5, clock=clock)
    clock.now_s += 5
    recorder.token(0)
    clock.now_s += 1

    with pytest.raises(TimeUp):
        recorder.token(0)

    assert recorder.is_over
    assert (2, 6) == (recorder.n_tokens, recorder.total_s)


def test_text_told_of_as_a_whole_has_the_time_of_its_first_token():
    """As a server's last part gives it."""
    clock = _Clock()
    recorder = Recorder(1, clock=clock)
    clock.now_s += 10

    recorder.finished(0, 8, after_first_s=7)

    assert (8, [3], 10) == (recorder.n_tokens, recorder.first_s, recorder.total_s)


class _Steady:
    """Writes one text after the other, and never looks at a clock."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[list[int]], int]] = []

    def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
        """See `Contender.run`."""
        self.seen.append(([list(prompt) for prompt in prompts], new_tokens))
        for index in range(len(prompts)):
            for _ in range(new_tokens):
                recorder.token(index)


def _request(limit_s: float) -> dict[str, object]:
    return {
        "prompts": [[1, 2, 3], [4, 5, 6]],
        "reading_prompts": [[7, 8, 9], [10, 11, 12]],
        "new_tokens": 5,
        "limit_s": limit_s,
    }


def test_no_prompt_that_is_measured_was_seen_before():
    """Some contenders keep what they have computed: warm-up, reading and writing differ."""
    contender = _Steady()

    figures = measure_streams(contender, _request(60))

    warm_up, reading, writing = contender.seen
    assert ([[9, 8, 7]], [[7, 8, 9], [10, 11, 12]], [[1, 2, 3], [4, 5, 6]]) == (
        warm_up[0], reading[0], writing[0]
    )  # fmt: skip
    assert (1, 5) == (reading[1], writing[1])
    assert (10, False) == (figures["n_tokens"], figures["cut"])


def test_slow_contender_is_cut_and_measured():
    """A one-by-one peer with many texts: one token of the many is there when time is up."""
    figures = measure_streams(_Steady(), _request(0))

    assert (1, True) == (figures["n_tokens"], figures["cut"])
    assert figures["tokens_per_s"] > 0


def test_contender_that_writes_nothing_is_told():
    """Rather than a figure of nothing."""

    class Silent:
        def run(self, prompts: Prompts, new_tokens: int, recorder: Recorder) -> None:
            raise TimeUp

    with pytest.raises(RuntimeError, match="no text was finished"):
        measure_streams(Silent(), _request(0))


def test_peak_memory_is_that_of_this_process():
    """More than Python itself takes, in bytes."""
    found = peak_bytes()

    assert found is None or found > 5_000_000
