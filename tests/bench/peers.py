# SPDX-License-Identifier: Apache-2.0
"""Message stores of others that are found installed, with the same texts.

A peer's `produce` is one durable write, as accepting is. In its `pipeline` each
message is written as often as a complaint in ours: as received, as classified,
as assigned; each time taken out, put on, and acknowledged. `hop` is one write,
taken out and acknowledged, and nothing else.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

from office import STOP_SECONDS, spawn, values, wait_for

HOPS = 3
TOOL_SECONDS = 600


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A peer's server in a directory of its own."""

    def __init__(self, name, command, where, port):
        self.name, self.where = name, where
        self.log = open(os.path.join(where, "log"), "wb")
        self.process = spawn(command, stdout=self.log, stderr=self.log, cwd=where)
        wait_for(lambda: self.is_up(port), f"{name} answers")

    def is_up(self, port):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: see {self.where}/log")
        return answers(port)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def start_nats(where, port):
    path = os.path.join(where, "conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{where}/js" }}\n')
    return ["nats-server", "-c", path], str(port)


def redis(sync):
    def start(where, port):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", where, "--save", "",
                "--appendonly", "yes", "--appendfsync", sync], str(port)
    return start


def beanstalkd(*sync):
    def start(where, port):
        return ["beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-b", where, *sync], str(port)
    return start


def start_postgresql(where, port):
    """It does not run as root."""
    programs = os.path.dirname(which_postgres())
    run_as = []
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(where, user.pw_uid, user.pw_gid)
        run_as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = os.path.join(where, "data")
    made = subprocess.run([*run_as, os.path.join(programs, "initdb"), "-D", data, "-A", "trust", "-U", "bench"],
                          capture_output=True, text=True, check=False, cwd=where)
    if made.returncode != 0:
        raise RuntimeError(f"initdb: {made.stdout}{made.stderr}")
    command = [*run_as, os.path.join(programs, "postgres"), "-D", data, "-k", where, "-p", str(port), "-c",
               "listen_addresses=127.0.0.1"]
    return command, f"host={where} port={port} user=bench dbname=postgres"


def which_postgres():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    return found[-1] if found else None


# Name in figures, driver, is it there, how it is started, messages (quick, full).
PEERS = [
    ("nats_jetstream", "nats", lambda: shutil.which("nats-server"), start_nats, (20480, 102400)),
    ("redis_everysec", "redis", lambda: shutil.which("redis-server"), redis("everysec"), (20480, 102400)),
    ("redis_always", "redis", lambda: shutil.which("redis-server"), redis("always"), (20480, 102400)),
    ("beanstalkd_f50", "beanstalkd", lambda: shutil.which("beanstalkd"), beanstalkd("-f", "50"), (10240, 51200)),
    ("beanstalkd_f0", "beanstalkd", lambda: shutil.which("beanstalkd"), beanstalkd("-f", "0"), (1024, 5120)),
    ("postgresql", "postgresql", which_postgres, start_postgresql, (20480, 102400)),
]


def measure(bench, name, program, start, count):
    where = tempfile.mkdtemp(prefix=name, dir=bench.where)
    os.chmod(bench.where, 0o711)  # for a server that runs as somebody else
    port = free_port()
    command, address = start(where, port)
    server = Server(name, command, where, port)
    try:
        done = subprocess.run([program, address, str(count), str(HOPS)], capture_output=True, text=True,
                              timeout=TOOL_SECONDS, check=False)
    finally:
        server.stop()
        shutil.rmtree(where, ignore_errors=True)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")
    return values(done.stdout)


def run(bench):
    figures = bench.figures
    accept, pipeline = (figures.limit(name, 0) for name in ("accept_rate", "pipeline_rate"))
    measured = 0
    for name, driver, found, start, sizes in PEERS:
        program = os.path.join(bench.build, "tests/bench/peers", "peer_" + driver)
        if not found() or not os.path.exists(program):
            print(f"# peers: {name} is not installed")
            continue
        got = measure(bench, name, program, start, bench.size(*sizes))
        measured += 1
        for what in ("produce", "consume", "hop", "pipeline"):
            figures.add(f"peer_{what}.{name}", got[what], "messages/s", got["produce"], "peer_produce." + name)
        if accept and pipeline:
            figures.add("accept_rate." + name, accept, "complaints/s", got["produce"], "peer_produce." + name)
            figures.add("pipeline_rate." + name, pipeline, "complaints/s", got["pipeline"], "peer_pipeline." + name)
            figures.add("pipeline_rate_one_hop." + name, pipeline, "complaints/s", got["hop"], "peer_hop." + name)
    if measured == 0:
        raise RuntimeError("no peer is installed: deploy/install-deps peers")
