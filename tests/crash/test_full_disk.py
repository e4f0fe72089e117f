# SPDX-License-Identifier: Apache-2.0
"""All data on a small file system that fills up: what is refused, what goes on, and what is there afterwards."""

import os
import subprocess
import threading

import kesu_client
import pytest
from audit import Driver, check_done_once
from conftest import BIN, quick_policy, until
from kesu.v1 import command_pb2

MIB = 1 << 20
SIZE, RESERVE = 128 * MIB, 4 * MIB
EX_OK, EX_TEMPFAIL = 0, 75
FOLDS = ["routing", "sla-watch", "notification", "analytics"]


@pytest.fixture
def small(office):
    """The data directory is a file system of SIZE bytes; mail goes into a Maildir on it."""
    office.data.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "kesu-small", office.data], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs to be allowed to mount a file system")
    office.settings["notification"] = [
        "--maildir", str(office.data / "Sent"), "--language-wait", "0s", "--retry-after", ",".join(["1s"] * 30),
    ]
    try:
        yield office
        office.stop()
    finally:
        for process in office.processes.values():
            process.kill()
            process.wait()
        office.processes = {}
        subprocess.run(["umount", office.data], check=True)


def start(office, reserve):
    """With so much of a reserve."""
    intake = ["--ballast", "1MiB", "--segment-bytes", "64KiB", "--key-pool", "64"]
    office.settings["intake"] = ["--policy-dir", str(quick_policy(office.dir)), *intake]
    for name in ["intake", "routing-worker", *FOLDS]:
        office.settings[name] = [*office.settings.get(name, []), "--storage-reserve", str(reserve)]
    office.start_all()
    office.agents_present()


def free(office):
    st = os.statvfs(office.data)
    return st.f_bavail * st.f_frsize


def leave(office, n):
    """Something else takes all room but n bytes."""
    path = office.data / "other"
    with path.open("ab") as file:
        while free(office) > n:
            try:
                os.write(file.fileno(), bytes(min(MIB, free(office) - n)))
            except OSError:
                return  # there is none


def make_room(office):
    (office.data / "other").unlink()


def refusal(office):
    """What a new case is answered."""
    lane = office.lane(client="asks")
    try:
        return lane.ask_one(kesu_client.receive_message("is there room?", anonymous=True)).refused
    finally:
        lane.close()


def people_work(office, case_id):
    """A note, as people who finish their work add it."""
    lane = office.lane("intake-people", client="people")
    try:
        body = command_pb2.AddNote(case_id=case_id, text="spoken to")
        return lane.ask_one(kesu_client.command(add_note=body)).WhichOneof("result") == "accepted"
    finally:
        lane.close()


def raw_mail(n):
    """With evidence."""
    return (
        f"From: m{n}@example.com\r\nTo: c@example.com\r\nSubject: wet\r\nMessage-ID: <{n}@example.com>\r\n"
        "Date: Sun, 22 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee there\r\n"
        "--x\r\nContent-Type: image/png; name=a.png\r\n\r\n" + f"evidence {n} " * 20000 + "\r\n--x--\r\n"
    ).encode()


def pipe(office, n):
    """A mail through the pipe of an MTA; its exit code."""
    return subprocess.run(
        [BIN / "kesu-email", "--pipe", "--run-dir", office.run, "--data-dir", office.data, "--pipe-timeout", "2s"],
        input=raw_mail(n), capture_output=True, timeout=60, check=False,
    ).returncode


def cases_by_mail(office):
    reader = office.journal()
    try:
        return sum(e.name == "case_opened" and e.event.client != "load" for e in reader.all(60))
    finally:
        reader.close()


def says(office, name, text, times=1):
    until(lambda: office.log(name).count(text) >= times, lambda: f"{name} says '{text}':\n{office.log(name)[-1500:]}", 60)


def check_after(office, driver):
    check_done_once(office, driver)
    for name in office.processes:
        assert office.log(name).count("\n") < 400, f"{name} fills its log:\n{office.log(name)[-1500:]}"


def test_below_the_reserve_what_is_there_is_finished_and_nothing_new_begun(small):
    start(small, RESERVE)
    driver = Driver(small, small.data / "Sent")
    assert driver.open_cases(40)
    case = next(iter(driver.ledger.values())).case_id
    small.wait_folded(*FOLDS)

    leave(small, RESERVE + RESERVE // 2)
    until(lambda: driver.open_cases() and "pausing" in small.log("sla-watch"), "folds pause, intake goes on")
    folded = small.info("sla-watch").folded_seq

    leave(small, RESERVE // 2)
    until(lambda: refusal(small).code == command_pb2.E_STORAGE_LOW, "new cases are refused")
    assert refusal(small).disposition == command_pb2.DISPOSITION_RETRY
    assert pipe(small, 1) == EX_TEMPFAIL
    assert people_work(small, case), "who finishes a case may do so"
    assert small.info("sla-watch").folded_seq == folded < small.info("intake").head_seq

    waits = threading.Thread(target=driver.open_cases, daemon=True)  # asks until it is taken
    waits.start()
    make_room(small)
    waits.join(60)
    assert not waits.is_alive() and not driver.waiting
    assert pipe(small, 1) == EX_OK
    check_after(small, driver)


def test_a_disk_that_is_full_loses_nothing(small):
    start(small, 0)
    maildir = small.dir / "Maildir"
    for part in ("tmp", "new", "cur"):
        (maildir / part).mkdir(parents=True)
    small.start("email", "--maildirs", f"c@example.com={maildir}")
    driver = Driver(small, small.data / "Sent")
    assert driver.open_cases(40)
    leave(small, 0)
    filling = threading.Thread(target=driver.open_cases, args=(400,), daemon=True)
    filling.start()
    says(small, "intake", "journal: no space left")
    assert pipe(small, 1) == EX_TEMPFAIL
    (maildir / "tmp/2").write_bytes(raw_mail(2))
    (maildir / "tmp/2").rename(maildir / "new/2")
    leave(small, 0)  # what the ballast gave back, too
    assert all(process.poll() is None for process in small.processes.values()), "nobody ended"
    make_room(small)
    filling.join(60)
    assert not filling.is_alive() and not driver.waiting
    assert pipe(small, 1) == EX_OK
    until(lambda: cases_by_mail(small) == 2, "the mail in the Maildir is a case, too")
    assert not list((maildir / "new").iterdir()), "and taken"
    check_after(small, driver)


def test_a_start_on_a_full_disk_says_so_and_is_made_again(small):
    start(small, 0)
    driver = Driver(small, small.data / "Sent")
    assert driver.open_cases(40)
    small.wait_folded(*FOLDS)
    for name in list(small.processes):
        small.kill(name)
    leave(small, 0)
    for name in ["intake", *FOLDS]:
        process = small.start(name, wait=False)
        until(lambda n=name, p=process: p.poll() is not None or small.http(n, "/healthz")[0] == 200, f"{name} starts")
        assert process.poll() is None or process.poll() > 0, f"{name} ended with {process.poll()}:\n{small.log(name)[-1500:]}"
        small.kill(name)
    make_room(small)
    small.start_all()
    assert driver.open_cases(4)
    check_after(small, driver)
