# SPDX-License-Identifier: Apache-2.0
"""System calls that fail (libfiu's preload): a daemon refuses or ends, and nothing is lost or told twice.

FAULTS (20) times a call fails in a daemon while cases come in, half as often at the start of intake.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import kesu_client
import pytest
from audit import Driver, check_done_once
from conftest import DAEMONS, quick_policy, until

FAULTS = int(os.environ.get("FAULTS", "20"))
STARTS = FAULTS // 2
LIBRARIES = pathlib.Path("/usr/lib/fiu")
BETWEEN_AUDITS = 30
BATCHES = 8  # of cases while a fault is on
EIO, EMFILE, ENOSPC, ENOMEM = 5, 24, 28, 12
DIED, ABORTED, NOT_STARTED, STOPPED = 70, -signal.SIGABRT, 69, 1

ENDS = [  # whoever cannot write or sync must not go on
    ("posix/io/sync/fdatasync", 1, EIO),
    ("posix/io/sync/fdatasync", 0.2, EIO),
    ("posix/io/rw/pwrite", 1, EIO),
    ("posix/io/rw/writev", 1, EIO),
    ("posix/io/rw/pwrite/reduce", 1, 0),
]
MAY_END = [
    ("posix/io/rw/writev/reduce", 0.3, 0),
    ("posix/io/rw/pwrite", 0.2, 0),
    ("posix/io/oc/open", 0.3, EMFILE),
    ("posix/io/oc/open", 0.2, 0),
    ("posix/io/dir/rename", 0.5, EIO),
    ("posix/io/sync/fsync", 0.3, EIO),
    ("posix/mm/mmap", 0.5, ENOMEM),
    ("libc/mm/malloc", 0.002, ENOMEM),
    ("libc/mm/realloc", 0.002, ENOMEM),
    ("posix/io/net/*", 0.05, 0),
]

PAUSES = [("posix/io/rw/writev", 0.3, ENOSPC)]  # of folds; intake's full disk has a test of its own

pytestmark = pytest.mark.skipif(
    not (LIBRARIES / "fiu_posix_preload.so").exists() or shutil.which("fiu-ctrl") is None, reason="needs fiu-utils"
)


def enabled(name, probability, number):
    info = f",failinfo={number}" if number else ""
    return f"enable_random name={name},probability={probability}{info}"


def control(office, daemon, command):
    """Nobody reads it when the daemon ends meanwhile."""
    process = office.processes[daemon]
    told = subprocess.Popen(
        ["fiu-ctrl", "-c", command, "-f", str(office.dir / "fiu"), str(process.pid)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    until(lambda: told.poll() is not None or process.poll() is not None, f"{daemon} is told {command}")
    told.kill()
    told.wait()


def check_end(office, daemon, fault):
    """How it ended, None when it goes on; never by a bad access."""
    status = office.processes[daemon].poll()
    allowed = (None, DIED, ABORTED, NOT_STARTED, STOPPED)
    assert status in allowed, f"{daemon} ended with {status} under {fault}:\n{office.log(daemon)[-3000:]}"
    return status


def start(office, name):
    """Until it is ready or has ended. libfiu may stand still while threads begin: it looks functions up with its own
    lock held, against the loader's lock of a thread that loads a library. Such a start is made again."""
    for _ in range(5):
        process = office.start(name, wait=False)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if process.poll() is not None or office.http(name, "/readyz")[0] == 200:
                return process
            time.sleep(0.01)
        office.kill(name)
    pytest.fail(f"{name} does not start:\n{office.log(name)[-2000:]}")


def start_all(office):
    for name in DAEMONS:
        assert start(office, name).poll() is None, office.log(name)[-2000:]


