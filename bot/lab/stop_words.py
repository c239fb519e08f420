"""English words that carry grammar rather than content: what LAMBADA's filter leaves out (§3.3).

The paper gives no list; this one was written for this project from the closed word classes:
articles, pronouns, prepositions, conjunctions, auxiliaries, and adverbs that stand for those.
"""

_WORDS = """
a an the
i me my mine myself we us our ours ourselves you your yours yourself yourselves
he him his himself she her hers herself it its itself they them their theirs themselves
this that these those who whom whose which what
someone anyone everyone something anything everything nothing none
and or but nor so yet for because although though while whereas if unless until than as since
of in on at by to from with without within into onto upon over under above below between among
through during before after behind beside besides against about around across along toward
towards near off out up down
be am is are was were been being do does did doing done have has had having
can could will would shall should may might must ought
not no n't 's 't 'd 'll 'm 're 've s t d ll m re ve don
here there where when why how then now again once too very just only also even still ever never
all any both each few more most other others some such same own
"""

STOP_WORDS = frozenset(_WORDS.split())


def is_stop_word(word: str) -> bool:
    """Whether a word, however it is written, is one of them."""
    return word.strip().lower().replace("’", "'") in STOP_WORDS
