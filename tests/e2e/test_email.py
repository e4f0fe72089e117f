# SPDX-License-Identifier: Apache-2.0
"""Mail through the pipe an MTA uses, and through a Maildir."""

import hashlib
import os
import pathlib
import subprocess
import tarfile
from collections import Counter

import pytest
from conftest import BIN, until

EX_OK, EX_TEMPFAIL = 0, 75
OFFICE = "complaints@example.com"


def mail(text="The parcel came wet.", sender="wang@example.com", message_id="one@example.com", headers=""):
    return (
        f"From: Wang <{sender}>\r\nTo: {OFFICE}\r\nSubject: parcel\r\nMessage-ID: <{message_id}>\r\n"
        f"Date: Sun, 22 Nov 2026 10:00:00 +0800\r\n{headers}\r\n{text}\r\n"
    ).encode()


def pipe(office, raw, *flags, mailbox=OFFICE, timeout="10s"):
    done = subprocess.run(
        [str(BIN / "kesu-email"), "--pipe", "--run-dir", str(office.run), "--data-dir", str(office.data),
         "--mailbox", mailbox, "--pipe-timeout", timeout, *flags],
        input=raw, capture_output=True, timeout=60, check=False,
    )
    return done.returncode


def journal_events(office):
    reader = office.journal()
    events = reader.all()
    reader.close()
    return events


def opened(office):
    return [e for e in journal_events(office) if e.name == "case_opened"]


def added(office):
    return [e for e in journal_events(office) if e.name == "message_added"]


def kept(office, folder):
    """Reasons of what is kept beside."""
    return [p.read_text().strip() for p in sorted((office.data / "email" / folder).glob("*.reason"))]


def test_pipe_says_yes_only_after_intake(office):
    assert pipe(office, mail(), timeout="500ms") == EX_TEMPFAIL
    office.start("intake")
    assert pipe(office, mail()) == EX_OK
    assert len(opened(office)) == 1


def test_pipe_keeps_the_mail_while_intake_hangs(office):
    office.start("intake")
    office.freeze("intake")
    assert pipe(office, mail(), timeout="1s") == EX_TEMPFAIL
    office.thaw("intake")
    assert pipe(office, mail()) == EX_OK
    assert len(opened(office)) == 1, "the mail of the first try and of the second are one case"


def test_same_mail_twice_is_one_case_to_two_mailboxes_two(office):
    office.start("intake")
    for _ in range(2):
        assert pipe(office, mail()) == EX_OK
    assert pipe(office, mail(), mailbox="claims@example.com") == EX_OK
    assert len(opened(office)) == 2


def test_reply_joins_by_tag_and_by_thread(office):
    office.start("intake")
    assert pipe(office, mail()) == EX_OK
    case = opened(office)[0]
    tag = case.body.reply_tag
    assert pipe(office, mail("by thread", message_id="two@x", headers="In-Reply-To: <one@example.com>\r\n")) == EX_OK
    tagged = mail("by address", message_id="three@x").replace(b"To: complaints@", f"To: complaints+{tag}@".encode())
    assert pipe(office, tagged) == EX_OK
    subject = mail("by subject", message_id="four@x").replace(b"Subject: ", f"Subject: Re: [{tag}] ".encode())
    assert pipe(office, subject) == EX_OK
    assert [e.case_id for e in added(office)] == [case.seq] * 3
    assert len(opened(office)) == 1


def test_unknown_sender_and_forged_tag_never_join(office):
    office.start("intake")
    assert pipe(office, mail()) == EX_OK
    case = opened(office)[0]
    stranger = mail("let me in", sender="eve@evil.example", message_id="e1@x", headers="References: <one@example.com>\r\n")
    assert pipe(office, stranger) == EX_OK
    forged = case.body.reply_tag[:-4] + "aaaa"
    assert pipe(office, mail("forged", message_id="e2@x").replace(b"complaints@", f"complaints+{forged}@".encode())) == EX_OK
    assert added(office) == []
    cases = opened(office)
    assert len(cases) == 3
    assert cases[1].body.suspected_case == case.seq, "a person sees whose case the stranger named"


def test_automatic_mail_is_recorded_but_flagged_and_bounces_open_nothing(office):
    office.start("intake")
    assert pipe(office, mail(headers="Precedence: bulk\r\n")) == EX_OK
    assert [e.body.automatic for e in opened(office)] == [True]
    bounce = mail("undeliverable", message_id="b@x", headers="Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n")
    assert pipe(office, bounce) == EX_OK
    assert pipe(office, mail(message_id="b2@x"), "--sender", "<>") == EX_OK
    assert len(opened(office)) == 1
    assert len(kept(office, "automatic")) == 2
    vacation = mail("away", sender="wang@example.com", message_id="v@x",
                    headers="Auto-Submitted: auto-replied\r\nIn-Reply-To: <one@example.com>\r\n")
    assert pipe(office, vacation) == EX_OK
    assert [e.body.automatic for e in added(office)] == [True], "an automatic answer joins the case it names"