@pytest.fixture
def faulty(office):
    """Daemons whose calls can be made to fail, mail into a Maildir."""
    preload = [LIBRARIES / "fiu_run_preload.so", LIBRARIES / "fiu_posix_preload.so"]
    office.environment = {
        "LD_PRELOAD": " ".join(map(str, preload)), "FIU_CTRL_FIFO": str(office.dir / "fiu"), "FIU_ENABLE": "",
    }
    intake = ["--ballast", "0", "--storage-reserve", "0", "--segment-bytes", "64KiB", "--key-pool", "64"]
    office.settings = {
        "intake": ["--policy-dir", str(quick_policy(office.dir)), *intake],
        "notification": [
            "--maildir", str(office.dir / "Sent"), "--language-wait", "0s", "--retry-after", ",".join(["1s"] * 20),
        ],
    }
    return office


def under(office, driver, daemon, fault):
    """Cases come in until the daemon has ended or gone through all of them; then it is well again."""
    control(office, daemon, enabled(*fault))
    for _ in range(BATCHES):
        if not driver.open_cases() or check_end(office, daemon, fault) is not None:
            break
    await_fold(office, daemon, fault)
    if fault in ENDS:
        until(lambda: check_end(office, daemon, fault) is not None, f"{daemon} ends under {fault}")
        assert check_end(office, daemon, fault) == DIED, office.log(daemon)[-2000:]
    else:
        control(office, daemon, f"disable name={fault[0]}")
    if check_end(office, daemon, fault) is not None:
        office.kill(daemon)
        assert start(office, daemon).poll() is None, office.log(daemon)[-2000:]
    assert driver.settle()


def await_fold(office, daemon, fault):
    """Until it has met the fault, or has folded everything in spite of it. One that pauses goes on later."""
    if daemon == "intake" or fault in PAUSES:
        return
    head = office.info("intake").head_seq

    def met():
        try:
            return check_end(office, daemon, fault) is not None or office.info(daemon).folded_seq >= head
        except kesu_client.NoAnswer:
            return False

    until(met, lambda: f"{daemon} goes on or ends under {fault}: {office.log(daemon)[-2000:]}", 60)


def test_a_failing_call_ends_or_refuses_and_loses_nothing(faulty):
    """The first faults are on intake, syncs of it and of notification: also of a short form."""
    faults = {name: ENDS + MAY_END + PAUSES for name in ("notification", "sla-watch", "routing")}
    faults["intake"] = ENDS + MAY_END
    first = [(name, fault) for name in ("intake", "notification") for fault in (ENDS[0], ENDS[2])]
    rest = [(name, fault) for name in faults for fault in faults[name] if (name, fault) not in first]
    dice = random.Random("faults")
    chosen = first + [pair for _ in range(1 + FAULTS // len(rest)) for pair in dice.sample(rest, len(rest))]
    start_all(faulty)
    faulty.agents_present()
    driver = Driver(faulty, faulty.dir / "Sent")
    for i, (daemon, fault) in enumerate(chosen[:FAULTS], 1):
        under(faulty, driver, daemon, fault)
        if i % BETWEEN_AUDITS == 0 or i == FAULTS:
            check_done_once(faulty, driver)


def test_a_start_that_fails_can_be_made_again(faulty):
    """From an empty directory on: each start is ready or ends with a status, and the next finds all of before."""
    driver = Driver(faulty, faulty.dir / "Sent")
    ready = 0
    names = ["oc/open", "rw/pwrite", "rw/writev", "rw/pread", "rw/ftruncate", "dir/rename", "dir/opendir"]
    faults = [f"posix/io/{name}" for name in names] + ["posix/io/sync/fsync", "posix/io/sync/fdatasync", "posix/mm/mmap"]
    for i in range(STARTS):
        faulty.environment["FIU_ENABLE"] = "\n".join(enabled(name, 0.02 * (i % 3), 0) for name in faults)
        process = start(faulty, "intake")
        check_end(faulty, "intake", "faults at the start")
        if process.poll() is None and driver.open_cases():
            ready += 1
        check_end(faulty, "intake", "faults after the start")
        faulty.kill("intake")
    faulty.environment["FIU_ENABLE"] = ""
    assert ready >= STARTS // 3
    start_all(faulty)
    faulty.agents_present()
    driver.settle()
    check_done_once(faulty, driver)
