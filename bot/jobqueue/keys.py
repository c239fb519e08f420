"""Every Redis key of a pool, with its lifetime and meaning.

Used by the queue on Redis; the Lua scripts take their common start as their only KEYS (a call has
one word to send instead of twenty) and name them in `common.lua`. All keys of a pool share one hash
tag, so that they lie in one slot of a Redis Cluster.

A `member` says which job it is and where it belongs, even when its record was lost:
"<sequence, 16 digits>:<class>:<tenant>:<user>:<cost>:<id>".

The tree's nodes are named by their path: "" (root), "i" or "b" (class), "i:g10" (a server in it);
its leaves are users. A `child` is the last word of such a path; an `eligible` child is written
"<turn, 16 digits>:<child>": where two tags are equal, Redis sorts by that, so that the one who came
first goes first. `tree.lua` says what the tags mean.

    key              type     lifetime            content
    front            ZSET     while jobs wait     member -> sequence: put back, served before all
    fifo:<user>      ZSET     while jobs wait     member -> sequence, of one user in one class
    dl               ZSET     while jobs wait     member -> deadline (ms)
    lease            ZSET     while jobs run      member -> end of its lease (ms)
    node:<node>      HASH     while it has jobs   v: virtual time; of each child r: jobs served and
                                                  not ended, a: its turn while it is eligible
    line:<node>      HASH     while it has jobs   child -> its jobs in line * 2^32 + their cost
    eligible:<node>  ZSET     while it has jobs   child -> start tag; the lowest is served next
    finish:<node>    ZSET     while it has jobs   child that is not eligible -> its next start tag
    job:<id>         HASH     1 h after its end   the job and where it stands (below)
    meta             HASH     for good            seq: numbers given; rate: seconds per token of a
                                                  slot; front, running: cost of those jobs;
                                                  paused: what the host says about it;
                                                  decided: revision of what the host decided
                                                  (`registry`) that was done last
    weights          HASH     for good            tenant -> weight, unless it is 1
    wake             LIST     while jobs wait     tokens that wake idle workers
    workers          ZSET     swept by renew      worker -> end of its heartbeat (ms)
    slots            HASH     swept by renew      worker -> jobs it can run at once
    cards            HASH     swept by renew      worker -> JSON: model, version, running
    drains           SET      swept by renew      workers that were told to leave
    dead             STREAM   about 1000 entries  dead letters: id, attempts, reason, payload
    stopped:<call>   LIST     1 min               what a call that stopped waiting jobs said
    cancel           channel  -                   ids of running jobs that were cancelled

Fields of `job:<id>`: st (JobState), member, deadline (ms), payload (JSON, gone at the end), runs
and farewells (claims by kind; their sum is the attempt), by (worker), verdict and at (ms; of the
newest claim), charged (tokens taken from its tenant's share), used (tokens it has cost, once a
worker has ended it), sent and sending (follow-up messages), cancel (1 = asked to stop),
cancel_call (which call took it out of the line), notice (until when an edit by somebody else may
be on its way, ms).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one pool."""

    pool: str

    @property
    def wake(self) -> str:
        """List of wake tokens."""
        return self._key("wake")

    @property
    def dead(self) -> str:
        """Stream of dead letters."""
        return self._key("dead")

    @property
    def cancel(self) -> str:
        """Channel of cancelled running jobs."""
        return self._key("cancel")

    @property
    def meta(self) -> str:
        """Numbers of the whole pool."""
        return self._key("meta")

    @property
    def weights(self) -> str:
        """Weights of tenants."""
        return self._key("weights")

    def job(self, job_id: str) -> str:
        """Hash of one job."""
        return self._key(f"job:{job_id}")

    def for_scripts(self) -> tuple[str, ...]:
        """KEYS of every script: what all keys of the pool start with."""
        return (self._key(""),)

    def _key(self, name: str) -> str:
        return f"{{{self.pool}}}:{name}"
