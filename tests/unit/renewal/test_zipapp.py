# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program for hosts: the same bytes from the same sources, and whole without Ansible."""

from __future__ import annotations

import ast
import importlib.abc
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils import _bundle, _payload
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
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


def build_in_another_process(path):
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(path)!r})\n"
            f"from {zipapp.__name__} import build\n"
            f"made = build({application.__name__!r}, 'main', {PYTHON!r}, set({sorted(application.KEPT)!r}))\n"
            "sys.stdout.buffer.write(made)",
        ],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "7"},
    )
    return made.stdout


def test_another_process_makes_the_same_bytes(collections_path):
    assert build_in_another_process(collections_path) == build()


class KnowsNoCollection(importlib.abc.MetaPathFinder):
    """Ansible's own finder, in a process that loaded no collection by it."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.startswith("ansible_collections"):
            raise ValueError("collection metadata was not loaded")


def test_no_finder_of_the_process_is_asked_for_a_source(monkeypatch):
    made = build()
    monkeypatch.setattr(sys, "meta_path", [KnowsNoCollection(), *sys.meta_path])
    assert build() == made


def test_what_ansible_sent_in_a_zip_file_makes_the_same_bytes(tmp_path):
    sent = tmp_path / "sent.zip"
    with zipfile.ZipFile(sent, "w") as archive:
        for module in (application, zipapp):
            for name, source in zipapp.collect(module.__name__).items():
                if name not in archive.namelist():
                    archive.writestr(name, source)
        for folder in list(Path(*_bundle.PACKAGE.split("."), "_").parents)[:-1]:
            archive.writestr(f"{folder}/__init__.py", "")
    assert build_in_another_process(sent) == build()


PACKED = """
import sys
sys.path.insert(0, {path!r})
from {payload} import Sources, unpack
sys.meta_path.append(Sources(unpack(sys.stdin.read())))
from {zipapp} import build
sys.stdout.buffer.write(build({application!r}, "main", {python!r}, set({kept!r})))
"""


def test_what_came_packed_with_the_parameters_of_the_module_makes_the_same_bytes(tmp_path):
    for name, source in zipapp.collect(_payload.__name__).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    names = {"payload": _payload.__name__, "zipapp": zipapp.__name__, "application": application.__name__}
    script = PACKED.format(path=str(tmp_path), python=PYTHON, kept=sorted(application.KEPT), **names)
    packed = _payload.pack(_payload.entry_of("certbot_certificate"))
    ended = subprocess.run([sys.executable, "-c", script], input=packed.encode(), capture_output=True, check=True)
    assert ended.stdout == build()


def test_no_program_is_made_of_a_module_that_is_not_at_hand():
    with pytest.raises(HostError) as refused:
        zipapp.collect(f"{application.__name__}_of_old")
    assert refused.value.message == (
        f"the source of {application.__name__}_of_old is not at hand, so no program can be made of it"
    )


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
    top = Path(application.__file__).parents[1]
    known = {path.relative_to(top).as_posix() for path in top.glob("_webservers/*/control.py")}
    packed = {name.partition("/module_utils/")[2] for name in sources()}
    assert known
    assert known == {name for name in packed if name.endswith("/control.py")}


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
