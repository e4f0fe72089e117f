# SPDX-License-Identifier: Apache-2.0
"""The wall clock set forward and back under one process, by libfaketime: an alarm, and nothing happens early."""

import contextlib
import pathlib

import kesu_client
import pytest
from busy import audit, busy, journal  # noqa: F401
from conftest import until

FAKETIME = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
FEW = 30  # acknowledgements
DAYS = 24 * 3600
JUMPS = [45 * DAYS, -45 * DAYS]  # seconds: beyond what ids may be old, and far before all there is
SMALL = 6  # seconds: more than clocks may disagree by


class Clock:
    """The wall clock of one daemon, started anew under it."""

    def __init__(self, office, name):
        self.office, self.name = office, name
        self.file = office.dir / "clock"
        self.move(0)
        office.kill(name)
        office.follower.again = True
        before = office.environment
        office.environment = before | {
            "LD_PRELOAD": str(FAKETIME[0]), "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        office.start(name)
        office.environment = before

    def move(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self.file)

    def alarm(self):
        return any(g.name == "clock_alarm" and g.value for g in self.office.info(self.name).gauges)

    @contextlib.contextmanager
    def departed(self, seconds):
        """The alarm is up within, and ends by itself when the clock is right again."""
        assert not self.alarm()
        self.move(seconds)
        until(self.alarm, f"an alarm of {self.name}")
        yield
        assert self.alarm()
        self.move(0)
        until(lambda: not self.alarm(), f"no alarm of {self.name}")


@pytest.fixture
def clock(busy, request):  # noqa: F811
    if not FAKETIME:
        pytest.skip("needs libfaketime")
    busy.follower.reach("clock_fired", 1)
    return Clock(busy, request.param)


def nothing_fires(office):
    """Until a clock that was armed meanwhile is over by the real time, and still nothing."""
    office.load.go_on(FEW)
    office.follower.catch_up()
    fired = office.follower.seen["clock_fired"]
    armed = max(office.load.ledger.values(), key=lambda reply: reply.case_id).case_id
    due = next(c.due_at for c in office.case(armed).state.clocks if c.clock == "initial_review")
    until(lambda: kesu_client.now_us() > due + 1_000_000, "a clock is over")
    office.follower.catch_up()
    assert office.follower.seen["clock_fired"] == fired, "nothing is fired while the clocks disagree"


def unanswered(office):
    """Commands of sla-watch on their way."""
    lines = office.http("sla-watch", "/metrics")[1].splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("kesu_fold_outbox"))


def check_block_times(office):
    """They never go back, and none is ahead of the clock of the wall by more than was accepted."""
    times = [e.time_us for e in journal(office)]
    assert times == sorted(times)
    assert times[-1] <= kesu_client.now_us() + (SMALL + 1) * 1_000_000


@pytest.mark.parametrize("clock", ["intake"], indirect=True)
def test_intakes_clock_set_forward_and_back(busy, clock):  # noqa: F811
    lane = busy.lane(client="load")
    old = kesu_client.receive_message("before", email="old@example.com")
    first = busy.load.ledger[old.id] = lane.ask_one(old).accepted
    for jump in JUMPS:
        with clock.departed(jump):
            nothing_fires(busy)  # complaints are taken meanwhile: the ids of their clients stay valid
            check_block_times(busy)
            again = lane.ask_one(old).accepted
            assert (again.duplicate, again.case_id) == (True, first.case_id), "nothing is trimmed"
        busy.follower.reach("clock_fired", busy.follower.seen["clock_fired"] + 1)
    lane.close()
    accept_small_jumps(busy, clock)
    check_block_times(busy)
    audit(busy)


@pytest.mark.parametrize("clock", ["sla-watch"], indirect=True)
def test_the_clock_of_who_fires_set_forward_and_back(busy, clock):  # noqa: F811
    for jump in JUMPS:
        with clock.departed(jump):
            wanted = (503, "wall and monotonic clock disagree\n")
            until(lambda: busy.http("sla-watch", "/readyz") == wanted, lambda: busy.http("sla-watch", "/readyz"))
            until(lambda: unanswered(busy) == 0, "what was due before is fired")
            nothing_fires(busy)
        busy.follower.reach("clock_fired", busy.follower.seen["clock_fired"] + 1)
    accept_small_jumps(busy, clock)
    audit(busy)


def accept_small_jumps(office, clock):
    """A person says that the clock is right as it is now: firing goes on."""
    for seconds in (SMALL, 0):
        clock.move(seconds)
        until(clock.alarm, "an alarm")
        assert office.kesu("clock", "accept", "the time server was wrong")
        until(lambda: not clock.alarm(), "no alarm")
        office.load.go_on(FEW)
        office.follower.reach("clock_fired", office.follower.seen["clock_fired"] + 1)
