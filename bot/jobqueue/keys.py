"""Every Redis key of a pool, with its lifetime and meaning.

Used by `redis_queue` and handed to the Lua scripts; no key is made anywhere else. All keys of a
pool share one hash tag, so that they lie in one slot of a Redis Cluster.

A `member` is a job's sequence number, zero-padded, and its id, "0000000000000042:<id>": where two
tags are equal, Redis sorts by member, so the job that came first goes first.

    key            type     lifetime            content
    ready          ZSET     while jobs wait     member -> start tag; the lowest is served next
    tq:<tenant>    ZSET     while jobs wait     member -> sequence number, of one tenant
    dl             ZSET     while jobs wait     member -> deadline (ms)
    lease          ZSET     while jobs run      id -> end of its lease (ms)
    job:<id>       HASH     1 h after its end   the job and where it stands (below)
    fin            ZSET     swept by reap       tenant -> finish tag: where its next job starts
    meta           HASH     for good, 2 fields  v: virtual time; seq: jobs put so far
    wake           LIST     while jobs wait     tokens that wake idle workers
    workers        ZSET     swept by renew      worker -> end of its heartbeat (ms)
    slots          HASH     swept by renew      worker -> jobs it can run at once
    dead           STREAM   about 1000 entries  dead letters: id, attempts, reason
    cancel         channel  -                   ids of running jobs that were cancelled

Fields of `job:<id>`: st (JobState), tenant, user, cost, deadline (ms), seq, payload (JSON, gone
at the end), runs and farewells (claims by kind; their sum is the attempt), by (worker), verdict
(of the newest claim), sent and sending (follow-up messages), cancel (1 = asked to stop),
cancel_call (which call took it out of the line).
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

    def job(self, job_id: str) -> str:
        """Hash of one job."""
        return self._key(f"job:{job_id}")

    def tenant(self, tenant: str) -> str:
        """Waiting jobs of one tenant."""
        return self._key(f"tq:{tenant}")

    def for_scripts(self) -> tuple[str, ...]:
        """KEYS of every script, in the order in which `common.lua` takes them."""
        names = ("ready", "fin", "meta", "lease", "dl", "wake", "dead", "workers", "slots")
        return (*map(self._key, names), self.cancel, self.job(""), self.tenant(""))

    def _key(self, name: str) -> str:
        return f"{{{self.pool}}}:{name}"
