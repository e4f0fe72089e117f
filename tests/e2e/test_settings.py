# SPDX-License-Identifier: Apache-2.0
"""Every setting of every daemon with bad values, from flag, environment and file."""

import os
import re
import subprocess

import pytest
from conftest import BIN, until

PROGRAMS = sorted(p.name for p in BIN.glob("kesu-*"))
SETTING = re.compile(r"^  --([a-z0-9-]+)[ =]([A-Z][A-Z,.]*|true\|false)\s")
BAD = {
    "N": ["x", "1.5", "01", "+1", "", "99999999999999999999"],
    "DURATION": ["5", "5 s", "1h30m", "-1s", "s", "", "05s"],
    "SIZE": ["1KB", "1.5MiB", "-1", "x", "", "01KiB"],
    "CHOICE": ["", "no-such-choice"],
    "true|false": ["yes", "1", "True", ""],
    "TEXT": [],
    "PATH": [],
    "A,B,...": ["a,,b", ",a"],
}


def run(program, *flags, env=None, cwd=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KESU_")}
    return subprocess.run(
        [str(BIN / program), *flags], env={**clean, **(env or {})}, cwd=cwd, capture_output=True, text=True,
        timeout=20, check=False,
    )


def settings_of(program):
    """Name and type of each setting, as --help tells them."""
    done = run(program, "--help")
    assert done.returncode == 0
    found = [m.groups() for m in map(SETTING.match, done.stdout.splitlines()) if m]
    return [(name, kind) for name, kind in found if name not in ("check-config", "help", "version")]


def test_there_are_programs_with_settings():
    assert len(PROGRAMS) >= 7, PROGRAMS
    for program in PROGRAMS:
        names = [name for name, _ in settings_of(program)]
        assert {"config", "run-dir", "data-dir", "http-port", "log-level"} <= set(names), program


def refused(done, program, place, name, found):
    assert done.returncode == 78, (program, name, done)
    line = done.stderr.strip()
    assert "\n" not in line
    assert line.startswith(f"{program}: {place}{name}: found '{found}"), line
    assert ", allowed is " in line, line


@pytest.mark.parametrize("program", PROGRAMS)
def test_bad_values_are_refused_with_place_and_what_is_allowed(program, tmp_path):
    tried = 0
    for name, kind in settings_of(program):
        for bad in BAD[kind]:
            refused(run(program, "--check-config", f"--{name}={bad}"), program, "command line: --", name, bad)
            tried += 1
        if name == "config":
            continue
        variable = "KESU_" + name.upper().replace("-", "_")
        for bad in BAD[kind][:1]:
            done = run(program, "--check-config", env={variable: bad})
            refused(done, program, "environment: ", variable, bad)
        file = tmp_path / "settings.yaml"
        file.write_text(f"# settings\n\n{name}: {{a: b}}\n")
        refused(run(program, "--check-config", "--config", str(file)), program, f"{file}:3: ", name, "a map")
        tried += 1
    assert tried > 15


@pytest.mark.parametrize("program", PROGRAMS)
def test_unknown_names_and_missing_files(program, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("no-such-setting: 1\n")
    done = run(program, "--check-config", "--config", str(file))
    assert done.returncode == 78
    assert f"{file}:1: no-such-setting: found a key that is no setting, allowed are " in done.stderr
    done = run(program, "--check-config", "--no-such-setting", "1")
    assert done.returncode == 78 and "--no-such-setting" in done.stderr
    done = run(program, "--check-config", "--config", str(tmp_path / "missing"))
    assert done.returncode == 78 and "cannot read the file" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_right_settings_are_right_and_nothing_is_made(program, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("run-dir: ./r\ndata-dir: ./d\nhttp-port: 0\nlog-level: debug\n")
    done = run(program, "--check-config", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 0, done
    assert [p.name for p in tmp_path.iterdir()] == ["settings.yaml"]
    assert run(program, "--version").stdout.startswith(program + " ")


def test_a_flag_wins_over_the_environment_and_that_over_the_file(office, tmp_path):
    file = tmp_path / "settings.yaml"
    port_of_file, port_of_flag = 1, 0
    file.write_text(f"http-port: {port_of_file}\nlog-format: json\n")
    office.start("analytics", "--config", str(file), "--http-port", str(port_of_flag), wait=False)
    until(lambda: office.http("analytics", "/healthz")[0] == 200, "alive on the port of the flag")
    until(lambda: office.log("analytics").startswith("{"), lambda: f"the file's log format: {office.log('analytics')}")
