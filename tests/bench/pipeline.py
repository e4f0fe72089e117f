# SPDX-License-Identifier: Apache-2.0
"""The whole way of a complaint: accepted, classified, assigned, its clocks
armed, its receipt queued, counted; with all daemons on this machine."""

import os

from office import FOLDS, Office

BATCH = 64
HALF_BATCH = 16
WINDOW = 4096
HALF_MAX = 50000  # complaints: the agents have room for so many
CLOCKS = 5  # that the shipped policy starts with a case


def load(bench, office, count, text_bytes, batch=BATCH, rate=0.0):
    """Drives all; the driver fails when journal and analytics do not agree."""
    got = bench.tool("pipeline", office.run, count // batch * batch, batch, WINDOW, rate, text_bytes, *FOLDS)
    armed = office.metrics("sla-watch")["kesu_sla_armed"]
    queued = office.metrics("notification")["kesu_notification_queued"]
    if armed < CLOCKS * got["opened"]:
        raise RuntimeError(f"sla-watch has armed {armed:.0f} clocks for {got['opened']:.0f} complaints")
    if queued < got["opened"]:
        raise RuntimeError(f"notification has queued {queued:.0f} notices for {got['opened']:.0f} complaints")
    return got


def start_all(office, wait=True, email=False):
    """Sending is a figure of its own: a receipt that is queued has done its way."""
    office.start("intake")
    if wait:
        office.wait_ready()
    for fold in FOLDS:
        office.start(fold, *(["--send=false"] if fold == "notification" else []))
    for i in (1, 2):
        office.start("routing-worker", instance=f"routing-worker-{i}")
    if email:
        inbox = os.path.join(office.where, "inbox")
        os.makedirs(os.path.join(inbox, "new"), exist_ok=True)
        office.start("email", f"--maildirs=complaints@example.com={inbox}")
    if wait:
        office.wait_ready()


def run(bench):
    figures = bench.figures
    with Office(bench.build, os.path.join(bench.where, "pipeline"), bench.policy) as office:
        start_all(office)
        before = office.cpu_seconds()
        got = load(bench, office, bench.size(10240, 40960), 512)
        after = office.cpu_seconds()
        print(f"# pipeline: {got['complaints']:.0f} complaints, {got['events']:.0f} events, assigned after "
              f"{got['assigned_seconds']:.2f} s, folded by all after {got['seconds']:.2f} s")
        print("# pipeline: CPU a complaint: " +
              ", ".join(f"{n} {(after[n] - before[n]) * 1e6 / got['complaints']:.0f} us" for n in after))
        long = load(bench, office, bench.size(5120, 20480), 2048)
        some = min(int(got["rate"] / 2 * bench.size(2, 5)), HALF_MAX)
        half = load(bench, office, some, 512, HALF_BATCH, got["rate"] / 2)
    figures.add("pipeline_rate", got["rate"], "complaints/s",
                figures.limit("accept_rate", got["accepted_rate"]), "accept_rate")
    figures.add("pipeline_rate_2k", long["rate"], "complaints/s", got["rate"], "pipeline_rate")
    figures.add("pipeline_p50_ms", half["p50_us"] / 1000, "ms", half["p99_us"] / 1000, "pipeline_p99")
    figures.add("pipeline_p99_ms", half["p99_us"] / 1000, "ms", half["p50_us"] / 1000, "pipeline_p50")
