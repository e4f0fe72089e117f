# SPDX-License-Identifier: Apache-2.0
"""Backup of a running office, loss, restore: what was in it is all there, what went further notices."""

import os
import re
import shutil
import subprocess
import threading

import kesu_client
import personal
from conftest import BIN, until
from kesu.v1 import command_pb2, query_pb2
from test_email import pipe
from test_erasure import SHE, Person, ask, sealed_events, slots, told
from test_notification import letters
from test_office import policy_by_maildir

FOLDS = ("routing", "sla-watch", "notification", "analytics")


class Vault:
    """Where the backups go."""

    def __init__(self, office):
        self.office = office
        self.dir = office.dir / "backup"
        self.keys = office.dir / "safe" / "keys"
        self.keys.parent.mkdir()
        self.passphrase = office.dir / "safe" / "passphrase"
        self.passphrase.write_text("a horse, a battery, a staple\n")

    def backup(self, keys=True):
        flags = ["--keys", str(self.keys), "--passphrase-file", str(self.passphrase)] if keys else []
        return self.office.kesu("backup", str(self.dir), *flags)

    def lose(self, folds=False):
        """The disk of intake is gone; with folds: all disks."""
        self.office.stop()
        for path in list(self.office.data.iterdir()):
            if folds or path.name in ("intake", "blobs"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self, *flags, status=0):
        keys = ["--keys", str(self.keys), "--passphrase-file", str(self.passphrase)]
        return self.office.kesu("restore", str(self.dir), "--reason", "the disk broke", *keys, *flags, status=status)


def submit(office, words, **more):
    command = kesu_client.receive_message(words, email=f"{words.replace(' ', '.')}@customer.example", **more)
    return ask(office, command, "intake-new")


