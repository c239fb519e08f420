"""Reading a reply as a person would."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from bot.core.buttons import stop_row
from bot.core.replies import Label, failure, final, running
from bot.core.showable import has_visible
from bot.local.final_reply import is_final, messages_of, plain_text, refusal
from bot.local.states import JsonObject

LABEL = Label(model="small", quantization="q8_0", seed=7)


def message(content: str, components: object = (), flags: int = 0) -> JsonObject:
    return {"content": content, "components": components, "flags": flags}


@dataclass
class Asked:
    reply: JsonObject | None = None
    followups: list[JsonObject] = field(default_factory=list[JsonObject])


def test_a_reply_is_final_without_stop_button_and_with_the_small_line() -> None:
    """Neither a growing reply nor one that is only deferred counts."""
    finished = final("Once", " upon", LABEL).parts[0]
    assert not is_final(Asked())
    assert not is_final(Asked(message("", flags=128)))
    assert not is_final(Asked(message(running("Once", " upon"), stop_row("123"))))
    assert not is_final(Asked(message(finished, stop_row("123"))))
    assert is_final(Asked(message(finished)))


def test_a_long_text_is_final_with_its_last_message() -> None:
    """The small line stands under the last one only."""
    first, *rest = final("Once", " upon a time" * 300, LABEL).parts
    assert not is_final(Asked(message(first)))
    assert is_final(Asked(message(first), [message(part) for part in rest]))


def test_a_refusal_is_a_sentence_in_place_of_a_text() -> None:
    """To the asker alone, or where the text would have stood."""
    assert refusal(Asked(message(final("a", " b", LABEL).parts[0]))) is None
    alone = message(failure("That is too long.", "12"), flags=64)
    assert "That is too long." == refusal(Asked(None, [alone]))
    assert "It went wrong." == refusal(Asked(message(failure("It went wrong.", "12"))))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=800), st.text(max_size=3000))
def test_the_plain_text_is_prompt_and_continuation(prompt: str, text: str) -> None:
    """Whatever marks they hold, all messages together read as the two texts."""
    if not has_visible(text):
        return
    parts = final(prompt, text, LABEL)
    if parts.file_text is not None or any(not has_visible(piece) for piece in parts.pieces):
        return
    asked = Asked(message(parts.parts[0]), [message(part) for part in parts.parts[1:]])
    read = "".join(plain_text(one["content"]) for one in messages_of(asked))
    assert prompt + text == read
