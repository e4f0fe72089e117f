# SPDX-License-Identifier: Apache-2.0
"""A Docker of our own: its images in build/containers, its networks in a name space of their own.

Nothing of another Docker on the machine is touched, neither its images nor the
firewall. Images are built with the network of the machine; to run them the
daemon is started again where only they are, and a name server that knows nobody.
"""

import ctypes
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest
from conftest import ROOT, until

STORE = pathlib.Path(os.environ.get("KESU_CONTAINERS", ROOT / "build/containers"))
NEEDED = ["dockerd", "docker", "docker-compose", "mmdebstrap", "unshare"]
BASE = "debian:bookworm-slim"
NAME_SERVER = "192.0.2.53"
CLONE_NEWNET = 0x40000000


def run(command, seconds=600, **options):
    """Its standard output; a failure shows all it said."""
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=seconds, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout.decode()[-4000:]}\n{done.stderr.decode()[-4000:]}"
    return done.stdout.decode()


class Engine:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kesu-docker-"))
        STORE.mkdir(parents=True, exist_ok=True)
        self.lock = open(STORE / "lock", "w", encoding="ascii")  # noqa: SIM115 - held to the end
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.process = None
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KESU_", "DOCKER_", "COMPOSE_"))},
            "DOCKER_HOST": f"unix://{self.dir}/docker.sock",
            "DOCKER_BUILDKIT": "0",
            "COMPOSE_PROJECT_NAME": "kesu",
        }

    def log(self):
        path = self.dir / "dockerd.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def start(self, private):
        """private: in a network name space of its own; else without any network but the machine's."""
        command = [
            "dockerd", "--host", self.environment["DOCKER_HOST"], "--data-root", str(STORE / "docker"),
            "--exec-root", str(self.dir / "exec"), "--pidfile", str(self.dir / "pid"),
        ]  # fmt: skip
        if private:
            network = f'ip link set lo up; ip address add {NAME_SERVER}/32 dev lo; exec "$@"'
            command = ["unshare", "--net", "sh", "-c", network, "sh", *command, "--dns", NAME_SERVER]
        else:
            command += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        with open(self.dir / "dockerd.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(lambda: self.answers() or self.process.poll() is not None, lambda: f"dockerd: {self.log()}", 60)
        if self.process.poll() is not None:
            pytest.skip(f"dockerd does not run here: {self.log().strip().splitlines()[-1:]}")
        if private:
            threading.Thread(target=self.serve_names, daemon=True).start()

    def enter(self):
        """The calling thread's sockets are where the containers' networks are, from now on."""
        with open(f"/proc/{self.process.pid}/ns/net", "rb") as space:
            assert ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET) == 0, ctypes.get_errno()

    def serve_names(self):
        """Nobody is known: said at once, for who waits for an answer, as the mail server does, waits long."""
        self.enter()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((NAME_SERVER, 53))
            while True:
                question, client = server.recvfrom(4096)
                server.sendto(question[:2] + b"\x81\x83\x00\x01" + bytes(6) + question[12:], client)

    def answers(self):
        command = ["docker", "version"]
        return subprocess.run(command, env=self.environment, capture_output=True, timeout=30, check=False).returncode == 0

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def close(self):
        self.stop()
        for left in self.dir.glob("exec/netns/*"):
            subprocess.run(["umount", left], capture_output=True, check=False)
        self.lock.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def docker(self, *arguments, seconds=600, stdin=None):
        return run(["docker", *arguments], seconds, env=self.environment, input=stdin).strip()

    def inspect(self, what, template):
        return self.docker("inspect", "--format", template, what)

    def has_image(self, name):
        return self.docker("images", "--quiet", name) != ""

    def make_base(self):
        """Debian's slim image is a minbase without documentation, and its dpkg does not sync each file: made here,
        since no registry may be in reach."""
        if self.has_image(BASE):
            return
        tar = STORE / "base.tar"
        if not tar.exists():
            part = STORE / "base.part.tar"
            run(["mmdebstrap", "--variant=minbase", "--dpkgopt=path-exclude=/usr/share/man/*",
                 "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                 "--dpkgopt=force-unsafe-io", "bookworm", part])  # fmt: skip
            part.rename(tar)
        self.docker("import", tar, BASE)

    def build(self, target, tag, context, *arguments):
        """context: a directory, or a tar of one."""
        command = ["build", "--network", "host", "--file", "deploy/Dockerfile", "--target", target, "--tag", tag]
        if isinstance(context, bytes):
            self.docker(*command, *arguments, "-", stdin=context)
        else:
            self.docker(*command, *arguments, context)


def missing():
    """What a machine lacks to run this, or nothing."""
    if os.geteuid() != 0:
        return "root"
    lacking = [program for program in NEEDED if not shutil.which(program)]
    # A daemon starts without that privilege too, and fails at its first image.
    if not lacking and subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False).returncode:
        lacking = ["to be allowed name spaces of its own"]
    return ", ".join(lacking)
