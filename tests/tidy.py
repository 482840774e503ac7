"""The house rules that no linter knows: each one a name, a reason and a check over a parsed file.

A line may be excused by ``# tidy-skip: <rule> (<reason>)``.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "timbra"

FILE_LINES, TEST_LINES, CATALOGUE_LINES = 400, 600, 500
FUNCTION_LINES = 60
BANNED_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}
CLOCKS = {
    ("time", "time"), ("time", "time_ns"), ("time", "monotonic"), ("time", "perf_counter"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("uuid", "uuid4"), ("uuid", "uuid1"), ("os", "urandom"),
}  # fmt: skip
# Where nothing above can answer: the ASGI edge, the job loop, one document of a sweep, one endpoint of a courier; and where a failure is handed to
# whoever waits for it: transactions that several units of work share.
BROAD_EXCEPT = {
    "http/middleware.py", "platform/jobs.py", "invoices/sweep.py", "webhooks/courier.py", "platform/db.py", "platform/turns.py",
    "platform/search/service.py",
}  # fmt: skip
PARSERS = {"fromstring", "parse", "XML", "XMLParser", "iterparse", "fromstringlist"}


@dataclass(frozen=True)
class File:
    """One source file. ``place``: its path below src/timbra, with slashes."""

    place: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, place: str, text: str) -> "File":
        return cls(place, text, ast.parse(text))


Found = Iterator[tuple[int, str]]


@dataclass(frozen=True)
class Rule:
    """``check`` yields (line, what is wrong)."""

    name: str
    why: str
    check: Callable[[File], Found]

    def findings(self, file: File) -> list[str]:
        lines = file.text.splitlines()
        return [
            f"{file.place}:{line}: {what} [{self.name}]"
            for line, what in self.check(file)
            if f"tidy-skip: {self.name}" not in (lines[line - 1] if 0 < line <= len(lines) else "")
        ]


def _calls(file: File) -> Iterator[tuple[ast.Call, str, str]]:
    """(call, owner, name) of every call such as ``owner.name()``; owner is empty for a plain name."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            yield node, owner.id if isinstance(owner, ast.Name) else "", node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node, "", node.func.id


def _functions(file: File) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _imports(file: File) -> Iterator[tuple[int, str]]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def _no_float(file: File) -> Found:
    for node, owner, name in _calls(file):
        if name == "float" and not owner:
            yield node.lineno, "float() has no place near money: use Decimal or integers"
    if file.place.startswith("cfdi/") and not file.place.startswith("cfdi/pdf/"):
        for node in ast.walk(file.tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                yield node.lineno, "true division makes a float: use half_up or //"


def _clock(file: File) -> Found:
    if file.place in ("platform/clock.py", "platform/ids.py"):
        return
    for node, owner, name in _calls(file):
        if (owner, name) in CLOCKS:
            yield node.lineno, f"{owner}.{name}() belongs to platform.clock or platform.ids"
    for line, module in _imports(file):
        if module.split(".")[0] in ("random", "secrets"):
            yield line, f"{module} belongs to platform.ids"


def _commit(file: File) -> Found:
    if file.place == "platform/db.py":
        return
    for node, _, name in _calls(file):
        if name in ("commit", "begin_nested"):
            yield node.lineno, f"{name}() belongs to platform.db"


def _no_await_with_tx(file: File) -> Found:
    """A unit of work is a plain function: nothing in it can wait for a network (rule R7)."""
    for function in _functions(file):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        takes_tx = any(argument.arg == "tx" for argument in arguments)
        if takes_tx and isinstance(function, ast.AsyncFunctionDef):
            yield function.lineno, f"{function.name} has a transaction and is async"


def _tables(file: File) -> Found:
    name = file.place.rpartition("/")[2]
    if name.startswith("store") or file.place.startswith("migrations/"):
        return
    for line, module in _imports(file):
        if re.fullmatch(r"timbra\.(.+\.)?tables(\..+)?", module):
            yield line, "tables belong to the store beside them"


def _xml(file: File) -> Found:
    if file.place in ("cfdi/parse.py", "cfdi/schema.py", "catalogs/compile.py", "catalogs/load.py"):
        return
    for node, owner, name in _calls(file):
        if owner == "etree" and name in PARSERS:
            yield node.lineno, f"etree.{name}: cfdi.parse is the only parser"


def _inner_imports(file: File) -> Found:
    for function in _functions(file):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, "import inside a function"


def _sizes(file: File) -> Found:
    limit = (
        CATALOGUE_LINES if re.search(r"(tables|codes\w*|schemas|versions/.*|english)\.py$", file.place) else FILE_LINES
    )
    count = file.text.count("\n")
    if count > limit and not file.place.startswith("migrations/versions/"):
        yield 1, f"{count} lines, at most {limit}"
    for function in _functions(file):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LINES and not file.place.startswith("migrations/versions/"):
            yield function.lineno, f"{function.name} has {length} lines, at most {FUNCTION_LINES}"


def _names(file: File) -> Found:
    for part in file.place.removesuffix(".py").split("/"):
        if part in BANNED_NAMES:
            yield 1, f"{part} says nothing: name it after what it does"


def _broad_except(file: File) -> Found:
    if file.place in BROAD_EXCEPT:
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type
            if caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")):
                yield node.lineno, "broad except: only at the ASGI edge and around background jobs"


def _docstrings(file: File) -> Found:
    if not file.place.startswith(("cfdi/", "pac/", "platform/")):
        return
    if ast.get_docstring(file.tree) is None and file.text.strip():
        yield 1, "the module says nothing of its responsibility"
    for node in file.tree.body:
        is_public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_"
        if is_public and ast.get_docstring(node) is None:
            yield node.lineno, f"{node.name} has no docstring"


def _unfinished(file: File) -> Found:
    for number, line in enumerate(file.text.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX:|HACK)\b", line):
            yield number, "unfinished work is an issue, not a comment"


RULES = (
    Rule("float", "a binary float once printed 0.30000000000000004 pesos", _no_float),
    Rule("clock", "tests move the clock and fix the ids", _clock),
    Rule("commit", "a commit after the answer loses what the answer promised", _commit),
    Rule("transaction", "a PAC call inside a transaction stamps twice and stops every tenant", _no_await_with_tx),
    Rule("tables", "all SQL of a domain is in its store", _tables),
    Rule("xml", "other parsers resolve entities or repair broken files", _xml),
    Rule("imports", "imports inside functions hide the arrows", _inner_imports),
    Rule("size", "what is long is not read", _sizes),
    Rule("names", "a room is found by its name", _names),
    Rule("except", "a swallowed error is found by a customer", _broad_except),
    Rule("docstring", "public code says what is true afterwards", _docstrings),
    Rule("unfinished", "comments do not remind anybody", _unfinished),
)


def source_files() -> list[File]:
    """Every module of the product."""
    return [File.of(path.relative_to(SOURCE).as_posix(), path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]
