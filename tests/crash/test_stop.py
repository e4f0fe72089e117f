# SPDX-License-Identifier: Apache-2.0
"""Each daemon stopped (SIGSTOP) under load: the others go on or wait, and say so; then all goes on."""

import os
import random
import time

from busy import BATCH, DAEMONS, FOLDS, audit, busy  # noqa: F401
from conftest import until

STALL = float(os.environ.get("STALL", "3"))  # seconds each stands still, at least
FEW = 20  # acknowledgements, or events
# What comes to rest when one stands still; all else goes on.
RESTS = {
    "intake": ["case_opened", "case_classified", "case_assigned", "delivery_recorded", "clock_fired"],
    "routing": ["case_classified", "case_assigned"],
    "routing-worker": [],  # there is another
    "sla-watch": ["clock_fired"],
    "notification": ["delivery_recorded"],
    "analytics": [],
    "email": [],
}


def others_wait(office, name):
    """Intake stands still: every fold says so, nobody dies of it."""
    for fold in FOLDS:
        until(lambda f=fold: office.http(f, "/readyz") == (503, "intake does not answer\n"),
              lambda f=fold: office.http(f, "/readyz"))
        assert office.http(fold, "/healthz") == (200, "ok\n")


def others_go_on(office, name):
    office.load.go_on(FEW)
    seen = dict(office.follower.seen)
    for event in set(RESTS["intake"]) - set(RESTS[name]):
        office.follower.reach(event, seen.get(event, 0) + FEW)
    for other in set(DAEMONS) - {name, "email", "routing-worker"}:
        assert office.http(other, "/readyz")[0] == 200, other
    if name == "routing-worker":
        assert "because=silent" in office.log("routing")


def stall(office, name):
    print(f"{name} stands still at {len(office.load.ledger)} acknowledged")
    office.freeze(name)
    end = time.monotonic() + STALL
    assert office.http(name, "/healthz", seconds=1) == (0, "")
    (others_wait if name == "intake" else others_go_on)(office, name)
    seen = dict(office.follower.seen)  # what was on its way has come
    until(lambda: time.monotonic() > end, "the time is over", STALL + 1)
    for event in RESTS[name]:
        assert office.follower.seen[event] == seen.get(event, 0), f"{event} without {name}"
    office.thaw(name)
    office.follower.again = name == "intake"
    until(lambda: office.http(name, "/readyz")[0] == 200, lambda: office.http(name, "/readyz"))
    office.load.go_on(BATCH)


def test_stopped_in_turn_under_load_all_goes_on(busy):  # noqa: F811
    busy.start("routing-worker", instance="second")
    busy.load.pause = max(busy.load.pause, STALL / 60)  # the agents have room for what waits meanwhile
    busy.follower.reach("clock_fired", 1)
    for name in random.sample(DAEMONS, len(DAEMONS)):
        stall(busy, name)
    audit(busy)
    assert all(process.poll() is None for process in busy.processes.values()), "nobody died"