def test_attachment_is_kept_by_its_content(office):
    office.start("intake")
    raw = mail(headers="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n",
               text="--x\r\nContent-Type: text/plain\r\n\r\nsee photo\r\n"
                    "--x\r\nContent-Type: image/png; name=box.png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--")
    assert pipe(office, raw) == EX_OK
    blobs = [p for p in (office.data / "blobs").rglob("*") if p.is_file() and p.name != "key"]
    assert len(blobs) == 1
    assert b"hello" not in blobs[0].read_bytes(), "evidence is sealed"


def deliver(maildir, name, raw):
    (maildir / "tmp").mkdir(parents=True, exist_ok=True)
    (maildir / "new").mkdir(parents=True, exist_ok=True)
    (maildir / "tmp" / name).write_bytes(raw)
    os.rename(maildir / "tmp" / name, maildir / "new" / name)


def start_maildir(office, maildir):
    office.start("email", "--maildirs", f"{OFFICE}={maildir}")


def waiting(maildir):
    return list((maildir / "new").iterdir())


def test_maildir_goes_on_after_a_huge_file(office):
    maildir = office.dir / "Maildir"
    deliver(maildir, "1", b"")
    os.truncate(maildir / "new/1", 65 << 20)
    deliver(maildir, "2", mail())
    office.start("intake")
    start_maildir(office, maildir)
    until(lambda: not waiting(maildir), "both taken")
    assert {path.name for path in (maildir / "cur").iterdir()} == {"1:2,S", "2:2,S"}
    (kept,) = (office.data / "email/aside").glob("*.mail")
    assert kept.read_text() == str(maildir / "cur/1:2,S")
    assert "too large" in kept.with_suffix(".reason").read_text()


def test_maildir_goes_on_after_a_poison_mail(office):
    maildir = office.dir / "Maildir"
    deliver(maildir, "1", mail())
    deliver(maildir, "2", b"\x00\x01not a mail")
    deliver(maildir, "3", mail(message_id="three@x"))
    office.start("intake")
    start_maildir(office, maildir)
    until(lambda: not waiting(maildir), lambda: f"{waiting(maildir)} left in new/")
    assert len(opened(office)) == 2
    assert kept(office, "aside") == ["no mail: it has none of the headers a mail has"]


def test_maildir_waits_for_intake_and_survives_kill(office):
    maildir = office.dir / "Maildir"
    for i in range(300):
        deliver(maildir, f"{i:04}", mail(message_id=f"{i}@x"))
    office.start("email", "--maildirs", f"{OFFICE}={maildir}")
    assert len(waiting(maildir)) == 300, "nothing is taken while intake is away"
    office.start("intake")
    until(lambda: len(waiting(maildir)) < 250, "some are taken")
    office.kill("email")
    start_maildir(office, maildir)
    until(lambda: not waiting(maildir), lambda: f"{len(waiting(maildir))} left in new/")
    assert len(opened(office)) == 300


def test_every_mail_of_the_corpus_has_an_outcome(office):
    data = os.environ.get("KESU_DATA")
    if not data:
        pytest.skip("KESU_DATA is not set")
    maildir = office.dir / "Maildir"
    files = 0
    raws = []
    with tarfile.open(pathlib.Path(data) / "mails.tar.xz") as tar:
        for member in tar:
            if member.isfile():
                raws.append(tar.extractfile(member).read())
                deliver(maildir, f"{files:05}", raws[-1])
                files += 1
    assert files > 1000
    office.start("intake")
    start_maildir(office, maildir)
    until(lambda: not waiting(maildir), lambda: f"{len(waiting(maildir))} left in new/", seconds=180)
    outcomes = Counter()
    for line in office.http("email", "/metrics")[1].splitlines():
        if line.startswith("kesu_email_mails_total{"):
            outcomes[line.split('"')[1]] = int(float(line.split()[-1]))
    later = outcomes.pop("later", 0)
    print(f"mails: {files}, outcomes: {dict(outcomes)}, put off: {later}")
    assert sum(outcomes.values()) == files
    assert outcomes["opened"] > 0 and outcomes["automatic"] > 0 and outcomes["aside"] > 0 and outcomes["joined"] > 0
    events = Counter(e.name for e in journal_events(office))
    # Kept beside under the hash of its bytes; the same bytes may have come more than once.
    beside = {path.stem for path in (office.data / "email" / "automatic").glob("*.mail")}
    not_taken = sum(hashlib.blake2b(raw, digest_size=32).digest()[:16].hex() in beside for raw in raws)
    assert not_taken > 0
    taken = outcomes["opened"] + outcomes["joined"] + outcomes["automatic"] - not_taken
    assert events["case_opened"] + events["message_added"] == taken
    assert 0 < len(kept(office, "aside")) <= outcomes["aside"]
