# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module imports of this collection, found by its text: the same that Python's own parser finds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils import _bundle, _payload
from ansible_collections.port443.https.plugins.module_utils._renewal import application, zipapp

TOP = Path(_bundle.__file__).parent
TREE = {
    ".".join((_bundle.PACKAGE, *path.relative_to(TOP).with_suffix("").parts)).replace(".__init__", ""): path
    for path in TOP.rglob("*.py")
}


def names_by_ast(name):
    """The full names of all that a module imports with ours in front, in whatever form and wherever it does."""
    for node in ast.walk(ast.parse(TREE[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(name.split(".")[: -node.level]) + "." if node.level else ""
            module = package + (node.module or "")
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def ours(names):
    return {name for name in names if name.startswith(f"{_bundle.PACKAGE}.")}


def closure_by_ast(entry):
    waiting, found = [entry], set()
    while waiting:
        name = waiting.pop()
        if name in TREE and name not in found | {_bundle.PACKAGE}:
            found.add(name)
            waiting += [name.rpartition(".")[0], *names_by_ast(name)]
    return found


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_import_is_found_by_the_form_it_is_written_in(name):
    found = _bundle.find_imports(TREE[name].read_text(encoding="utf-8"))
    assert ours(found) & set(TREE) == ours(names_by_ast(name)) & set(TREE)


@pytest.mark.parametrize("module", ["ports", "iptables_ports", "ports_info"])
def test_all_that_a_module_about_ports_imports_is_packed_and_nothing_else(module):
    entry = _payload.entry_of(module)
    assert set(_payload.collect(entry)) == closure_by_ast(entry)


def test_all_that_the_renewal_program_imports_is_in_it_and_nothing_else():
    paths = zipapp.collect(application.__name__)
    names = {path.replace("/__init__", "")[: -len(".py")].replace("/", ".") for path in paths}
    assert names == closure_by_ast(application.__name__)


def meaning(source):
    """The syntax tree with where all begins, and nothing of what strings say that stand alone."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant("", lineno=0, col_offset=0)
        node.end_lineno = node.end_col_offset = 0
    return ast.dump(tree, include_attributes=True)


@pytest.mark.parametrize("name", sorted(TREE))
def test_a_bare_source_means_the_same_on_the_same_lines(name):
    source = TREE[name].read_text(encoding="utf-8")
    bare = _bundle.bare(source)
    assert meaning(bare) == meaning(source)
    assert bare.count("\n") == source.count("\n")
    assert ast.get_docstring(ast.parse(bare)) in (None, "")
    assert [line for line in bare.split("\n") if line.lstrip().startswith("#")] == []


BARE = [
    ('"""Says."""\nx = 1\n', '""\nx = 1\n'),
    ('def f():\n    """Says\n\n    more.\n    """\n    return 1\n', 'def f():\n    ""\n\n\n\n    return 1\n'),
    ('class A(B):\n    """All there is."""\n', 'class A(B):\n    ""\n'),
    ('# said\n  # and more\nx = "#"  # of it\n', '\n\nx = "#"  # of it\n'),
    ('x = """a\n# b\n"""\n# c\n', 'x = """a\n# b\n"""\n\n'),
]


@pytest.mark.parametrize(("source", "bare"), BARE)
def test_documentation_and_lines_of_comment_go_and_their_lines_stay(source, bare):
    assert _bundle.bare(source) == bare


def module(name):
    return f"{_bundle.PACKAGE}.{name}"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (f"from {module('_a.b')} import C", {"_a.b", "_a.b.C"}),
        (f"def f():\n    from {module('_a')} import b\n", {"_a", "_a.b"}),
        (f"from {module('_a')} import (\n    b,\n    c as d,\n)\n", {"_a", "_a.b", "_a.c", "_a.as", "_a.d"}),
        (f"x = 'from {module('_a')} import b'\n", set()),
        (f"# from {module('_a')} import b\n", set()),
    ],
)
def test_an_import_is_a_line_of_its_own(written, found):
    assert set(_bundle.find_imports(written)) == {module(name) for name in found}


def test_modules_that_import_each_other_are_read_once():
    sources = {
        module("_a"): "",
        module("_a.b"): f"from {module('_c')} import D\n",
        module("_c"): f"from {module('_a')} import b\n",
        module("_e"): "",
    }
    asked = []
    found = _bundle.closure(module("_a.b"), lambda name: asked.append(name) or sources.get(name))
    assert found == {name: sources[name] for name in (module("_a"), module("_a.b"), module("_c"))}
    assert sorted(asked) == sorted({*found, module("_c.D")})
