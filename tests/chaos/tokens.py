"""Whether members were charged what their texts used, to the token, whatever was killed.

Each member has a bucket so large and so slow that it is never whole again during a run: what is
gone from it, and what came back by the clock, is what was charged in all.
"""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.core.asker import Asker
from bot.core.jobs import JobState
from bot.core.limit_rules import ServerRules
from bot.core.limits import HostLimits, applied
from bot.state.limits_api import LimitsStore
from tests.chaos.account import Asked

CEILING = 8_640  # tokens a day
_SECONDS_FOR_ONE = 86_400 / CEILING  # to come back
_TOLERANCE = 3  # tokens: the first charge's moment is known to some seconds


def used_by_job(logs: Sequence[Path]) -> dict[str, int]:
    """Tokens of each finished job, read and written, as the workers' logs say."""
    used: dict[str, int] = {}
    for log in logs:
        for line in log.read_text(errors="replace").splitlines():
            if '"job finished"' in line:
                entry = json.loads(line)
                used[entry["job_id"]] = entry["prompt_tokens"] + entry["tokens"]
    return used


async def wrong_charges(
    limits: LimitsStore,
    asked: Sequence[Asked],
    states: Sequence[JobState | None],
    used: Mapping[str, int],
) -> list[str]:
    """Members whose charges differ from what their texts used, one sentence each.

    A worker that is killed after it finished a text, and before it logged so, leaves no figure; a
    stopped text of that kind may have used anything up to its length.
    """
    typical = {
        (one.prompt, one.length): used[str(one.interaction.id)]
        for one, state in zip(asked, states, strict=True)
        if state is JobState.DONE and str(one.interaction.id) in used
    }
    least, most = defaultdict[int, int](int), defaultdict[int, int](int)
    first_s: dict[int, float] = {}
    for one, state in zip(asked, states, strict=True):
        if state is None:
            continue
        first_s.setdefault(one.user_id, one.at_s)
        whole = typical.get((one.prompt, one.length), 0)
        known = used.get(str(one.interaction.id), whole if state is JobState.DONE else None)
        least[one.user_id] += known or 0
        most[one.user_id] += whole if known is None else known
    host = HostLimits(ceiling_member_tokens_per_day=CEILING)
    complaints: list[str] = []
    for user_id, since_s in first_s.items():
        buckets = applied(Asker(user_id=user_id, guild_id=None, channel_id=0), ServerRules(), host)
        [state] = await limits.peek(buckets)
        charged = CEILING - state.left + (time.time() - since_s) / _SECONDS_FOR_ONE
        low, high = least[user_id] - _TOLERANCE, most[user_id] + _TOLERANCE
        # Whole again in between, the clock counts for nothing: then it only has a lower bound.
        if charged < low or (state.left < CEILING and charged > high):
            used_up = f"{least[user_id]} to {most[user_id]}"
            complaints.append(f"member {user_id}: charged {charged:.0f} tokens, used {used_up}")
    return complaints
