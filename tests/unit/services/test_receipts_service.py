"""Verifying and replaying over memory twins."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bot.core.asker import Asker
from bot.core.buttons import Action, output_custom_id
from bot.core.jobs import JobKind, ReplyTarget
from bot.core.outputs import Output
from bot.core.receipts import Receipt, code_of, sign
from bot.core.replies import final, shown_text
from bot.errors import (
    ModelNotServedError,
    NotAllowedError,
    NotHereError,
    OptionError,
    PromptError,
    QueueDownError,
)
from bot.services.receipts import PostedMessage, ReceiptsService
from bot.state.memory_outputs import MemoryOutputs
from tests.contract.outputs_backends import make_output
from tests.unit.services.asking import ADMIN, ASKER, CHANNEL, GUILD, MEMBER, Desk

KEYS = (b"the only key there is",)
CODE = code_of("1")
OUTPUT = make_output(CODE, prompt="It was", text=" a darn fox.", user_id=MEMBER, guild_id=GUILD)
STRANGER = Asker(user_id=999, guild_id=77, channel_id=5)
NEIGHBOR = Asker(user_id=998, guild_id=GUILD, channel_id=CHANNEL)
REPLY = ReplyTarget(application_id=1, interaction_token="t", channel_id=CHANNEL, guild_id=GUILD)


def no_mask(text: str) -> str:
    return text


class Bench:
    """The service, with a text that was posted; Discord's messages are in `messages`."""

    def __init__(self, *, keys: tuple[bytes, ...] = KEYS) -> None:
        self.desk = Desk()
        self.outputs = MemoryOutputs(clock=self.desk.clock)
        self.messages: dict[int, PostedMessage] = {}
        self.keys = keys
        self.service = ReceiptsService(
            self.outputs, self.desk.services.servers, keys=keys, clock=self.desk.clock
        )

    async def keep(self, output: Output = OUTPUT) -> None:
        await self.outputs.save([output])

    def posted(
        self, output: Output = OUTPUT, mask: Callable[[str], str] = no_mask
    ) -> tuple[str, ...]:
        """The messages of a text."""
        shown = mask(output.text)
        receipt = sign(shown_text(output.prompt, shown), output.code, self.keys)
        return final(output.prompt, shown, output.label(str(receipt))).parts

    async def fetch(self, channel_id: int, message_id: int) -> PostedMessage | None:
        """What the bot sees."""
        return self.messages.get(message_id) if channel_id == CHANNEL else None

    async def verify(self, message_id: int, asker: Asker = NEIGHBOR) -> str:
        """By link."""
        link = f"https://discord.com/channels/{GUILD}/{CHANNEL}/{message_id}"
        return await self.service.verify_link(link, asker, here=CHANNEL, fetch=self.fetch)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# As text


async def test_copied_text_is_genuine(bench: Bench):
    """By what is kept and by its signature."""
    await bench.keep()
    [content] = bench.posted()

    answer = await bench.service.verify_text(content, None, STRANGER)

    assert "it is unaltered. The text with receipt" in answer
    assert "seed 7" in answer


async def test_signature_is_enough(bench: Bench):
    """Where the text is not kept any more, or nobody can look it up."""
    [content] = bench.posted()
    assert "its signature is right" in await bench.service.verify_text(content, None, STRANGER)

    async def fail(_code: str) -> None:
        raise QueueDownError("Redis can't be reached.")

    bench.outputs.find = fail  # pyright: ignore[reportAttributeAccessIssue]
    assert "its signature is right" in await bench.service.verify_text(content, None, STRANGER)
    with pytest.raises(QueueDownError):
        await bench.service.verify_text(content.replace("fox", "ox"), None, STRANGER)


async def test_without_a_key_what_is_kept_is_enough():
    """And what is not kept can't be told."""
    bench = Bench(keys=())
    [content] = bench.posted()
    assert "I can't tell" in await bench.service.verify_text(content, None, STRANGER)

    await bench.keep()

    assert "it is unaltered" in await bench.service.verify_text(content, None, STRANGER)
    assert "altered" in await bench.service.verify_text(content.replace("f", "b"), None, STRANGER)


