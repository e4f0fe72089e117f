# SPDX-License-Identifier: Apache-2.0
"""Routing workers: how many make how much more, and what a lost one costs."""

import os
import signal
import time

from office import Office, wait_for

BATCH = 100
MANY = 32
DELAY_US = 1000  # that each task waits
TEXT_BYTES = 512
HELD = 16  # tasks in the hands of the worker that is killed


def accept(bench, office, count):
    bench.tool("accept", office.lane("intake-new"), count, BATCH if count >= BATCH else count, 8192, 0, 1, TEXT_BYTES)


def start(office, name, *flags):
    office.start("routing-worker", *flags, instance=name)


def judged_per_second(bench, office, tasks):
    """Of a backlog, so that accepting takes nothing from judging: routing
    stands still until all are in the journal."""
    head = int(bench.tool("feed", office.run)["head"])
    office.daemons["routing"].send_signal(signal.SIGSTOP)
    try:
        accept(bench, office, tasks)
        reader = bench.tool.start("feed", office.run, f"from={head + 1}", f"classified={tasks}")
    finally:
        office.daemons["routing"].send_signal(signal.SIGCONT)
    got = bench.tool.finish(reader)
    return tasks * 1e6 / (got["classified_last_us"] - got["classified_first_us"])


def waiting_workers(bench, office, count, tasks):
    """Tasks a second of so many workers that only wait, once all have the rules."""
    crew = bench.tool.start("workers", office.run, count, DELAY_US)
    try:
        if crew.stdout.readline().strip() != "ready=1":
            raise RuntimeError(f"bench_workers: {crew.stderr.read()}")
        return judged_per_second(bench, office, tasks)
    finally:
        crew.terminate()
        crew.communicate()


def scaling(bench, office):
    one = waiting_workers(bench, office, 1, bench.size(1000, 3000))
    tasks = bench.size(20000, 80000)
    before = office.cpu_seconds()
    many = waiting_workers(bench, office, MANY, tasks)
    used = {name: (cpu - before[name]) * 1e6 / tasks for name, cpu in office.cpu_seconds().items()}
    print(f"# workers: CPU a task: intake {used['intake']:.0f} us (with accepting), routing {used['routing']:.0f} us")
    print(f"# workers: 1 makes {one:.0f} tasks/s, {MANY} make {many:.0f}, {DELAY_US} us each")
    bench.figures.add(f"worker_scaling_{MANY}", many, "tasks/s", MANY * one, f"{MANY}*worker_1")


def recovery(bench, office):
    """A worker that never ends its tasks is killed: when are they all done?"""
    start(office, "stuck", "--work-delay=10000000", f"--credit={HELD}")
    office.wait_ready()
    head = int(bench.tool("feed", office.run)["head"])
    accept(bench, office, HELD)
    wait_for(lambda: office.metrics("routing")["kesu_routing_leased"] == HELD, "the stuck worker has all tasks")
    start(office, "other")
    office.wait_ready()
    reader = bench.tool.start("feed", office.run, f"from={head + 1}", f"classified={HELD}")
    killed = time.monotonic()
    stuck = office.daemons.pop("stuck")
    stuck.kill()
    stuck.wait()
    got = bench.tool.finish(reader)
    bench.figures.add("worker_recovery_ms", got["classified_last_us"] / 1000 - killed * 1000, "ms", 1000, "1000_ms")
    office.stop("other")


def run(bench):
    with Office(bench.build, os.path.join(bench.where, "workers"), bench.policy) as office:
        office.start("intake").wait_ready()
        office.start("routing", "--silence=60s")
        scaling(bench, office)
        office.stop("routing")
        office.start("routing")
        recovery(bench, office)
