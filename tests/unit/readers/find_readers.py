# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The places in module_utils where a program is asked and what it says is read, found in the source."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
# How programs are run and asked everywhere: methods of a host, and the functions that are built on them.
_METHODS = ("run", "ask")
_FUNCTIONS = ("execute", "_run_once", "read_nftables", "read_nft_tables")
_SPOKEN = ("out", "err", "stdout", "stderr")
# What hands the words on to those who read them.
PIPES = {
    "_host.run:Runner.run",
    "_host.firewall_host:FirewallHost.ask",
    "_host.dbus:ask",
    "_host.private_files:_run",
    "_host.run:execute",
    "_renewal.certbot:_run_once",
}


def find_readers():
    """Returns each as module:function, sorted."""
    found = set()
    for path in ROOT.rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        functions = dict(_functions(ast.parse(path.read_text(encoding="utf-8"))))
        own = "run" in functions and any(_last_name(node) == "execute" for node in ast.walk(functions["run"]))
        names = (*_FUNCTIONS, "run") if own else _FUNCTIONS
        for name, function in functions.items():
            nodes = list(ast.walk(function))
            asks = [node for node in nodes if isinstance(node, ast.Call) and _is_asked(node, names)]
            speaks = any(isinstance(node, ast.Attribute) and node.attr in _SPOKEN for node in nodes)
            if asks and (speaks or any(_answers_itself(call) for call in asks)):
                found.add(f"{module}:{name}")
    return sorted(found - PIPES)


def _functions(tree, names=()):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, (*names, node.name))
        elif isinstance(node, ast.FunctionDef):
            yield ".".join((*names, node.name)), node


def _is_asked(call, functions):
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in _METHODS and _last_name(call.func.value).strip("_") == "host"
    return isinstance(call.func, ast.Name) and call.func.id in functions


def _answers_itself(call):
    """Whether what is returned is the answer: of the bus, of the kernel."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    return name in ("ask", "read_nftables", "read_nft_tables")


def _last_name(node):
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
