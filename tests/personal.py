# SPDX-License-Identifier: Apache-2.0
"""Looking for what people said in places where it must not be."""

import base64
import pathlib
import quopri
import urllib.parse


def base64_forms(data):
    """The part of its base64 that is the same wherever in a stream it begins."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data + bytes(3))
        first = -(-shift * 8 // 6)
        yield encoded[first + (1 if shift else 0) : len(encoded) - 8]


def forms(text):
    """The bytes of a text as programs write them."""
    data = text if isinstance(text, bytes) else text.encode()
    found = {data, data.hex().encode(), data.hex().upper().encode(), urllib.parse.quote(data).encode()}
    found.update(base64_forms(data))
    found.add(quopri.encodestring(data).strip())
    if isinstance(text, str):
        found.update((text.encode("utf-16-le"), text.encode("utf-16-be"), text.lower().encode(), text.upper().encode()))
        found.add(text.encode("unicode_escape"))
    return {form for form in found if len(form) >= 8}


def find_in(data, needles):
    """Names of the needles, {name: text}, that stand in the bytes in any form."""
    return [name for name, text in needles.items() if any(form in data for form in forms(text))]


def find(roots, needles):
    """(file, name) of each needle found in any file below the roots, their names included."""
    wanted = {name: forms(text) for name, text in needles.items()}
    found, looked = [], 0
    for root in roots:
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes().strip(b"\0") + b"\0" + str(path.relative_to(root)).encode()
            looked += 1
            found += [(path, name) for name, all_forms in wanted.items() if any(form in data for form in all_forms)]
    assert looked > 0, "a search through nothing finds nothing"
    return found


def pieces(text):
    """What of a text is long enough to be told from what a program says by itself."""
    found = set()
    for line in text.splitlines():
        for piece in (line[:40], line[len(line) // 2 :][:40]):
            if len(piece.strip().encode()) >= 9:
                found.add(piece.strip())
    return found


def spoken_in(output, words):
    """Pieces of what people said that stand in the output of a program."""
    return sorted(piece for text in words for piece in pieces(text) if piece in output)
