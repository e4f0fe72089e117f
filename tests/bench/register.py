# SPDX-License-Identifier: Apache-2.0
"""Commands decided and folded against the register, in one process on one core."""

WANTED = 300000


def run(bench):
    got = bench.tool("register", bench.size(50000, 1000000), bench.size(1, 5))
    bench.figures.add("decide_rate", got["decide_rate"], "commands/s", WANTED, "300000")
