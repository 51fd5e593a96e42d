"""Breaks the engine on purpose, one small change at a time, and says which changes no test notices.

``mutants.py --sample 200 --seed 1`` takes 200 of the possible changes of :data:`MODULES`; each is tried on a copy of
the tree, with the tests that reach the changed line, the fastest first. Which tests those are is found out once and
kept in ``.mutants/``.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_kinde"
SYNC = f"{PACKAGE}/sync"
MODULES = tuple(
    f"{SYNC}/{name}.py"
    for name in (
        "plan/reconcile",
        "plan/planner",
        "plan/matching",
        "plan/guards",
        "apply/accounts",
        "apply/memberships",
        "apply/stages",
        "apply/run",
    )
)
TESTS = ("tests/sync", "tests/hostile/test_kinde_answers.py")
LEFT_OUT = ("tests/sync/draft", "tests/sync/person", "tests/sync/repair", "tests/sync/spec")
"""Folders of rooms that are not changed here."""
KEPT = ROOT / ".mutants"
MOST_SECONDS = 600.0
"""Of tests, for one change. They are measured while lines are traced, which is slow: a low limit leaves out the very
tests that would notice."""

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: the ``number``-th that is possible in a file."""

    file: str
    number: int
    line: int
    what: str


class Changer(ast.NodeTransformer):
    """Counts the possible changes of a module, and makes the one that is asked for."""

    def __init__(self, wanted: int | None = None) -> None:
        self.wanted = wanted
        self.found: list[tuple[int, str]] = []

    def _take(self, node: ast.AST, what: str) -> bool:
        self.found.append((getattr(node, "lineno", 0), what))
        return self.wanted == len(self.found) - 1

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        for place, operator in enumerate(node.ops):
            other = _COMPARE[type(operator)]
            if self._take(node, f"{ast.unparse(node)}  [{type(operator).__name__} -> {other.__name__}]"):
                node.ops[place] = other()
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        for place in range(len(node.values)):
            if self._take(node, f"{ast.unparse(node)}  [without its part {place + 1}]"):
                values = node.values[:place] + node.values[place + 1 :]
                return values[0] if len(values) == 1 else ast.BoolOp(node.op, values)
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not) and self._take(node, f"{ast.unparse(node)}  [without not]"):
            return node.operand
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        other = _ARITHMETIC.get(type(node.op))
        if other and self._take(node, f"{ast.unparse(node)}  [{type(node.op).__name__} -> {other.__name__}]"):
            node.op = other()
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            if self._take(node, f"{node.value} -> {not node.value}"):
                return ast.Constant(not node.value)
        elif isinstance(node.value, int) and self._take(node, f"{node.value} -> {node.value + 1}"):
            return ast.Constant(node.value + 1)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        for value in (True, False):
            if self._take(node, f"if {ast.unparse(node.test)}  [always {value}]"):
                node.test = ast.Constant(value)
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self._take(node, f"{ast.unparse(node)}  [the other way round]"):
            node.body, node.orelse = node.orelse, node.body
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        for place, condition in enumerate(node.ifs):
            if self._take(condition, f"for ... if {ast.unparse(condition)}  [without the condition]"):
                node.ifs = node.ifs[:place] + node.ifs[place + 1 :]
                break
        return self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if node.value and not isinstance(node.value, ast.Constant) and self._take(node, f"{ast.unparse(node)}  [None]"):
            node.value = ast.Constant(None)
        return self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> ast.AST:
        return ast.Break() if self._take(node, "continue -> break") else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):  # a docstring
            return node
        return ast.Pass() if self._take(node, f"{ast.unparse(node)[:100]}  [left out]") else self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        return ast.Pass() if self._take(node, f"{ast.unparse(node)[:100]}  [left out]") else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]  # slots and frozen are no behaviour
        return node


def mutants_of(file: str) -> list[Mutant]:
    """Every possible change of a file."""
    changer = Changer()
    changer.visit(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    return [Mutant(file, number, line, what) for number, (line, what) in enumerate(changer.found)]


def changed(whole: str, mutant: Mutant) -> str:
    """The source of a file with one change."""
    tree = ast.parse(whole)
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(Changer(mutant.number).visit(tree))))


