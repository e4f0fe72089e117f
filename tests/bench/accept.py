# SPDX-License-Identifier: Apache-2.0
"""Durable accepts: complaints to intake alone, at full and at half load."""

import os
import tempfile

from office import Office

BATCH = 512
LONG_BATCH = 256  # of 2 KiB: a message is at most 1 MiB
HALF_BATCH = 64
WINDOW = 8192


def load(bench, office, count, text_bytes, batch=BATCH, rate=0.0):
    """Drives intake; what the journal then holds must be what was accepted.
    Returns the driver's figures and those of the blocks it made."""
    head = int(bench.tool("feed", office.run)["head"])
    got = bench.tool("accept", office.lane("intake-new"), count // batch * batch, batch, WINDOW, rate, 1, text_bytes)
    written = bench.tool("feed", office.run, f"from={head + 1}")
    if not got["accepted"] == written["opened"] == count // batch * batch:
        raise RuntimeError(f"{got['accepted']:.0f} complaints accepted, {written['opened']:.0f} in the journal")
    return got, written


def block_limit(bench, block_bytes, seconds):
    return bench.tool("limits", tempfile.mkdtemp(dir=bench.where), "block", int(block_bytes), seconds)


def run(bench):
    figures, seconds = bench.figures, bench.size(1.5, 4)
    with Office(bench.build, os.path.join(bench.where, "accept"), bench.policy) as office:
        office.start("intake").wait_ready()
        load(bench, office, 20 * BATCH, 512)
        full, blocks = load(bench, office, bench.size(102400, 512000), 512)
        half, half_blocks = load(bench, office, int(full["rate"] / 2 * seconds), 512, HALF_BATCH, full["rate"] / 2)
        long, long_blocks = load(bench, office, bench.size(20480, 102400), 2048, LONG_BATCH)
    limits = os.path.join(bench.where, "limits")
    os.makedirs(limits, exist_ok=True)
    block = block_limit(bench, blocks["bytes"] / blocks["blocks"], seconds)
    half_block = block_limit(bench, half_blocks["bytes"] / half_blocks["blocks"], seconds / 2)
    long_block = block_limit(bench, long_blocks["bytes"] / long_blocks["blocks"], seconds / 2)
    fsync = bench.tool("limits", limits, "fsync", seconds / 2)
    zmq = bench.tool("limits", limits, "zmq", BATCH, bench.size(102400, 512000), 512)
    print(f"# accept: mean block {blocks['bytes'] / blocks['blocks']:.0f} bytes of "
          f"{blocks['opened'] / blocks['blocks']:.0f} complaints, at half load "
          f"{half_blocks['bytes'] / half_blocks['blocks']:.0f} bytes of "
          f"{half_blocks['opened'] / half_blocks['blocks']:.0f}; raw blocks {block['rate']:.0f}/s")
    limit = block["rate"] * blocks["opened"] / blocks["blocks"]
    figures.add("limit_block_journal", limit, "complaints/s", zmq["rate"], "limit_zmq")
    figures.add("limit_zmq", zmq["rate"], "complaints/s", zmq["rate"], "limit_zmq")
    figures.add("limit_fsync", fsync["rate"], "syncs/s", fsync["rate"], "limit_fsync")
    figures.add("accept_rate", full["rate"], "complaints/s", limit, "limit_block_journal")
    figures.add("accept_rate_2k", long["rate"], "complaints/s",
                long_block["rate"] * long_blocks["opened"] / long_blocks["blocks"], "limit_block_journal_2k")
    figures.add("accept_p50_ms", half["p50_us"] / 1000, "ms", half_block["p50_us"] / 1000, "limit_block_journal_p50")
    figures.add("accept_p99_ms", half["p99_us"] / 1000, "ms", 2 * half_block["p99_us"] / 1000 + 1,
                "2*limit_block_journal_p99+1ms")
