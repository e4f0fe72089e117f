# SPDX-License-Identifier: Apache-2.0
"""Figures of a run: each the median of those taken, printed one a line."""

from statistics import median

from office import FOLDS

NAMES = [
    "limit_block_journal", "limit_fsync", "limit_zmq",
    "accept_rate", "accept_p50_ms", "accept_p99_ms",
    "decide_rate", "pipeline_rate", "pipeline_p99_ms", *("replay_rate." + fold for fold in FOLDS),
    "sla_arm_rate", "sla_lateness_p99_ms", "sla_bytes_per_clock",
    "worker_scaling_32", "worker_recovery_ms", "startup_ms", "idle_pss_mib",
]

# What design asks for at least, and what it aims at: of the value, or of its ratio.
FLOORS = [
    ("accept_rate", "ratio", ">=", 0.25, 0.5),
    ("accept_p99_ms", "ratio", "<=", None, 1),
    ("decide_rate", "value", ">=", 300000, 300000),
    ("pipeline_rate", "value", ">=", 20000, 40000),
    *(("replay_rate." + fold, "value", ">=", 300000, 1000000) for fold in FOLDS),
    ("sla_lateness_p99_ms", "value", "<=", None, 10),
    ("sla_bytes_per_clock", "value", "<=", None, 64),
    ("worker_scaling_32", "ratio", ">=", 0.9, 0.95),
    ("worker_recovery_ms", "value", "<=", 1000, 1000),
    ("startup_ms", "value", "<=", None, 1000),
    ("idle_pss_mib", "value", "<=", None, 64),
]


class Figure:
    def __init__(self, name, unit, of):
        self.name, self.unit, self.of = name, unit, of
        self.values, self.limits = [], []
        self.printed = False

    @property
    def value(self):
        return median(self.values)

    @property
    def ratio(self):
        return self.value / median(self.limits)


class Figures:
    def __init__(self):
        self.all = {}

    def add(self, name, value, unit, limit, of):
        """One measurement, and the limit measured beside it."""
        if not value > 0 or not limit > 0:
            raise RuntimeError(f"{name}: {value} {unit} of {limit}")
        figure = self.all.setdefault(name, Figure(name, unit, of))
        figure.values.append(value)
        figure.limits.append(limit)

    def limit(self, name, otherwise):
        """Of a part that ran before; it may have been left out."""
        return self.all[name].value if name in self.all else otherwise

    def print_new(self):
        for f in self.all.values():
            if f.printed:
                continue
            f.printed = True
            digits = 3 if f.value < 100 else 0
            print(f"BENCH {f.name} {f.value:.{digits}f} {f.unit} ratio={f.ratio:.3f} of={f.of}", flush=True)

    def missing(self):
        return [name for name in NAMES if name not in self.all]

    def print_floors(self):
        print("\nfloors and goals")
        for name, what, sign, floor, goal in FLOORS:
            figure = self.all[name]
            got = figure.value if what == "value" else figure.ratio
            print(f"  {name:26} {what} {got:12.3f}  floor {judge(got, sign, floor):22} goal {judge(got, sign, goal)}")


def judge(got, sign, limit):
    if limit is None:
        return "-"
    met = got >= limit if sign == ">=" else got <= limit
    return f"{sign} {limit:,} {'met' if met else 'missed'}"
