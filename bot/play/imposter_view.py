"""How a game of **imposter** looks: the opening, the hidden texts, the end card."""

from bot.core.markdown import escape, length, newest
from bot.language import number, tr, tr_n
from bot.play.api import Button, FormField, View
from bot.play.imposter_state import LETTERS, MAX_TEXT, State
from bot.play.rounds import again_button, bold_name, end_button, listed_scores, told
from bot.play.scoring import brier, mean

_ROOM = 1850  # UTF-16 units of a message
_PER_ROW = 5


def view_of(state: State) -> View:
    """The opening, the texts, and what there is to do."""
    match state.phase:
        case "asking":
            return View(text=_head(state) + "\n" + tr("The model writes its texts …"))
        case "stuck":
            line = tr("The model wrote nothing usable; it can be tried again.")
            return View(text=f"{_head(state)}\n{line}", rows=((again_button(), end_button()),))
        case "writing":
            return _writing(state)
        case "scoring":
            return View(text=_head(state) + "\n" + tr("The texts are shuffled …"))
        case "guessing":
            return _guessing(state)
        case _:
            return View(text=end_card(state))


def _head(state: State) -> str:
    return tr("**Imposter**") + f"\n> {escape(state.opening)}"


def _writing(state: State) -> View:
    count = sum(bool(entry.user_id) for entry in state.entries)
    lines = (
        _head(state),
        tr("Go on with this sentence. The model has done so, too; then all guess who is who."),
        "-# "
        + tr_n("{n} text by people so far", "{n} texts by people so far", count)
        + " · "
        + tr("writing ends {when}", when=f"<t:{int(state.until_s)}:R>"),
    )
    text = FormField(label=tr("Go on with the opening"), max_length=MAX_TEXT, is_long=True)
    write = Button(
        action="write", label=tr("Write …"), emoji="✍️", is_main=True, form=(text,),
        form_title=tr("Your text"),
    )  # fmt: skip
    close = Button(action="close", label=tr("On to the guesses"), emoji="⏭️")
    return View(text="\n".join(lines), rows=((write, close, end_button()),))


def _guessing(state: State) -> View:
    lines = [
        tr("How sure are you of each that a machine wrote it? Click its letter."),
        "-# "
        + tr_n("{n} guesses along", "{n} guess along", len(state.guesses))
        + " · "
        + tr("guessing ends {when}", when=f"<t:{int(state.until_s)}:R>"),
    ]
    room = _ROOM - length(_head(state)) - sum(length(line) + 1 for line in lines)
    lines = [_head(state), *_entries(state, room), *lines]
    letters = LETTERS[: len(state.entries)]
    field = FormField(label=tr("0 = a human … 100 = the machine"), max_length=4, placeholder="70")
    buttons = [
        Button(
            action="guess",
            value=letter,
            label=letter,
            form=(field,),
            form_title=tr("Text {letter}", letter=letter),
        )
        for letter in letters
    ]
    rows = [tuple(buttons[start : start + _PER_ROW]) for start in range(0, len(buttons), _PER_ROW)]
    close = Button(action="close", label=tr("Show who wrote what"), emoji="⏭️")
    return View(text="\n".join(lines), rows=(*rows, (close, end_button())))


def _entries(state: State, room: int, notes: dict[str, str] | None = None) -> list[str]:
    """Each text with its letter; all together have to fit."""
    room = room // max(1, len(state.entries)) - len("**A** \n")
    lines: list[str] = []
    for letter, entry in zip(LETTERS, state.entries, strict=False):
        text = escape(entry.text)
        note = (notes or {}).get(letter, "")
        if length(text) + length(note) > room:
            text = "…" + escape(newest(entry.text, max(20, room - length(note))))
            while length(text) + length(note) > room and len(text) > 20:
                text = "…" + text[2:]
        lines.append(f"**{letter}** {text}{note}")
    return lines


def end_card(state: State) -> str:
    """Who wrote what, how sure people were, and who guessed best."""
    head = f"{_head(state)}\n" + tr("It is over.")
    if not any(entry.user_id for entry in state.entries):
        return f"{head} " + tr("Nobody wrote along this time.")
    notes: dict[str, str] = {}
    for letter, entry in zip(LETTERS, state.entries, strict=False):
        who = "🤖" if not entry.user_id else told(state.names.get(str(entry.user_id), "?"))[:40]
        sure = mean(one[letter] for one in state.guesses.values() if letter in one)
        share = "" if sure is None else f" · {number(round(100 * sure))} %"
        notes[letter] = f" — {who}{share}"
    legend = tr("Behind each text: who wrote it, and how sure people were that it is a machine's.")
    rest = (f"-# {legend}", *_table(state))
    room = _ROOM - length(head) - sum(length(line) + 1 for line in rest)
    return "\n".join((head, *_entries(state, room, notes), *rest))


def _table(state: State) -> list[str]:
    """The guessers by their Brier scores, the house among them."""
    rows: list[tuple[float, str]] = []
    for user, guesses in state.guesses.items():
        scores = [
            brier(guesses[letter], entry.user_id == 0)
            for letter, entry in zip(LETTERS, state.entries, strict=False)
            if letter in guesses
        ]
        if (found := mean(scores)) is not None:
            rows.append((found, bold_name(state.names[user][:24])))
    if state.house:
        pairs = zip(state.house, state.entries, strict=True)
        house = mean(brier(sure, entry.user_id == 0) for sure, entry in pairs) or 0.0
        rows.append((house, tr("🏠 the house (likelier to the model = the machine's)")))
    if not rows:
        return []
    rows.sort(key=lambda row: row[0])
    lines = [f"{place}. {name} {number(round(score, 3))}" for place, (score, name) in
             enumerate(rows[:8], 1)]  # fmt: skip
    return [tr("Brier score, 0 is perfect:"), listed_scores(lines)]