async def test_text_with_its_receipt_apart_is_genuine(bench: Bench):
    """As a code alone, or with the signature."""
    await bench.keep()
    for code in (CODE, CODE.lower(), str(sign("It was a darn fox.", CODE, KEYS))):
        answer = await bench.service.verify_text("It was a darn fox.", code, STRANGER)
        assert "it is unaltered" in answer


async def test_altered_text_shows_where_to_those_who_may_see_it(bench: Bench):
    """In its server, and the one who asked for it; not to others, who may know the code alone."""
    await bench.keep()
    altered = bench.posted()[0].replace("fox", "ox")

    for asker in (NEIGHBOR, Asker(user_id=MEMBER, guild_id=None, channel_id=1)):
        answer = await bench.service.verify_text(altered, None, asker)
        assert "> Here it says: \\*\\*It was\\*\\* a darn **ox.**" in answer
        assert "**fox.**" in answer
    answer = await bench.service.verify_text(altered, None, STRANGER)
    assert "it was altered" in answer
    assert "fox" not in answer


async def test_hidden_words_are_not_quoted(bench: Bench):
    """The text as it was shown is genuine, and what it departs from is shown as it was."""
    await bench.keep()
    await bench.desk.services.servers.change(GUILD, ADMIN, filter_words=("darn",))
    settings = await bench.desk.services.servers.settings(GUILD)
    assert settings.masks_output
    [content] = bench.posted(mask=settings.word_filter().mask)

    assert "it is unaltered" in await bench.service.verify_text(content, None, NEIGHBOR)
    answer = await bench.service.verify_text(content.replace("was", "is"), None, NEIGHBOR)
    assert "it was altered" in answer
    assert "darn" not in answer


async def test_long_prompt_verifies_by_its_end(bench: Bench):
    """Only that is shown."""
    output = make_output(CODE, prompt="word " * 600, text=" end.")
    await bench.keep(output)
    [content] = bench.posted(output)

    assert "it is unaltered" in await bench.service.verify_text(content, None, STRANGER)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [("It was a fox.", None, "I find no receipt"), ("It was", "what?", "This is no receipt")],
)
async def test_missing_receipt_is_said_so(bench: Bench, text: str, code: str | None, says: str):
    """With what to do."""
    with pytest.raises(OptionError, match=says):
        await bench.service.verify_text(text, code, NEIGHBOR)


async def test_code_that_nobody_gave_out_is_unknown(bench: Bench):
    """Nothing is made up about it."""
    answer = await bench.service.verify_text("It was", "0123456789", NEIGHBOR)
    assert "I can't tell" in answer
    fits_not = await bench.service.verify_text("It was", "0123456789-01234567", NEIGHBOR)
    assert "does not fit" in fits_not


# By link


async def test_linked_message_is_verified(bench: Bench):
    """By its content."""
    await bench.keep()
    bench.messages[30] = PostedMessage(id=30, is_ours=True, content=bench.posted()[0])

    assert "it is unaltered" in await bench.verify(30)


async def test_all_messages_of_a_long_text_are_read(bench: Bench):
    """Whichever of them is linked; the first one is known by its buttons."""
    output = make_output(CODE, root="9", text=" and a word" * 500)
    await bench.keep(output)
    await bench.outputs.note_messages(CODE, [31, 32])
    reply = final(output.prompt, output.text, output.label(
        str(sign(shown_text(output.prompt, output.text), CODE, KEYS))
    ))  # fmt: skip
    buttons = (output_custom_id(Action.PAGE, "9", 1), output_custom_id(Action.RETRY, "9", 0))
    for n, part in enumerate(reply.parts):
        bench.messages[30 + n] = PostedMessage(
            id=30 + n, is_ours=True, content=part, original_id=30 if n else None,
            custom_ids=() if n else buttons,
        )  # fmt: skip
    assert 3 == len(reply.parts)

    for linked in (30, 32):
        assert "it is unaltered" in await bench.verify(linked)

    del bench.messages[31]
    with pytest.raises(NotHereError, match="not all that belongs to it"):
        await bench.verify(30)


