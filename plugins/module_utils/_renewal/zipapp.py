# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds a zipapp of a function and its import closure, which runs on a host without Ansible."""

from __future__ import annotations

import io
import os
import re
import sys
import zipfile
from typing import Any, Callable, Dict, FrozenSet, Optional

from ansible_collections.port443.https.plugins.module_utils._bundle import PACKAGE, bare, closure, is_package
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner

PYTHON = "/usr/bin/python3"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first a zip file can tell
_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 8))"
# Libraries read their settings from the environment as soon as they are imported (OPENSSL_CONF): by then nothing
# is left of it but what the function asks for.
_START = """import os
import sys

for name in set(os.environ).difference({keep!r}):
    del os.environ[name]

from {module} import {function}

sys.exit({function}())
"""


def build(
    module: str,
    function: str,
    interpreter: str,
    keep: FrozenSet[str] = frozenset(),
    also: FrozenSet[str] = frozenset(),
) -> bytes:
    """Returns the zipapp that runs a function of a module of this collection: the same sources give the same bytes.

    ``module`` is its full name, ``keep`` are the variables of the environment that it gets, ``also`` are the full names
    of modules that it needs without importing them. The sources are taken from
    where this process has them, on a host that is what Ansible sent. Nothing is compressed, because what that makes of
    them depends on the host's library.
    """
    files = {"__main__.py": _START.format(module=module, function=function, keep=sorted(keep))}
    for name, source in (one for entry in (module, *sorted(also)) for one in collect(entry).items()):
        files[name] = source
        while "/" in name:
            name = name.rpartition("/")[0]
            files.setdefault(f"{name}/__init__.py", "")
    archive = io.BytesIO()
    archive.write(f"#!{interpreter} -I\n".encode("ascii"))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as application:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whichever this is
            entry.external_attr = 0o100644 << 16
            application.writestr(entry, files[name].encode("utf-8"))
    return archive.getvalue()


def collect(module: str) -> Dict[str, str]:
    """Returns the bare sources of a module and of all of this collection that it imports, by their paths in an archive.

    Raises HostError where they are not at hand.
    """
    sources = closure(module, _read_source)
    if module not in sources:
        raise HostError(f"the source of {module} is not at hand, so no program can be made of it")
    endings = {name: "/__init__.py" if is_package(name, sources) else ".py" for name in sources}
    return {name.replace(".", "/") + endings[name]: source for name, source in sources.items()}


def find_interpreter(host: Runner) -> str:
    """Returns the Python to run the program with: the system's own if it will do, else the one this runs on.

    What the system calls python3 is still there after an upgrade of the system. Raises HostError.
    """
    for candidate in (PYTHON, sys.executable):
        if not re.fullmatch(r"/[\w./+-]+", candidate, re.ASCII):
            continue
        if os.access(candidate, os.X_OK) and host.run((candidate, "-I", "-c", _ENOUGH)).returncode == 0:
            return candidate
    raise HostError(f"this host has no Python 3.8 or newer that a renewal can run with: {PYTHON} is missing or older")


def _read_source(name: str) -> Optional[str]:
    """Reads through the loader that brought this module, without documentation, which not every way brings along.

    Whoever looks modules up by name gets what the finders of this process make of it, and Ansible's own, which it
    leaves in a process that templated once, knows no collection that it did not load.
    """
    loader: Any = __spec__.loader
    if hasattr(loader, "get_data"):  # of files, or of the zip file that Ansible makes of a module
        source = _read_file(loader.get_data, name)
    elif hasattr(loader, "get_source"):  # of what came with the parameters of a module (_payload)
        try:
            source = loader.get_source(name)
        except ImportError:  # a class, or a function
            source = None
    else:
        raise HostError(f"the source of {name} is not at hand, so no program can be made of it")
    return None if source is None else bare(source)


def _read_file(get_data: Callable[[str], bytes], name: str) -> Optional[str]:
    top = os.path.dirname(os.path.dirname(__file__))  # of PACKAGE
    path = os.path.join(top, *name[len(PACKAGE) + 1 :].split("."))
    for file in (path + ".py", os.path.join(path, "__init__.py")):
        try:
            return get_data(file).decode("utf-8")
        except OSError:  # a class, or a function
            continue
    return None
