# SPDX-License-Identifier: Apache-2.0
"""Daemons killed with -9 under load at moments of their work, then every acknowledgement looked for."""

import os
import random
import shutil

from busy import BATCH, DAEMONS, FOLDS, audit, busy, facts, journal  # noqa: F401
from conftest import until

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(1 << 32)))
SOME = 200  # acknowledgements
# What a moment is waited for by: so many more of these in the journal.
PROGRESS = ["case_opened", "case_classified", "case_assigned", "delivery_recorded", "clock_fired"]


class Killer:
    """Each daemon in turn, in a new order every round, at a moment counted in events."""

    def __init__(self, office, seed):
        self.office = office
        self.random = random.Random(seed)
        self.deaths = dict.fromkeys(DAEMONS, 0)
        self.round = []

    def victim(self):
        if not self.round:
            self.round = self.random.sample(DAEMONS, len(DAEMONS))
        return self.round.pop()

    def moment(self):
        """Some events more, of a kind that goes on without those that are down."""
        kind = self.random.choice(PROGRESS)
        self.office.follower.reach(kind, self.office.follower.seen[kind] + self.random.randrange(1, 40))

    def kill(self, *names):
        for name in names:
            process = self.office.processes[name]
            assert process.poll() is None, f"{name} died by itself: {process.returncode}\n{self.office.log(name)[-3000:]}"
            process.kill()
        for name in names:
            self.office.kill(name)
            self.deaths[name] += 1
        self.office.follower.again = "intake" in names

    def one(self):
        name = self.victim()
        self.moment()
        # Often with another one, now and then in the middle of the start.
        names = sorted({name} if self.random.random() < 0.7 else {name, self.victim()})
        self.kill(*names)
        if "intake" not in names and self.random.random() < 0.5:  # the others go on meanwhile
            self.office.load.go_on(self.random.randrange(1, 2 * BATCH))
        for name in names:
            self.office.start(name, wait=False)
        for name in names:
            if self.random.random() < 0.8:
                self.office.wait_ready(name)
        return names


def test_killed_at_random_under_load_nothing_acknowledged_is_lost(busy):  # noqa: F811
    print(f"replay: KILL_SEED={SEED} KILLS={KILLS}")
    killer = Killer(busy, SEED)
    busy.follower.reach("clock_fired", 1)
    while sum(killer.deaths.values()) < KILLS:
        names = killer.one()
        print(f"{sum(killer.deaths.values())}: {' '.join(names)} at {len(busy.load.ledger)} acknowledged")
    for name in DAEMONS:
        busy.wait_ready(name)
    busy.load.go_on(SOME)
    _, repeats = audit(busy, killer.deaths["notification"])
    # Who was in hand at two deaths of intake is refused, and not in the journal.
    assert len(busy.load.given_up) <= BATCH * killer.deaths["intake"] // 2
    print(f"{killer.deaths}: {len(busy.load.ledger)} acknowledged, {busy.load.mails} mails came, "
          f"{len(busy.outbox.written)} left, {repeats} again, {len(busy.load.given_up)} given up")
    assert min(killer.deaths.values()) >= KILLS // (2 * len(DAEMONS))


def test_stores_deleted_under_load_are_rebuilt_and_nothing_repeated(busy):  # noqa: F811
    busy.load.reach(SOME)
    busy.follower.reach("clock_fired", 1)
    assert busy.follower.once and any(fact[0] == "assigned" for fact in facts(journal(busy)))
    for name in FOLDS:
        busy.kill(name)
        store = busy.data / f"{name}.fold"
        assert store.is_dir(), sorted(p.name for p in busy.data.iterdir())
        shutil.rmtree(store)
        busy.load.go_on(BATCH)
        busy.start(name)
        assert store.is_dir()
        busy.load.go_on(SOME // 4)
    audit(busy, 1)


def test_all_killed_at_once(busy):  # noqa: F811
    busy.load.reach(SOME)
    Killer(busy, SEED).kill(*busy.processes)
    busy.start_all(*DAEMONS)
    busy.load.go_on(SOME // 2)
    audit(busy, 1)
    until(lambda: busy.info("intake").ready, "ready")
