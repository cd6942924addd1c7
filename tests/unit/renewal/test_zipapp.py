# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program for hosts: the same bytes from the same sources, and whole without Ansible."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._renewal import application, zipapp

PYTHON = "/usr/bin/python3"


def build():
    return zipapp.build(application.__name__, "main", PYTHON, application.KEPT)


def sources():
    with zipfile.ZipFile(io.BytesIO(build())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_bytes_depend_on_nothing_but_the_sources(monkeypatch):
    first = build()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    before = os.umask(0o777)
    try:
        assert build() == first
    finally:
        os.umask(before)
    assert first.startswith(b"#!/usr/bin/python3 -I\n")


def test_another_process_makes_the_same_bytes(collections_path):
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(collections_path)!r})\n"
            f"from {zipapp.__name__} import build\n"
            f"made = build({application.__name__!r}, 'main', {PYTHON!r}, set({sorted(application.KEPT)!r}))\n"
            "sys.stdout.buffer.write(made)",
        ],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert made.stdout == build()


def test_it_needs_the_standard_library_alone():
    imported = set()
    for source in sources().values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert imported - {"ansible_collections"} <= set(standard_library())
    assert "ansible" not in imported


def standard_library():
    if sys.version_info >= (3, 10):
        return sys.stdlib_module_names
    folder = Path(os.__file__).parent
    names = {path.stem for path in folder.iterdir()} | {
        path.name.split(".")[0] for path in folder.glob("lib-dynload/*")
    }
    return names | set(sys.builtin_module_names)


def test_every_service_is_in_it():
    known = {path.name for path in Path(application.__file__).parents[1].glob("_webservers/[a-z]*.py")}
    assert known == {
        Path(name).name for name in sources() if "/_webservers/" in name and not name.endswith("__init__.py")
    }


def test_nothing_of_firewalls_is_in_it():
    """No D-Bus, no nf_tables: a certificate needs neither, and what is on a host can be called there."""
    named = [name for name in sources() if any(word in name for word in ("dbus", "nft", "firewall", "_linux", "_plan"))]
    assert named == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (0, b"", b"")),
        (
            {"RENEWED_LINEAGE": "/etc\n", "PYTHONPATH": "/nowhere"},
            (1, b"", b"RENEWED_LINEAGE '/etc\\n' is not the folder of a certificate that is installed here\n"),
        ),
    ],
)
def test_it_runs_alone(tmp_path, environ, expected):
    """Isolated, in a folder that holds a module of the name of one that it imports."""
    program = tmp_path / "renewal.pyz"
    program.write_bytes(build())
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    ended = subprocess.run(
        [sys.executable, "-I", str(program)], capture_output=True, cwd=tmp_path, env=environ, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == expected


def test_no_library_follows_the_environment(tmp_path):
    """OpenSSL reads its settings as soon as it is loaded: here it would wait for somebody to write them."""
    program, pipe = tmp_path / "renewal.pyz", tmp_path / "openssl.cnf"
    program.write_bytes(build())
    os.mkfifo(pipe)
    environ = {"OPENSSL_CONF": str(pipe), "SSL_CERT_FILE": str(pipe)}
    ended = subprocess.run([PYTHON, "-I", str(program)], capture_output=True, env=environ, timeout=20, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
