# SPDX-License-Identifier: Apache-2.0
"""What a disk may hold after the power failed, from the log of recorder.c.

A sector has what was written to it last before its file was synced, or what
any later write left there; a name is there when its directory was synced after
it was made, or by chance. Names come by chance in order, as file systems with
a log of their own keep them, or each for itself, as POSIX allows.
"""

import os
import pathlib
import signal
import struct

CREATED, WRITTEN, RESIZED, SYNC_BEGAN, SYNCED, RENAMED, LINKED, UNLINKED, MADE, WRITE_SYNCED, MAPPED, UNKNOWN = range(1, 13)
RECORD = struct.Struct("<QQQQII")
SECTOR = 512
NAMES = {CREATED, RENAMED, LINKED, UNLINKED, MADE}
KILL = signal.SIGRTMAX  # ends a recorded process as SIGKILL does, but between a change and its record


class Record:
    __slots__ = ("seq", "ino", "a", "b", "kind", "data", "pid")

    def __init__(self, seq, ino, a, b, kind, data, pid):
        self.seq, self.ino, self.a, self.b, self.kind, self.data, self.pid = seq, ino, a, b, kind, data, pid

    def paths(self):
        return [os.path.normpath(p) for p in self.data.decode().split("\0")]


class Recorder:
    """Where a recording lies, and the environment of a program that is recorded."""

    def __init__(self, library, directory, roots, sync_us=2000):
        self.dir = pathlib.Path(directory)
        (self.dir / "log").mkdir(parents=True)
        (self.dir / "order").write_bytes(bytes(8))
        self.order = open(self.dir / "order", "rb", buffering=0)  # noqa: SIM115 - read until the end of the test
        self.environment = {
            "LD_PRELOAD": str(library),
            "KESU_RECORDER_ROOTS": ":".join(str(root) for root in roots),
            "KESU_RECORDER_LOG": str(self.dir / "log"),
            "KESU_RECORDER_ORDER": str(self.dir / "order"),
            "KESU_RECORDER_SYNC_US": str(sync_us),
        }

    def position(self):
        """What has happened by now has this number or a lower one."""
        return struct.unpack("<Q", os.pread(self.order.fileno(), 8, 0))[0]

    def records(self):
        """In order. What a process did not come to write down is the end of it."""
        found = []
        for path in (self.dir / "log").iterdir():
            log, at = path.read_bytes(), 0
            while at + RECORD.size <= len(log):
                seq, ino, a, b, kind, n = RECORD.unpack_from(log, at)
                at += RECORD.size + n
                if at <= len(log):
                    found.append(Record(seq, ino, a, b, kind, log[at - n : at], int(path.name)))
        found.sort(key=lambda r: r.seq)
        return found