def reach(jobs: int) -> dict[str, tuple[float, dict[str, list[int]]]]:
    """Test -> its seconds, and the lines of :data:`MODULES` that it reaches."""
    texts = [(ROOT / file).read_bytes() for file in MODULES]
    tests = [ROOT / name for name in _tests()]
    mark = hashlib.sha256(b"".join([*texts, *(path.read_bytes() for path in tests)])).hexdigest()[:16]
    kept = KEPT / f"reach-{mark}.json"
    if not kept.exists():
        KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "scripts.mutants_reach", "-n", str(jobs), *_tests()]
            environment = {**os.environ, "MUTANTS_REACH": folder, "MUTANTS_MODULES": json.dumps(MODULES)}
            if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode > 1:
                raise SystemExit("the tests cannot be run")
            found = {}
            for part in Path(folder).iterdir():
                found.update(json.loads(part.read_text()))
        kept.write_text(json.dumps(found))
    content: dict[str, tuple[float, dict[str, list[int]]]] = json.loads(kept.read_text())
    return content


def _tests() -> list[str]:
    found = []
    for place in TESTS:
        path = ROOT / place
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        names = [str(file.relative_to(ROOT)) for file in files]
        found += [name for name in names if not name.startswith(LEFT_OUT)]
    return found


class Tree:
    """A copy of the tree in which one change at a time is tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in (PACKAGE, "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def survives(self, mutant: Mutant, tests: list[str], seconds: float) -> bool:
        """Whether all tests pass although the change is there."""
        target = self.folder / mutant.file
        whole = target.read_text(encoding="utf-8")
        target.write_text(changed(whole, mutant), encoding="utf-8")
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            return process.wait(timeout=30 + 6 * seconds) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False
        finally:
            target.write_text(whole, encoding="utf-8")


def chosen(known: dict[str, tuple[float, dict[str, list[int]]]], mutant: Mutant) -> tuple[list[str], float]:
    """The tests that reach the line of a change, the fastest first, and how long they take.

    What is carried out while a module is loaded no test reaches by itself: there it is the tests of the module.
    """
    timed = [(seconds, test, lines.get(mutant.file, [])) for test, (seconds, lines) in known.items()]
    reaching = sorted((seconds, test) for seconds, test, lines in timed if mutant.line in lines)
    reaching = reaching or sorted((seconds, test) for seconds, test, lines in timed if lines)
    tests: list[str] = []
    total = 0.0
    for seconds, test in reaching:
        if tests and total + seconds > MOST_SECONDS:
            break
        tests.append(test)
        total += seconds
    return tests, total


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Break the engine on purpose; print what no test notices.")
    parser.add_argument("modules", nargs="*", default=MODULES, help="files to change; the engine's when left out")
    parser.add_argument("--sample", type=int, default=100, help="how many changes to try, of all files together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=30.0, help="begin no further change after that long")
    options = parser.parse_args()
    possible = [mutant for file in options.modules for mutant in mutants_of(file)]
    picked = random.Random(options.seed).sample(possible, min(options.sample, len(possible)))
    known = reach(options.jobs)
    end = time.monotonic() + 60 * options.minutes
    print(f"{len(picked)} of {len(possible)} possible changes, seed {options.seed}", flush=True)
    tried: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        trees: Queue[Tree] = Queue()
        for number in range(options.jobs):
            trees.put(Tree(Path(folder) / str(number)))

        def attempt(mutant: Mutant) -> bool | None:
            if time.monotonic() > end:
                return None
            tests, seconds = chosen(known, mutant)
            if not tests:
                return True
            tree = trees.get()
            try:
                return tree.survives(mutant, tests, seconds)
            finally:
                trees.put(tree)

        for mutant, lives in _pairs(picked, pool.map(attempt, picked)):
            if lives is None:
                continue
            tried[mutant.file] += 1
            if lives:
                survived[mutant.file] += 1
                print(f"{mutant.file}:{mutant.line}: {mutant.what}", flush=True)
    for file in sorted(tried):
        killed = tried[file] - survived[file]
        print(f"{Path(file).name:16} {killed} of {tried[file]} noticed, {100 * killed / tried[file]:.0f} %")
    total = sum(tried.values())
    if total:
        print(f"{'all':16} {total - sum(survived.values())} of {total} noticed")
    return 0


def _pairs(mutants: list[Mutant], results: Iterator[bool | None]) -> Iterator[tuple[Mutant, bool | None]]:
    return zip(mutants, results, strict=True)


if __name__ == "__main__":
    sys.exit(main())
