# SPDX-License-Identifier: Apache-2.0
"""An office of real daemons in a directory of its own, and the programs that
load and read it."""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDS = ["routing", "sla-watch", "notification", "analytics"]
READY_SECONDS = 120
STOP_SECONDS = 30
TOOL_SECONDS = 900

libc = ctypes.CDLL(None)


def die_with_parent():
    """In the child: killed when the bench is, however that ends."""
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def spawn(command, **options):
    return subprocess.Popen(command, preexec_fn=die_with_parent, **options)


def values(line):
    return {k: float(v) for k, v in re.findall(r"(\w+)=([-0-9.]+)", line)}


def directory_bytes(path):
    return sum(os.stat(os.path.join(d, f)).st_blocks * 512 for d, _, files in os.walk(path) for f in files)


class Tools:
    """The bench's own programs, each a process of its own."""

    def __init__(self, build):
        self.build = build

    def start(self, name, *args):
        command = [os.path.join(self.build, "tests/bench", "bench_" + name), *map(str, args)]
        return spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=TOOL_SECONDS)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(process.args)}: {out}{err}")
        sys.stderr.write(err)  # with BENCH_SHOW set
        return values(out)

    def __call__(self, name, *args):
        return self.finish(self.start(name, *args))


class Office:
    """Daemons that run in `where`. As a context: they are stopped at its end,
    and what they last said is shown when it ends badly."""

    def __init__(self, build, where, policy):
        self.build, self.where, self.policy, self.daemons = build, where, policy, {}
        self.run, self.data = os.path.join(where, "run"), os.path.join(where, "data")
        os.makedirs(where)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name in self.daemons:
                sys.stderr.write(f"--- {name}\n{self.log_tail(name)}")
        self.stop()
        shutil.rmtree(self.where, ignore_errors=True)

    def start(self, program, *flags, instance=None):
        name = instance or program
        command = [os.path.join(self.build, "bin", "kesu-" + program), "--run-dir", self.run, "--data-dir", self.data,
                   "--log-level", "warn", *flags]
        if instance:
            command += ["--instance", instance]
        if program == "intake":
            command += ["--policy-dir", self.policy]
        try:
            os.remove(os.path.join(self.run, name + ".port"))  # of an earlier life
        except FileNotFoundError:
            pass
        with open(os.path.join(self.where, name + ".log"), "ab") as log:
            self.daemons[name] = spawn(command, stdout=log, stderr=log)
        return self

    def lane(self, name):
        return f"ipc://{self.run}/{name}.ipc"

    def log_tail(self, name):
        with open(os.path.join(self.where, name + ".log"), errors="replace") as f:
            return "".join(f.readlines()[-5:])

    def get(self, name, path):
        with open(os.path.join(self.run, name + ".port")) as f:
            port = int(f.read())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.read().decode()

    def is_ready(self, name):
        if self.daemons[name].poll() is not None:
            raise RuntimeError(f"{name} ended: {self.log_tail(name)}")
        try:
            self.get(name, "/readyz")
            return True
        except (OSError, ValueError, urllib.error.URLError):
            return False

    def wait_ready(self):
        """Returns when each was first seen ready (monotonic)."""
        seen = {}

        def all_ready():
            for name in self.daemons:
                if name not in seen and self.is_ready(name):
                    seen[name] = time.monotonic()
            return len(seen) == len(self.daemons)
        wait_for(all_ready, "every daemon is ready")
        return seen

    def kesu(self, *args):
        command = [os.path.join(self.build, "bin", "kesu"), *args, "--run-dir", self.run, "--data-dir", self.data]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def wait_folded(self, seq):
        """Every fold has come to seq."""
        def folded():
            rows = [json.loads(line) for line in self.kesu("fold", "list", "--json").splitlines()]
            at = {row["daemon"]: int(row.get("folded_seq", 0)) for row in rows}
            return all(at[fold] >= seq for fold in FOLDS)
        wait_for(folded, f"every fold has come to {seq:.0f}")

    def metrics(self, name):
        found = re.findall(r"^(\w+(?:\{[^}]*\})?) ([-0-9.e+]+)$", self.get(name, "/metrics"), re.M)
        return {k: float(v) for k, v in found}

    def cpu_seconds(self):
        """CPU used so far by each daemon."""
        used = {}
        for name, process in self.daemons.items():
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(") ", 1)[1].split()
            used[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    def resident(self, name):
        """Bytes of its own memory, and of mapped files, its share of both."""
        with open(f"/proc/{self.daemons[name].pid}/smaps_rollup", encoding="ascii") as f:
            kib = {k: int(v) for k, v in re.findall(r"^(\w+): +(\d+) kB$", f.read(), re.M)}
        return kib["Pss_Anon"] * 1024, kib["Pss_File"] * 1024

    def stop(self, *names):
        ending = {name: self.daemons.pop(name) for name in reversed(names or list(self.daemons))}
        for process in ending.values():
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in ending.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(question, what, seconds=READY_SECONDS, pause=0.005):
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            raise RuntimeError(f"waited {seconds} s until {what}")
        time.sleep(pause)


def make_policy(to, agents, clocks=None):
    """The shipped policy with so many agents in each department, each of whom
    has room for 1,000 complaints; clocks: the text of another sla.yaml."""
    shutil.copytree(os.path.join(TOP, "deploy/policy"), to)
    with open(os.path.join(to, "org.yaml"), encoding="utf-8") as f:
        org = f.read()
    with open(os.path.join(to, "routing.yaml"), encoding="utf-8") as f:
        routing = f.read()
    categories = re.findall(r"\{id: ([a-z_]+)[.,].*department: (\w+)", routing)
    section = org[org.index("\ndepartments:"):org.index("\nstaff:")]
    departments = re.findall(r"^  - id: (\w+)\n(?:.*\n)*?    manager: (\w+)", section, re.M)
    if not departments or not categories:
        raise RuntimeError("the shipped policy does not read as expected")
    more = ""
    for department, manager in departments:
        skills = sorted({f"'{c}.*'" for c, d in categories if d == department})
        skills = ", ".join([*skills, "'lang:zh'", "'lang:en'"])
        for i in range(agents):
            more += (f"  - id: bench_{department}_{i}\n    name: Bench {i}\n    email: b{i}@kesu.example\n"
                     f"    department: {department}\n    manager: {manager}\n    skills: [{skills}]\n"
                     f"    capacity: 1000\n    language: en\n    agent: true\n")
    before, after = re.split(r"(?<=\nstaff:\n)", org)
    with open(os.path.join(to, "org.yaml"), "w", encoding="utf-8") as f:
        f.write(before + more + after)
    if clocks is not None:
        with open(os.path.join(to, "sla.yaml"), "w", encoding="utf-8") as f:
            f.write(clocks)