async def test_rest_in_a_file_is_read(bench: Bench):
    """Under the small line of a reply that could not have further messages."""
    output = make_output(CODE, text=" and a word" * 500)
    await bench.keep(output)
    reply = final(output.prompt, output.text, output.label(CODE))
    bench.messages[30] = PostedMessage(
        id=30, is_ours=True, content=reply.parts[0] + reply.label, file_text=reply.from_part_on(1)
    )

    assert "it is unaltered" in await bench.verify(30)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (None, "I can't see that message"),
        (PostedMessage(id=30, is_ours=False, content="x"), "not mine"),
        (PostedMessage(id=30, is_ours=True, content="I am paused."), "no text with a receipt"),
    ],
)
async def test_other_messages_are_told_apart(
    bench: Bench, message: PostedMessage | None, says: str
):
    """Each with what to do."""
    if message is not None:
        bench.messages[30] = message
    with pytest.raises(NotHereError, match=says):
        await bench.verify(30)


async def test_message_of_another_server_is_not_looked_at(bench: Bench):
    """Nor what is no link."""
    with pytest.raises(NotHereError, match="another server"):
        await bench.verify(30, STRANGER)
    with pytest.raises(OptionError, match="no link"):
        await bench.service.verify_link("this one", NEIGHBOR, here=CHANNEL, fetch=bench.fetch)


# Once more


async def test_replay_asks_for_the_same_text(bench: Bench):
    """In the line of its model, at the cost of who wants it, pinned text included."""
    output = make_output(CODE, pinned="Memory.\n", user_id=1, guild_id=GUILD, max_new_tokens=9)
    await bench.keep(output)

    job, model = await bench.service.replay_job(
        f"{CODE}-00000000", NEIGHBOR, interaction_id=5, reply=REPLY
    )
    assert "small" == model == await bench.desk.services.texts.submit(job, NEIGHBOR, model)

    assert [job] == await bench.desk.jobs()
    assert (JobKind.REPLAY, CODE, "5", NEIGHBOR.user_id, REPLY) == (
        job.kind, job.origin, job.id, job.user_id, job.reply,
    )  # fmt: skip
    assert (output.prompt, output.pinned, output.sampling, 9) == (
        job.prompt, job.pinned, job.sampling, job.max_new_tokens,
    )  # fmt: skip
    assert job.cost > 9 + 4


async def test_replay_is_for_those_who_may_see_the_text(bench: Bench):
    """Its prompt would be shown to others elsewhere."""
    await bench.keep()
    own_elsewhere = Asker(user_id=MEMBER, guild_id=None, channel_id=1)
    await bench.service.replay_job(CODE, own_elsewhere, interaction_id=5, reply=REPLY)

    with pytest.raises(NotAllowedError, match="written elsewhere"):
        await bench.service.replay_job(CODE, STRANGER, interaction_id=5, reply=REPLY)

    in_dms = make_output(CODE, guild_id=None, user_id=MEMBER)
    await bench.keep(in_dms)
    nowhere = Asker(user_id=998, guild_id=None, channel_id=1)
    with pytest.raises(NotAllowedError):
        await bench.service.replay_job(CODE, nowhere, interaction_id=5, reply=REPLY)


async def test_replay_of_what_is_not_there_is_refused(bench: Bench):
    """No receipt, not kept, nothing written, a model that nobody serves, words that are not
    wanted."""
    with pytest.raises(OptionError, match="no receipt"):
        await bench.service.replay_job("?", ASKER, interaction_id=5, reply=REPLY)
    with pytest.raises(NotHereError, match="I keep no text"):
        await bench.service.replay_job(CODE, ASKER, interaction_id=5, reply=REPLY)
    await bench.keep(make_output(CODE, n_tokens=0, text=""))
    with pytest.raises(NotHereError, match="Nothing was written"):
        await bench.service.replay_job(CODE, ASKER, interaction_id=5, reply=REPLY)

    await bench.keep(make_output(CODE, model="gone", prompt="darn"))
    job, model = await bench.service.replay_job(CODE, ASKER, interaction_id=5, reply=REPLY)
    with capture_logs(), pytest.raises(ModelNotServedError):
        await bench.desk.services.texts.submit(job, ASKER, model)
    await bench.desk.services.servers.change(GUILD, ADMIN, filter_words=("darn",))
    with capture_logs(), pytest.raises(PromptError):
        await bench.desk.services.texts.submit(job, ASKER, "small")


def test_receipt_of_the_test_is_one():
    """As the worker makes them."""
    assert Receipt(CODE, "") == sign("", CODE, ())