class File:
    """`now` is what a reader sees; `base` with the kept of `later` is the disk."""

    def __init__(self):
        self.now = bytearray()
        self.base = bytearray()
        self.later = []  # [seq, offset, bytes or None, size after, durable]

    def write(self, seq, at, data):
        end = at + len(data)
        if at > len(self.now):
            self.now.extend(bytes(at - len(self.now)))
        self.now[at:end] = data
        first = at // SECTOR * SECTOR
        last = min((end + SECTOR - 1) // SECTOR * SECTOR, len(self.now))
        self.later.append([seq, first, bytes(self.now[first:last]), len(self.now), False])

    def resize(self, seq, size):
        if size < len(self.now):
            del self.now[size:]
        else:
            self.now.extend(bytes(size - len(self.now)))
        self.later.append([seq, 0, None, size, False])

    def synced(self, before):
        for change in self.later:
            change[4] = change[4] or change[0] < before
        self.settle()

    def write_synced(self, seq):
        for change in self.later:
            change[4] = change[4] or change[0] == seq
        self.settle()

    def settle(self):
        while self.later and self.later[0][4]:
            put(self.base, *self.later.pop(0)[1:4])

    def on_disk(self, chance):
        image = bytearray(self.base)
        for _, at, data, size, durable in self.later:
            if durable:
                put(image, at, data, size)
            elif chance.keeps():
                if data is not None and chance.tears():
                    data = data[: chance.random.randrange(0, len(data) // SECTOR + 1) * SECTOR]
                    size = max(len(image), at + len(data))
                put(image, at, data, size)
        return image


def put(image, at, data, size):
    if data is None:
        if size < len(image):
            del image[size:]
        else:
            image.extend(bytes(size - len(image)))
        return
    if at > len(image):
        image.extend(bytes(at - len(image)))
    image[at : at + len(data)] = data


class Folder:
    def __init__(self):
        self.now = {}
        self.base = {}
        self.ino = None


class Chance:
    """How much of what was not synced is there this time."""

    def __init__(self, random):
        self.random = random
        self.keep = random.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        self.tear = random.choice([0.0, 0.3])
        self.names_in_order = random.random() < 0.7

    def keeps(self):
        return self.random.random() < self.keep

    def tears(self):
        return self.random.random() < self.tear


class Disk:
    """Takes the records in order; `lasting` roots are another machine's and lose nothing."""

    def __init__(self, roots, lasting=()):
        self.roots = {str(root): Folder() for root in roots}
        self.lasting = [str(root) for root in lasting]
        self.by_ino = {os.stat(path).st_ino: folder for path, folder in self.roots.items()}
        self.folders = dict(self.roots)  # path -> Folder, as seen now
        self.names = []  # [seq, folder, durable, changes]: name changes not settled
        self.at = 0
        self.mapped = set()

    def take(self, r):
        self.at = r.seq
        if r.kind in NAMES:
            self.rename_and_the_like(r)
        elif r.kind == UNKNOWN:
            raise AssertionError(f"a change that is not modelled: {r.data.decode()}")
        elif r.kind == MAPPED:
            self.mapped.add(r.data.decode())
        elif r.kind != SYNC_BEGAN:
            self.change(r, self.by_ino[r.ino])

    def change(self, r, node):
        if r.kind == WRITTEN:
            node.write(r.seq, r.a, r.data)
        elif r.kind == RESIZED:
            node.resize(r.seq, r.a)
        elif r.kind == WRITE_SYNCED:
            node.write_synced(r.a)
        elif isinstance(node, File):
            node.synced(r.a)
        else:
            for change in self.names:
                change[2] = change[2] or (change[1] is node and change[0] < r.a)
            self.settle_names()

    def settle_names(self):
        while self.names and self.names[0][2]:
            for folder, name, node in self.names.pop(0)[3]:
                set_name(folder.base, name, node)

    def rename_and_the_like(self, r):
        paths = r.paths()
        folder, name = self.folders[os.path.dirname(paths[-1])], os.path.basename(paths[-1])
        if r.kind in (CREATED, MADE):
            node = self.by_ino[r.ino] = File() if r.kind == CREATED else Folder()
            if r.kind == MADE:
                self.folders[paths[0]] = node
            changes = [(folder, name, node)]
        elif r.kind == UNLINKED:
            changes = [(folder, name, None)]
            self.folders.pop(paths[0], None)
        else:
            old, old_name = self.folders[os.path.dirname(paths[0])], os.path.basename(paths[0])
            node = old.now[old_name]
            changes = [(folder, name, node)] + ([(old, old_name, None)] if r.kind == RENAMED else [])
            if isinstance(node, Folder):
                self.move_folders(paths[0], paths[1])
        for where, what, node in changes:
            set_name(where.now, what, node)
        self.names.append([r.seq, folder, any(paths[-1].startswith(root) for root in self.lasting), changes])
        self.settle_names()

    def move_folders(self, old, new):
        for path in [p for p in self.folders if p == old or p.startswith(old + "/")]:
            self.folders[new + path[len(old) :]] = self.folders.pop(path)

    # ---- the disk ------------------------------------------------------------

    def names_kept(self, chance):
        """The changes of names that are there, after those that surely are."""
        upto = chance.random.randint(0, len(self.names)) if chance.names_in_order else 0
        if chance.keep in (0.0, 1.0):
            upto = int(chance.keep * len(self.names))
        for i, change in enumerate(self.names):
            by_chance = i < upto if chance.names_in_order else chance.keeps()
            if change[2] or by_chance:
                yield from change[3]

    def write_out(self, chance, targets):
        """Each root as it is on disk, into the directory that targets names for it."""
        changed = {}
        for folder, name, node in self.names_kept(chance):
            names = changed.setdefault(id(folder), dict(folder.base))
            set_name(names, name, node)
        for root, target in targets.items():
            self.write_folder(self.roots[str(root)], pathlib.Path(target), chance, changed, str(root) in self.lasting)

    def write_folder(self, folder, target, chance, changed, lasting):
        target.mkdir(exist_ok=True, mode=0o700)
        for name, node in changed.get(id(folder), folder.base).items():
            if isinstance(node, Folder):
                self.write_folder(node, target / name, chance, changed, lasting)
            else:
                (target / name).write_bytes(node.now if lasting else node.on_disk(chance))

    def seen(self):
        """Path -> bytes of every file as a reader sees it now."""
        found = {}

        def walk(folder, path):
            for name, node in folder.now.items():
                if isinstance(node, Folder):
                    walk(node, f"{path}/{name}")
                else:
                    found[f"{path}/{name}"] = bytes(node.now)

        for root, folder in self.roots.items():
            walk(folder, root)
        return found


def set_name(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node
