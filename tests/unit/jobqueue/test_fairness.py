"""Fair shares on a simulated clock: nobody who floods the pool costs the others their time."""

import heapq
import random
import statistics
from collections import Counter, defaultdict

from bot.jobqueue.fair_tree import Entry, FairTree

SLOTS = 4
TOKENS_PER_S = 50.0  # of one slot
SERVERS = 20
MEMBERS = 50
FLOOD = 5000
HOUR_S = 3600.0


def simulate(
    arrivals: list[tuple[float, Entry]], *, slots: int, tokens_per_s: float
) -> dict[Entry, float]:
    """Seconds that each job waits for its start; a slot writes one job at a time."""
    tree, clock = FairTree(), 0.0
    came_at_s = {entry: at_s for at_s, entry in arrivals}
    coming = sorted(arrivals, reverse=True)
    running: list[tuple[float, Entry]] = []
    waits_s: dict[Entry, float] = {}
    while coming or running:
        is_arrival = bool(coming) and (not running or coming[-1][0] <= running[0][0])
        if is_arrival:
            clock, entry = coming.pop()
            tree.add(entry)
        else:
            clock, entry = heapq.heappop(running)
            tree.end(entry, unused=0)
        while len(running) < slots and (job := tree.serve_next()):
            waits_s[job] = clock - came_at_s[job]
            heapq.heappush(running, (clock + job.cost / tokens_per_s, job))
    return waits_s


def crowd(rng: random.Random, load: float) -> list[tuple[float, Entry]]:
    """Members of 20 servers ask at random for an hour.

    Each server asks for `load` times a 21st of what the pool can write.
    """
    capacity = SLOTS * TOKENS_PER_S * HOUR_S / (SERVERS + 1)
    arrivals: list[tuple[float, Entry]] = []
    for server in range(SERVERS):
        asked = 0
        while asked < load * capacity:
            cost = rng.randint(40, 200)
            asked += cost
            n, user_id = len(arrivals) + FLOOD, rng.randrange(MEMBERS)
            job = Entry(n, str(n), "i", f"g{server}", user_id, cost)
            arrivals.append((rng.uniform(0, HOUR_S), job))
    return arrivals


def test_flood_of_one_server_leaves_the_others_their_share():
    """No other server waits twice as long as it would with its fair share alone.

    Alone means: a pool of its own that writes a 21st of what the whole one does (20 servers and
    the one that floods) and serves nobody else, with the same members asking at the same times.
    The one that floods has put 5,000 jobs just before. Compared are a server's mean wait and its
    worst one, with a job's own time of grace: in the shared pool a slot must come free first.
    """
    rng = random.Random(5)
    asked = crowd(rng, load=0.8)
    flood = [(0.0, Entry(n, str(n), "i", "flood", n % 100, 200)) for n in range(FLOOD)]

    shared = simulate(flood + asked, slots=SLOTS, tokens_per_s=TOKENS_PER_S)

    grace_s = 200 / TOKENS_PER_S
    for server in range(SERVERS):
        own = [(at_s, job) for at_s, job in asked if job.tenant == f"g{server}"]
        alone = simulate(own, slots=1, tokens_per_s=SLOTS * TOKENS_PER_S / (SERVERS + 1))
        together = [shared[job] for _, job in own]
        mean_s = statistics.mean(alone.values())
        assert statistics.mean(together) <= 2 * mean_s + grace_s
        assert max(together) <= 2 * max(alone.values()) + grace_s


def test_without_fair_shares_the_same_flood_would_break_the_bound():
    """The measure measures: first come, first served makes everybody wait for the flood."""
    rng = random.Random(5)
    asked = crowd(rng, load=0.8)
    as_one = [
        (at_s, Entry(job.sequence, job.job_id, "i", "one line", 1, job.cost)) for at_s, job in asked
    ]
    flood = [(0.0, Entry(n, str(n), "i", "one line", 1, 200)) for n in range(FLOOD)]

    waits_s = simulate(flood + as_one, slots=SLOTS, tokens_per_s=TOKENS_PER_S)

    assert statistics.mean(waits_s[job] for _, job in as_one) > HOUR_S / 2


def served_tokens(tree: FairTree, n: int, by: str) -> Counter[str]:
    """Tokens of the next n jobs, by tenant, user_id or job_class."""
    tokens: Counter[str] = Counter()
    for _ in range(n):
        job = tree.serve_next()
        assert job is not None
        tokens[str(getattr(job, by))] += job.cost
    return tokens


def backlog(tree: FairTree, rng: random.Random, whose: list[tuple[str, str, int]], n: int) -> None:
    """Puts n jobs for each (class, tenant, user)."""
    for number, (job_class, tenant, user_id) in enumerate(whose * n):
        cost = rng.randint(40, 200)
        tree.add(Entry(number, str(number), job_class, tenant, user_id, cost))


def test_weights_are_shares_of_the_tokens():
    """Three to one, within two jobs, though the jobs differ."""
    tree, rng = FairTree(), random.Random(1)
    tree.weights["big"] = 3.0
    backlog(tree, rng, [("i", "big", 1), ("i", "small", 1)], 200)

    tokens = served_tokens(tree, 200, "tenant")

    assert abs(tokens["big"] / 3 - tokens["small"]) <= 200 + 200 / 3


def test_users_of_a_server_have_equal_shares():
    """A member with a hundred jobs gets no more of the server's time than one who has ten."""
    tree, rng = FairTree(), random.Random(2)
    backlog(tree, rng, [("i", "A", 1)], 100)
    for n in range(10):
        tree.add(Entry(1000 + n, str(1000 + n), "i", "A", 2, 120))

    tokens = served_tokens(tree, 16, "user_id")

    assert abs(tokens["1"] - tokens["2"]) <= 2 * 200


def test_server_with_many_members_gets_no_more_than_one_with_few():
    """Shares are a server's first, then its members'."""
    tree, rng = FairTree(), random.Random(3)
    backlog(tree, rng, [("i", "crowded", user) for user in range(50)], 4)
    backlog(tree, rng, [("i", "quiet", 1)], 200)

    tokens = served_tokens(tree, 200, "tenant")

    assert abs(tokens["crowded"] - tokens["quiet"]) <= 2 * 200


def test_background_gets_a_tenth_and_never_starves():
    """While both classes have work; and all of it while nobody else asks."""
    tree, rng = FairTree(), random.Random(4)
    backlog(tree, rng, [("i", "A", 1), ("b", "A", 1), ("i", "B", 1), ("b", "C", 1)], 200)
    since: dict[str, int] = defaultdict(int)
    tokens: Counter[str] = Counter()
    for _ in range(300):
        job = tree.serve_next()
        assert job is not None
        tokens[job.job_class] += job.cost
        since = defaultdict(int, {c: n + 1 for c, n in since.items() if c != job.job_class})
        since["b" if job.job_class == "i" else "i"] += 0
        assert since["b"] <= 9 * 200 / 40 + 10

    assert abs(tokens["i"] / 9 - tokens["b"]) <= 200 + 200 / 9
