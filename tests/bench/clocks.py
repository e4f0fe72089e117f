# SPDX-License-Identifier: Apache-2.0
"""Deadlines: many clocks armed by sla-watch, and among them some that come due."""

import os

from office import Office, make_policy

BATCH = 500
CLOCKS = 4  # of the policies below, started with each case
FAR = """# SPDX-License-Identifier: Apache-2.0
clocks:
""" + "".join(f"  - {{id: far{i}, starts: received, stops: resolved, dues: {{all: {20 + i}d}}, warn_percent: 80, "
              f"escalate_after: [4h, 24h]}}\n" for i in range(CLOCKS))
NEAR = """# SPDX-License-Identifier: Apache-2.0
clocks:
  - {id: near, starts: received, stops: resolved, dues: {all: 2s}, warn_percent: 50}
"""
FIRED = 2  # a near clock warns and breaches
NEAR_RATE = 250  # complaints a second


def accept(bench, office, count, batch, rate):
    bench.tool("accept", office.lane("intake-new"), count // batch * batch, batch, 8192, rate, 1, 512)


def arm(bench, office, cases):
    """Returns how many were armed, with sla-watch running on them."""
    office.start("sla-watch").wait_ready()
    empty, _ = office.resident("sla-watch")
    office.stop("sla-watch")
    accept(bench, office, cases, BATCH, 0)
    office.start("sla-watch").wait_ready()
    armed = office.metrics("sla-watch")["kesu_sla_armed"]
    if armed != CLOCKS * cases:
        raise RuntimeError(f"{armed:.0f} clocks armed for {cases} complaints of {CLOCKS} clocks")
    own, mapped = office.resident("sla-watch")
    feed = bench.tool("feed", office.run)
    again = bench.tool("replay", office.run, "sla-watch")
    bench.figures.add("sla_arm_rate", armed / again["seconds"], "clocks/s", armed / feed["seconds"], "limit_feed")
    print(f"# clocks: {armed:.0f} armed; own memory {empty / 2**20:.1f} MiB without, {own / 2**20:.1f} MiB with them; "
          f"{mapped / 2**20:.0f} MiB of its store are in memory as files are")
    bench.figures.add("sla_bytes_per_clock", max(own - empty, 1) / armed, "bytes", 64, "64_bytes")


def fire(bench, office, cases):
    near = os.path.join(office.where, "near")
    make_policy(near, 1, NEAR)
    office.kesu("policy", "apply", near)
    head = int(bench.tool("feed", office.run)["head"])
    reader = bench.tool.start("feed", office.run, f"from={head + 1}", f"fired={FIRED * cases}")
    accept(bench, office, cases, 1, NEAR_RATE)
    got = bench.tool.finish(reader)
    if got["fired"] != FIRED * cases or got["in_time"] != got["fired"]:
        raise RuntimeError(f"{got['fired']:.0f} steps fired, {got['in_time']:.0f} in time, of {FIRED * cases}")
    print(f"# clocks: {got['fired']:.0f} fired, in the journal {got['late_p50_us'] / 1000:.1f} ms (median), at most "
          f"{got['late_max_us'] / 1000:.1f} ms after their due")
    bench.figures.add("sla_lateness_p99_ms", got["late_p99_us"] / 1000, "ms", 10, "10_ms")


def run(bench):
    cases = (bench.clocks or bench.size(100000, 1000000)) // CLOCKS // BATCH * BATCH
    policy = os.path.join(bench.where, "far")
    if not os.path.exists(policy):
        make_policy(policy, 1, FAR)
    with Office(bench.build, os.path.join(bench.where, "clocks"), policy) as office:
        office.start("intake").wait_ready()
        arm(bench, office, cases)
        fire(bench, office, bench.size(500, 2500))
