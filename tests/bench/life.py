# SPDX-License-Identifier: Apache-2.0
"""Daemons over a long journal: folding it again, starting, and standing idle."""

import os
import time

from office import FOLDS, Office, make_policy, wait_for
from pipeline import load, start_all

EVENTS_A_CASE = 4  # customer added, opened, classified, assigned
TURNS = 3
IDLE_SECONDS = 0.5


def replay(bench, office, events):
    feed = bench.tool("feed", office.run)
    bench.figures.add("limit_feed", feed["rate"], "events/s", feed["rate"], "limit_feed")
    for fold in FOLDS:
        got = bench.tool("replay", office.run, fold)
        if got["events"] < events:
            raise RuntimeError(f"{fold} folded {got['events']:.0f} of {events:.0f} events")
        bench.figures.add("replay_rate." + fold, got["rate"], "events/s", feed["rate"], "limit_feed")


def idle(office):
    """Nobody used more of the processor than its beat needs."""
    before = sum(office.cpu_seconds().values())
    time.sleep(IDLE_SECONDS)
    return sum(office.cpu_seconds().values()) - before < 0.1 * IDLE_SECONDS


def run(bench):
    events = bench.events or bench.size(40000, 1000000)
    policy = os.path.join(bench.where, "many")
    make_policy(policy, agents=10 + events // EVENTS_A_CASE // 1000)
    with Office(bench.build, os.path.join(bench.where, "life"), policy) as office:
        start_all(office)
        got = load(bench, office, events // EVENTS_A_CASE, 512)
        for _ in range(bench.size(1, TURNS)):
            replay(bench, office, got["events"])
        office.stop()
        for _ in range(bench.size(1, TURNS)):
            began = time.monotonic()
            start_all(office, wait=False, email=True)
            seen = office.wait_ready()
            ready = max(seen.values()) - began
            print(f"# life: over {got['events']:.0f} events, ready after ms: " +
                  ", ".join(f"{name} {(at - began) * 1000:.0f}" for name, at in seen.items()))
            bench.figures.add("startup_ms", ready * 1000, "ms", 1000, "1000_ms")
            wait_for(lambda: idle(office), "the daemons are idle", pause=0)
            own = {name: office.resident(name)[0] / 2**20 for name in office.daemons}
            print("# life: MiB of own memory: " + ", ".join(f"{name} {mib:.1f}" for name, mib in own.items()))
            bench.figures.add("idle_pss_mib", sum(own.values()), "MiB", 64, "64_MiB")
            office.stop()
