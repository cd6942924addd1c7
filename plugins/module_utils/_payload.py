# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packs the code of the modules about ports, sites and certbot on the controller, and loads it on the host.

Ansible looks through every file that a module imports, and for every name in it, before it sends the module: with a
hundred files that takes longer than all they do on the host. So a module imports this file alone, and gets the others
from its action plugin; on the host each is compiled when it is first imported, so that of no firewall but its own.

What is sent is made for the system that the host most likely has, and packed as small as most Pythons can unpack. A
host that is another, or cannot, says so before anything is done, and gets the code for all in the way that all unpack.
"""

from __future__ import annotations

import base64
import importlib
import importlib.abc
import importlib.util
import json
import os
import sys
import zlib
from importlib.machinery import ModuleSpec
from typing import Any, Dict, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._bundle import PACKAGE, bare, closure, is_package
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import arguments_of

try:
    import bz2
except ImportError:  # a Python may be built without it
    bz2 = None  # type: ignore[assignment]

ARGUMENT = "_payload"
UNFIT = "_payload_unfit"
LINUX = "Linux"
ANY = ""
_UNUSED = {LINUX: (f"{PACKAGE}._pf.", f"{PACKAGE}._firewalls.pf.")}
CONFIRMED = "ports_confirmed"
_MODULES = ("ports_info", CONFIRMED, "sites", "sites_and_ports", "certbot_certificate", "witness")
_ENTRIES = {name: f"{PACKAGE}._entry.{name}" for name in _MODULES}


def entry_of(module: str) -> str:
    """Returns the full name of the Python module whose ``run`` is the Ansible module of that short name."""
    return _ENTRIES.get(module, f"{PACKAGE}._entry.ports")


def pack(entry: str, system: str = ANY, unused: Tuple[str, ...] = ()) -> str:
    """Returns the sources of a Python module of this collection, and of all it imports of it, as text in ASCII.

    They are for hosts of that system, as uname calls it, whose Python has bz2: that makes a quarter less of them than
    zlib. Those for ``ANY`` are for every host. What lies in the folders ``unused``, such as ``_webservers/apache``, is
    left out.
    """
    system = system if bz2 is not None else ANY
    sources = json.dumps(collect(entry, system, unused)).encode("ascii")
    packed = bz2.compress(sources) if system else zlib.compress(sources)
    return f"{system}:{base64.b64encode(packed).decode('ascii')}"


def unpack(packed: str) -> Optional[Dict[str, str]]:
    """Returns the sources that ``pack`` made that text of, by the full names of their modules.

    None if they are not for this host, which has another system, or a Python that was built without bz2.
    """
    system, _colon, text = packed.partition(":")
    if system and (system != os.uname().sysname or bz2 is None):
        return None
    unpacked = (bz2 if system else zlib).decompress(base64.b64decode(text))
    sources: Dict[str, str] = json.loads(unpacked)
    return sources


def collect(entry: str, system: str = ANY, unused: Tuple[str, ...] = ()) -> Dict[str, str]:
    """Returns the sources that ``pack`` packs by the full names of their modules, read from this collection's files."""
    left_out = _UNUSED.get(system, ()) + tuple(f"{PACKAGE}.{folder.replace('/', '.')}." for folder in unused)
    sources = closure(entry, lambda name: None if f"{name}.".startswith(left_out) else _read_source(name))
    return {name: bare(source) for name, source in sources.items()}


def run(name: str) -> None:
    """Runs the Ansible module about ports of that short name on the host."""
    module = PackedModule(argument_spec=arguments_of(name), supports_check_mode=True)
    timed = str(module.params.get("confirm") or "").isdigit()  # the action plugin sends seconds, or a word
    run_packed(name, module, CONFIRMED if timed else None)


def run_packed(name: str, module: PackedModule, entry: Optional[str] = None) -> None:
    """Runs the Ansible module of that short name on the host, with the code that came with its parameters.

    ``entry`` is what ``entry_of`` is asked for, where that is not the module's name.
    """
    if module.packed is not None:
        sources = unpack(module.packed)
        if sources is None:
            module.exit_json(changed=False, **{UNFIT: True})
        else:
            sys.meta_path.append(Sources(sources))
    try:
        code: Any = importlib.import_module(entry_of(entry or name))
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith(PACKAGE):
            raise
        module.fail_json(msg=f"{name} came without its code: call it by its full name, port443.https.{name}")
    code.run(module)


class PackedModule(AnsibleModule):  # type: ignore[misc]  # ansible-core has no types
    """An AnsibleModule whose code is no parameter of it: it is neither logged nor returned.

    As an option with ``no_log`` it would come back as a whole: from ansible-core 2.22 on, a module hands the values of
    these to the controller, beside its result.
    """

    packed: Optional[str]

    def _load_params(self) -> None:
        """Called by AnsibleModule before it looks at the parameters, or logs them."""
        super()._load_params()
        self.packed = self.params.pop(ARGUMENT, None)


class Sources(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules whose sources are held in memory, by their full names."""

    def __init__(self, sources: Dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Returns how to load a module, None if it is not among these."""
        if fullname not in self._sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        """Tells whether it holds other modules."""
        return is_package(fullname, self._sources)

    def get_code(self, fullname: str) -> Any:
        """Returns a module compiled under a path: a traceback names it, and finds its lines by ``get_source``."""
        return self.source_to_code(self.get_source(fullname), fullname.replace(".", "/") + ".py")

    def get_source(self, fullname: str) -> str:
        """Returns the source of a module; raises ImportError if it is not among these."""
        if fullname not in self._sources:
            raise ImportError(f"no source of {fullname} came with the module", name=fullname)
        return self._sources[fullname]


def _read_source(name: str) -> Optional[str]:
    path = os.path.join(os.path.dirname(__file__), *name[len(PACKAGE) + 1 :].split("."))
    for file in (path + ".py", path + "/__init__.py"):
        if os.path.isfile(file):
            with open(file, encoding="utf-8") as stream:
                return stream.read()
    return None
