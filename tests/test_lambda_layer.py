"""The layer with the functions' libraries: what is pinned, what is packed, and that it suffices."""

import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from novaline import lambda_layer
from novaline.findings import NovalineError
from novaline.lambda_layer import (
    LARGEST,
    LIBRARIES,
    TABLES,
    made_archive,
    made_tables_archive,
    pack,
    pinned,
    require_fits,
)

ROOT = Path(__file__).resolve().parents[1]
EXPORTED = """\
# made by uv
msgspec==0.22.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via novaline
msgspec-extra==1.0 \\
    --hash=sha256:cc
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:dd
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:ee
"""


def test_the_wanted_libraries_are_taken_out_of_the_lock_with_every_digest():
    wanted = pinned(EXPORTED, ("numpy", "msgspec"))
    assert [line for line in wanted.splitlines() if "==" in line] == [
        "numpy==2.4.6 ; python_full_version < '3.12' \\",
        "numpy==2.5.5 ; python_full_version >= '3.12' \\",
        "msgspec==0.22.0 \\",
    ]
    assert {digest for digest in ("aa", "bb", "dd", "ee") if f"sha256:{digest}" in wanted} == {"aa", "bb", "dd", "ee"}
    assert "cc" not in wanted


def test_a_library_that_is_not_pinned_is_named():
    with pytest.raises(NovalineError, match=r"uv\.lock pins no pandas"):
        pinned(EXPORTED, ("msgspec", "pandas"))


def test_the_lock_has_each_library_as_a_wheel_for_lambda():
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    tag = lambda_layer.PYTHON.replace(".", "")
    for library in (*LIBRARIES, *TABLES):
        wheels = [wheel["url"] for each in packages if each["name"] == library for wheel in each.get("wheels", ())]
        of_lambda = (url for url in wheels if f"cp{tag}-cp{tag}-manylinux" in url and "aarch64" in url)
        assert any(of_lambda) or any(url.endswith("-none-any.whl") for url in wheels), library


def test_the_same_files_make_the_same_archive_without_tests_and_without_what_was_compiled_here(tmp_path):
    folder = tmp_path / "python"
    for name in ("numpy/a.py", "numpy/tests/test_a.py", "numpy/a.pyi", "numpy/__pycache__/a.pyc", "x.dist-info/RECORD"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    digests = set()
    for number in range(2):
        os.utime(folder / "numpy/a.py", (number, number))
        archive = tmp_path / f"{number}.zip"
        pack(folder, archive)
        digests.add(hashlib.sha256(archive.read_bytes()).hexdigest())
        assert zipfile.ZipFile(archive).namelist() == ["python/numpy/a.py"]
    assert len(digests) == 1


def test_what_is_left_out_of_the_libraries_is_not_missed(tmp_path):
    folder = tmp_path / "python"
    for library in (*LIBRARIES.values(), *TABLES.values()):
        package = Path(importlib.util.find_spec(library).origin).parent
        for found in (package, *package.parent.glob(f"{library}.libs")):
            shutil.copytree(found, folder / found.name)
    pack(folder, tmp_path / "layer.zip")
    zipfile.ZipFile(tmp_path / "layer.zip").extractall(tmp_path / "opt")
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'opt' / 'python')!r})\n"
    program += "".join(f"import {library}; assert '/opt/' in {library}.__file__\n" for library in LIBRARIES.values())
    program += "import pyarrow, pyarrow.parquet, pyarrow.ipc, io; assert '/opt/' in pyarrow.__file__\n"
    program += "numpy.sort(numpy.array([2, 1], dtype=numpy.uint64))\n"
    program += "sink = pyarrow.BufferOutputStream()\n"
    program += "pyarrow.parquet.write_table(pyarrow.table({'a': ['x']}), sink, compression='zstd')\n"
    program += "file = io.BytesIO(sink.getvalue().to_pybytes())\n"
    program += "assert pyarrow.parquet.ParquetFile(file).read().to_pylist() == [{'a': 'x'}]\n"
    program += "packed = pyarrow.compress(b'x', codec='zstd', asbytes=True)\n"
    program += "assert pyarrow.CompressedInputStream(io.BytesIO(packed), 'zstd').read() == b'x'\n"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_functions_that_prepare_import_nothing_that_neither_lambda_nor_their_layers_have():
    from nova_constructs.dataset_preparation_functions import _CORE

    files = [ROOT / "lambda" / "convert" / "nova_convert", *(ROOT / name for name in _CORE)]
    outside = set()
    for each in files:
        for path in each.rglob("*.py") if each.is_dir() else [each]:
            if path.stem not in ("hugging_face", "engine", "spark"):  # nothing that prepares in S3 imports these
                outside |= set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
    known = {"novaline", "nova_convert", "boto3", "botocore", *LIBRARIES.values(), *TABLES.values()}
    assert outside - known - sys.stdlib_module_names == set()


