"""The rules of all story games: story and move in, story and what comes of it out.

Pure, and the only place where a story changes. Each mode is a file; what all have in common is in
`common`, `path` (back and forth in the tree), `table` (who plays) and `keeping` (what is kept
beside the text); `dispatch` says which of them a move is for.
"""

from bot.stories.rules.dispatch import play as play