class Load:
    """Complaints, one after the other, until it is told to stop."""

    def __init__(self, office):
        self.office, self.taken, self.ended = office, [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        lane = self.office.lane(client="load")
        while not self.ended.is_set():
            reply = lane.ask_one(kesu_client.receive_message(f"wet parcel {len(self.taken)}", email="load@customer.example"))
            self.taken.append(reply.accepted)
        lane.close()

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.taken


def receipts(office):
    """Case number -> how many receipts went out."""
    found = {}
    for path in (office.dir / "Sent").glob("new/*"):
        number = re.search(rb"\d{4}-\d{6,}", path.read_bytes()).group().decode()
        found[number] = found.get(number, 0) + 1
    return found


def start(office):
    office.settings["intake"] = ["--policy-dir", str(policy_by_maildir(office.dir / "policy"))]
    office.settings["notification"] = ["--maildir", str(office.dir / "Sent"), "--language-wait", "0s"]
    office.start_all()


def test_everything_in_the_backup_is_there_and_readers_notice_the_loss(office):
    start(office)
    vault = Vault(office)
    cases = [submit(office, f"complaint number {i}") for i in range(30)]
    evidence = b"a photo of the parcel " * 50
    assert pipe(office, Person(**SHE).mail(evidence, b"form")) == 0
    until(lambda: len(receipts(office)) == 31, lambda: f"receipts: {len(receipts(office))}")
    assert ", 0 new;" not in vault.backup()
    load = Load(office)
    until(lambda: len(load.taken) > 20, "load")
    office.freeze("notification")  # what it tells from here on is told after the backup
    told_later = [submit(office, f"told later {i}") for i in range(3)]
    printed = vault.backup()
    head = int(re.search(r"event (\d+)", printed).group(1))
    backed_up = cases + told_later + [a for a in load.end() if a.case_id <= head]
    assert all(a.case_id <= head for a in told_later) and len(backed_up) > 53
    office.thaw("notification")
    late = kesu_client.receive_message("came too late", email="late@customer.example")
    lost = [ask(office, late, "intake-new")] + [submit(office, f"lost {i}") for i in range(20)]
    assert all(a.case_id > head for a in lost)
    numbers = {a.number for a in told_later} | {lost[-1].number}
    until(lambda: numbers <= set(receipts(office)), "receipts after the backup")
    office.wait_folded(*FOLDS)
    sent = receipts(office)
    later = office.dir / "later"
    further = int(re.search(r"event (\d+)", office.kesu("backup", str(later))).group(1))
    vault.lose()

    # The folds' stores are there and ahead of what comes back.
    assert f"up to event {head}" in vault.restore()
    assert not personal.find([vault.dir], {"text": "complaint number 7"}), "the backup is sealed"
    office.start_all()
    office.wait_folded(*FOLDS)
    for fold in FOLDS:
        assert "restored or other journal" in office.log(fold)
        office.kesu("fold", "verify", fold)
    assert "intact" in office.kesu("journal", "verify")
    for i, accepted in enumerate(cases):
        detail = office.case(accepted.case_id, personal=True)
        assert detail.state.number == accepted.number
        assert f"complaint number {i}".encode() in b"".join(detail.opened)
    assert {office.case(a.case_id).state.number for a in backed_up} == {a.number for a in backed_up}
    blobs = [p for p in (office.data / "blobs").rglob("*") if p.is_file()]
    assert len(blobs) == 3, "key, evidence, form"

    # Nothing was sent a second time; what may have been is left to a person.
    until(lambda: {a.case_id for a in told_later} <= {x.case_id for x in letters(office) if x.held}, "held letters")
    assert receipts(office) == sent
    # A command of the lost time is taken again, and gets a number nobody had.
    again = ask(office, late, "intake-new")
    assert not again.duplicate
    given = {a.number for a in backed_up} | {a.number for a in lost}
    fresh = submit(office, "after the restore")
    assert not {again.number, fresh.number} & given
    until(lambda: {again.number, fresh.number} <= set(receipts(office)), "receipts of new cases")
    assert office.stats().opened == len({c for c in backed_up_ids(office)})
    office.kesu("deadletters", "resend", "all")
    until(lambda: not letters(office), "the held ones sent at a person's word")

    # The restored office goes on in the backup it came from, and in no other.
    assert ", 0 new;" not in vault.backup()
    assert "take another directory" in stderr_of(office, "backup", str(later), status=65)
    lane = office.lane()
    while office.info("intake").head_seq <= further:
        lane.ask([kesu_client.receive_message(f"much later {i}", email="m@customer.example") for i in range(100)])
    lane.close()
    assert "another journal" in stderr_of(office, "backup", str(later), status=65)


def backed_up_ids(office):
    found, before = [], 0
    while True:
        listed = office.control("intake", list_cases=query_pb2.ListCases(limit=1000, before_case=before))
        found += [c.case_id for c in listed.cases]
        before = listed.next_before
        if not before:
            return found


def stderr_of(office, *arguments, status):
    done = subprocess.run(
        [str(BIN / "kesu"), "--run-dir", str(office.run), "--data-dir", str(office.data), *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == status, done
    return done.stderr


def test_a_person_erased_after_the_copy_of_the_keys_stays_erased(office):
    office.start("intake")
    vault = Vault(office)
    she = Person(**SHE)
    assert pipe(office, she.mail(she.evidence, b"form")) == 0
    case_id = backed_up_ids(office)[0]
    secret_of = slots(office)
    keys = {str(one.key_id): secret_of(one.key_id) for one in sealed_events(office, {case_id})}
    other = submit(office, "somebody else")
    vault.backup()
    assert len(list((vault.dir / "blobs").rglob("*/*"))) == 2
    assert not personal.find([vault.dir, vault.keys.parent], {**keys, **she.said}), "the copies are sealed"
    ask(office, kesu_client.command(erase_customer=command_pb2.EraseCustomer(case_id=case_id, reason="test")))
    vault.backup(keys=False)
    assert not list((vault.dir / "blobs").rglob("*/*")), "evidence goes from the backup with the next run"
    vault.lose(folds=True)
    vault.restore()
    assert personal.find([office.data], keys), "the copy of the keys is older"
    office.start("intake")
    assert not personal.find([office.data], keys)
    assert told(office, {case_id}) == b"" and told(office, {other.case_id})


def test_cases_younger_than_the_copy_of_the_keys_are_there_without_their_text(office):
    office.start("intake")
    vault = Vault(office)
    first = submit(office, "before the copy")
    vault.backup()
    second = submit(office, "after the copy of the keys", own_thread_key="<2>")
    vault.backup(keys=False)
    vault.lose(folds=True)
    # The copy has the pool made ahead: cut it to what was used, as if the pool had been younger.
    printed = vault.restore()
    assert "keys missing" not in printed, "keys are made ahead, and the copy holds them"
    office.start("intake")
    assert told(office, {first.case_id}) and told(office, {second.case_id})
    office.stop()
    shutil.rmtree(office.data / "intake/journal")
    store = office.data / "intake/keys/slots"
    os.truncate(store, 2 * 64)  # the profile's and the case's of the first
    printed = office.kesu("restore", str(vault.dir), "--reason", "the keys are old")
    assert "keys missing: 2" in printed
    office.start("intake")
    assert told(office, {first.case_id}) and not told(office, {second.case_id})
    assert office.case(second.case_id).state.number == second.number
    submit(office, "the office goes on")


def test_a_damaged_backup_is_refused(office):
    office.start("intake")
    vault = Vault(office)
    for i in range(5):
        submit(office, f"complaint {i}")
    vault.backup()
    head = office.info("intake").head_seq
    vault.lose(folds=True)
    good = {path: path.read_bytes() for path in (vault.dir / "journal.blocks", vault.keys, vault.passphrase)}
    blocks = good[vault.dir / "journal.blocks"]
    flipped = bytearray(blocks)
    flipped[len(flipped) // 2] ^= 1
    first = int.from_bytes(blocks[20:24], "little")
    second = int.from_bytes(blocks[first + 20 : first + 24], "little")
    sealed = bytearray(good[vault.keys])
    sealed[len(sealed) // 2] ^= 1
    anchor = office.dir / "anchor"
    anchor.write_text(f"{head} {'00' * 32}\n")
    for path, content, flags in (
        (vault.dir / "journal.blocks", flipped, ()),
        (vault.dir / "journal.blocks", blocks[:first] + blocks[first + second :], ()),
        (vault.dir / "journal.blocks", blocks, ("--anchor", str(anchor))),
        (vault.keys, sealed, ()),
        (vault.passphrase, b"another horse, another staple\n", ()),
    ):
        path.write_bytes(content)
        vault.restore(*flags, status=65)
        assert not (office.data / "intake/journal").exists() and not (office.data / "intake/keys").exists()
        path.write_bytes(good[path])
    vault.restore()
    office.start("intake")
    assert len(backed_up_ids(office)) == 5


def test_a_backup_that_was_cut_off_goes_on(office):
    office.start("intake")
    vault = Vault(office)
    made = [submit(office, f"complaint {i}") for i in range(10)]
    vault.backup()
    blocks = vault.dir / "journal.blocks"
    os.truncate(blocks, blocks.stat().st_size - 100)
    assert ", 0 new;" not in vault.backup()
    assert ", 0 new;" in vault.backup()
    vault.lose(folds=True)
    vault.restore()
    office.start("intake")
    assert told(office, {made[-1].case_id})
    assert sorted(backed_up_ids(office)) == [a.case_id for a in made]
