"""The paper's prompts: what is put before and after a text so that GPT-2 does a task unasked.

Sections 3.5 to 3.8 and Tables 14 to 17. Example pairs were not published; these were written for
this project, and none is taken from a data set.
"""

from collections.abc import Mapping, Sequence

SUMMARY_HINT = "\nTL;DR:"  # openai/gpt-2#33
SUMMARY_TOKENS = 100
SUMMARY_SENTENCES = 3
SUMMARY_TOP_K = 2
ANSWER_TOKENS = 32
TRANSLATION_TOKENS = 100

Pair = tuple[str, str]

# English first.
TRANSLATIONS: Mapping[str, tuple[Pair, ...]] = {
    "fr": (
        ("The train leaves at seven in the morning.", "Le train part à sept heures du matin."),
        ("My sister lives near the river.", "Ma sœur habite près de la rivière."),
        ("We did not understand the question.", "Nous n'avons pas compris la question."),
        ("Where can I buy fresh bread?", "Où puis-je acheter du pain frais ?"),
        ("The children are playing in the garden.", "Les enfants jouent dans le jardin."),
    ),
    "de": (
        ("The train leaves at seven in the morning.", "Der Zug fährt um sieben Uhr morgens ab."),
        ("My sister lives near the river.", "Meine Schwester wohnt in der Nähe des Flusses."),
        ("We did not understand the question.", "Wir haben die Frage nicht verstanden."),
        ("Where can I buy fresh bread?", "Wo kann ich frisches Brot kaufen?"),
        ("The children are playing in the garden.", "Die Kinder spielen im Garten."),
    ),
    "es": (
        ("The train leaves at seven in the morning.", "El tren sale a las siete de la mañana."),
        ("My sister lives near the river.", "Mi hermana vive cerca del río."),
        ("We did not understand the question.", "No entendimos la pregunta."),
        ("Where can I buy fresh bread?", "¿Dónde puedo comprar pan fresco?"),
        ("The children are playing in the garden.", "Los niños están jugando en el jardín."),
    ),
}

QUESTIONS: tuple[Pair, ...] = (
    ("What is the capital of Norway?", "Oslo"),
    ("How many legs does a spider have?", "eight"),
    ("Which gas do plants take from the air?", "carbon dioxide"),
    ("Who wrote the play Hamlet?", "William Shakespeare"),
    ("In which year did people first walk on the moon?", "1969"),
    ("What is the largest ocean on Earth?", "the Pacific Ocean"),
    ("Which metal is liquid at room temperature?", "mercury"),
)


def translation_prompt(text: str, language: str, *, to_english: bool, n_pairs: int = 5) -> str:
    """Pairs `english = french`, one a line, then the text and the mark (§3.7).

    Args:
        text: one line.
        language: a key of `TRANSLATIONS`.
        to_english: the other way round: `french = english`.
        n_pairs: how many go before, at most.
    """
    pairs = TRANSLATIONS[language][:n_pairs]
    lines = [f"{b} = {a}" if to_english else f"{a} = {b}" for a, b in pairs]
    return "\n".join([*lines, f"{' '.join(text.split())} ="])


def question_prompt(question: str, *, n_pairs: int = len(QUESTIONS)) -> str:
    """Questions with their answers, then the question (§3.8)."""
    return dialogue_prompt("", QUESTIONS[:n_pairs], question)


def dialogue_prompt(
    passage: str, turns: Sequence[Pair], question: str, *, separator: str = "\n"
) -> str:
    """A passage, then questions and answers about it, the last one without its answer (§3.5).

    Args:
        passage: what is read; "" for none.
        turns: earlier questions with their answers.
        question: the one that is asked.
        separator: between turns; Table 16 shows one line break.
    """
    asked = [f"Q: {q}\nA: {a}" for q, a in turns]
    begin = f"{passage.strip()}\n\n" if passage.strip() else ""
    return begin + separator.join([*asked, f"Q: {question.strip()}\nA:"])