def test_the_functions_import_nothing_that_neither_lambda_nor_the_layer_has():
    from nova_constructs.dataset_functions import _CORE

    files = [ROOT / "lambda" / "inspect" / "nova_inspect"]
    files += [ROOT / name for name in _CORE if name != "novaline/datasets/remote"]
    files += [
        ROOT / f"novaline/datasets/remote/{name}.py"
        for name in ("engine", "inspected", "listing", "parts", "places", "s3_file")
    ]
    outside = set()
    for each in files:
        for path in each.rglob("*.py") if each.is_dir() else [each]:
            outside |= set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
    known = {"novaline", "nova_inspect", "boto3", "botocore", *LIBRARIES.values()}
    assert outside - known - sys.stdlib_module_names == set()


def _imported(tree):
    """The packages that a module imports when it runs: not those for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        else:
            yield from _imported(node)


def test_what_is_left_out_of_the_tables_layer_is_most_of_what_nothing_imports(tmp_path):
    folder = tmp_path / "python"
    for name in (
        *("libarrow.so.2500", "libarrow_python.so", "libarrow_python.so.2500", "libarrow_python.so.2500.1.0"),
        *("libarrow_flight.so.2500", "_flight.cpython-314-aarch64-linux-gnu.so", "_flight.pyx", "lib.pxd"),
        *("_fs.cpython-314-aarch64-linux-gnu.so", "_pyarrow_cpp_tests.cpython-314-aarch64-linux-gnu.so", "fs.py"),
    ):
        (folder / "pyarrow").mkdir(parents=True, exist_ok=True)
        (folder / "pyarrow" / name).write_text(name)
    pack(folder, tmp_path / "layer.zip")
    assert [name.removeprefix("python/pyarrow/") for name in zipfile.ZipFile(tmp_path / "layer.zip").namelist()] == [
        "_fs.cpython-314-aarch64-linux-gnu.so",
        "fs.py",
        "libarrow.so.2500",
        "libarrow_python.so.2500",
    ]


def test_the_layers_that_were_made_fit_into_one_function_with_its_code():
    require_fits([made_archive(), made_tables_archive()])


def test_layers_that_are_too_large_are_refused_with_both_numbers(monkeypatch):
    monkeypatch.setattr(lambda_layer, "LARGEST", 100_000_000)
    with pytest.raises(NovalineError, match=r"unpack to 1\d\d,\d\d\d,\d\d\d bytes, and Lambda takes 100,000,000"):
        require_fits([made_archive(), made_tables_archive()])
    assert LARGEST == 250 << 20


def test_an_archive_that_nobody_has_made_is_told_with_the_step_that_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(lambda_layer, "layer_archive", lambda: tmp_path / "layer.zip")
    with pytest.raises(NovalineError, match="libraries of the functions' layer are missing") as caught:
        made_archive()
    monkeypatch.setattr(lambda_layer, "tables_archive", lambda: tmp_path / "tables.zip")
    with pytest.raises(NovalineError, match=r"are missing: .*tables\.zip"):
        made_tables_archive()
    assert "novaline.lambda_layer" in caught.value.findings[0].hint
