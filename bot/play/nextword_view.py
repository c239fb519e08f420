"""How a game of **nextword** looks: the text so far, the bets, the end card."""

from bot.core.markdown import escape
from bot.language import number, tr, tr_n
from bot.play.api import Button, FormField, View
from bot.play.nextword_state import LETTERS, State
from bot.play.rounds import again_button, bold_name, end_button, listed_scores
from bot.play.scoring import mean, shares

_SHOWN_CHARACTERS = 900  # of the text before the gap
_LONGEST_TYPED = 40


def people_bits(state: State) -> float | None:
    """Bits per word of all bets of all players, or None where nobody bet."""
    return mean(one for bets in state.surprises.values() for one in bets)


def view_of(state: State) -> View:
    """The text so far, the four words, and what there is to do."""
    match state.phase:
        case "asking":
            return View(text=_text(state) + "\n" + tr("The model makes its bet …"))
        case "stuck":
            line = tr("The model did not answer; the round can be tried again.")
            return View(text=f"{_text(state)}\n{line}", rows=((again_button(), end_button()),))
        case "betting":
            return View(text=_betting_text(state), rows=_betting_rows(state))
        case "told":
            following = Button(action="next", label=tr("Next word"), emoji="▶️", is_main=True)
            text = f"{_text(state)}\n{_truth_line(state)}\n{_table(state)}"
            return View(text=text, rows=((following, end_button()),))
        case _:
            return View(text=end_card(state))


def _text(state: State) -> str:
    head = tr(
        "**Next word** · {title} · word {round} of {rounds}",
        title=escape(state.title),
        round=number(state.round + 1),
        rounds=number(len(state.places)),
    )
    before = state.before
    if len(before) > _SHOWN_CHARACTERS:
        before = "… " + before[-_SHOWN_CHARACTERS:].partition(" ")[2]
    word = f"**{escape(state.word)}**" if state.phase in {"told", "over"} else "**＿＿＿**"
    return f"{head}\n> {escape(before)} {word}"


def _betting_text(state: State) -> str:
    words = " · ".join(
        f"**{letter}** {escape(word)}"
        for letter, word in zip(LETTERS, state.options[state.round], strict=True)
    )
    count = tr_n("{n} bet so far", "{n} bets so far", len(state.bets))
    closes = tr("bets close {when}", when=f"<t:{int(state.until_s)}:R>")
    return f"{_text(state)}\n{words}\n-# {count} · {closes}"


def _betting_rows(state: State) -> tuple[tuple[Button, ...], ...]:
    sure = tuple(
        Button(action="sure", value=letter, label=f"{letter} · {word}")
        for letter, word in zip(LETTERS, state.options[state.round], strict=True)
    )
    field = FormField(
        label=tr("Points for A, B, C and D"),
        max_length=_LONGEST_TYPED,
        placeholder="70 20 5 5",
    )
    spread = Button(
        action="spread", label=tr("Spread my points …"), emoji="🎚️", form=(field,),
        form_title=tr("Spread 100 points"),
    )  # fmt: skip
    close = Button(action="close", label=tr("Close the bets"), emoji="⏭️")
    return (sure, (spread, close, end_button()))


def _truth_line(state: State) -> str:
    share = shares(state.model)[state.truth]
    return tr(
        "It was **{word}**. The model gave it {share} %.",
        word=escape(state.word),
        share=number(round(100 * share)),
    )


def _table(state: State) -> str:
    lines = [
        tr("{name}: {points} points", name=bold_name(state.names[user]), points=number(points))
        for user, points in sorted(state.points.items(), key=lambda one: (-one[1], one[0]))
    ]
    model = tr("🤖 the model: {points} points", points=number(state.model_points))
    return listed_scores([*lines, model]) if len(lines) < 15 else f"{listed_scores(lines)}\n{model}"


def end_card(state: State) -> str:
    """How it ended, with people's bits per word beside the model's."""
    lines = [tr("**Next word** · {title} · it is over", title=escape(state.title))]
    if state.model_surprises:
        lines.append(_truth_line(state) if state.model else "")
    lines.append(_table(state))
    people, model = people_bits(state), mean(state.model_surprises)
    if people is not None and model is not None:
        lines.append(
            tr(
                "Bits per word, fewer are better: people {people}, the model {model}, chance 2.",
                people=number(round(people, 2)),
                model=number(round(model, 2)),
            )
        )
    return "\n".join(line for line in lines if line)
