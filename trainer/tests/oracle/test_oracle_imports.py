"""TRL and datasets are references for tests; the worker neither needs nor loads them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TRAINER = Path(__file__).resolve().parents[2]
WORKER_FILES = sorted(path for path in TRAINER.rglob("*.py") if "tests" not in path.relative_to(TRAINER).parts[:1])
REFERENCES = {"trl", "datasets"}

_IMPORT_ALL = """
import importlib, sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("trl", "datasets"):
            raise AssertionError(name + " was imported")
sys.meta_path.insert(0, Refused())
for name in sys.argv[1:]:
    importlib.import_module(name)
import peft, transformers
transformers.AutoModelForCausalLM, transformers.AutoTokenizer, peft.get_peft_model
print(len(sys.argv) - 1)
"""


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in names}


def test_no_worker_module_names_trl_or_datasets_in_an_import() -> None:
    """An import inside a function would fail only on the rented worker, where neither is installed."""
    assert len(WORKER_FILES) > 20
    assert {path.name: _imported(path) & REFERENCES for path in WORKER_FILES if _imported(path) & REFERENCES} == {}


@pytest.mark.slow
def test_importing_the_worker_loads_neither() -> None:
    """A library that the worker uses might bring one of them along."""
    modules = [".".join(path.relative_to(TRAINER).with_suffix("").parts) for path in WORKER_FILES]
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL, *modules], cwd=TRAINER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == str(len(modules))
