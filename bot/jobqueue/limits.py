"""The numbers a queue goes by: how many jobs, how many attempts, how long a lease.

Made by `app` from the settings; read by both queues. All processes of a pool should agree on them.
"""

from dataclasses import dataclass

DEADLINE_MARGIN_S = 20.0
MAX_CLAIM_WAIT_S = 2.0  # a blocking read must end well before any socket time-out


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Bounds of a queue.

    Attributes:
        max_queued: jobs that may wait; more are refused.
        max_queued_per_server: of one tenant, in both classes together.
        max_queued_per_user: of one member in one tenant, in both classes together.
        max_running_per_server: jobs of one tenant that run at once; 0 = as many as there are slots.
        max_running_per_user: of one member in one tenant; 0 = as many as there are slots.
        max_attempts: times a job's text is tried.
        max_farewells: times a worker is asked to tell the asker that nothing will come.
        lease_s: how long a worker keeps a job, and counts as alive, without renewing.
        deadline_margin_s: a running job is stopped this long before its deadline.
        farewell_s: how long after its deadline the asker of a job can still be told.
        keep_ended_s: how long the state of an ended job can be asked for.
        max_dead_letters: dead letters kept, about.
    """

    max_queued: int = 10_000
    max_queued_per_server: int = 500
    max_queued_per_user: int = 20
    max_running_per_server: int = 0
    max_running_per_user: int = 0
    max_attempts: int = 3
    max_farewells: int = 2
    lease_s: float = 15.0
    deadline_margin_s: float = DEADLINE_MARGIN_S
    farewell_s: float = 60.0
    keep_ended_s: float = 3600.0
    max_dead_letters: int = 1000
