"""What the commands that everybody waits for do not import, so that they stay as fast as `make bench` promises."""

import pytest

from benchmarks.commands import EXAMPLE, heavy_imports


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("check", str(EXAMPLE)), ("recipes", "--help"), ("recipes", "list"), ("prices", "--help")],
    ids=lambda arguments: " ".join(word.rpartition("/")[2] for word in arguments),
)
def test_neither_the_cdk_nor_an_aws_client_is_loaded(arguments):
    assert heavy_imports(arguments) == []


def test_a_heavy_import_would_be_found(monkeypatch):
    import benchmarks.commands

    monkeypatch.setattr(benchmarks.commands, "_LOADED", "import boto3\n" + benchmarks.commands._LOADED)
    assert set(heavy_imports(("--help",))) == {"boto3", "botocore"}


def test_the_help_reads_no_catalogue_and_builds_no_model(monkeypatch):
    import benchmarks.commands

    ours = ("pydantic", "yaml", "msgspec", "novaline.recipes.catalogue", "novaline.customization.model")
    script = benchmarks.commands._LOADED.replace(repr(benchmarks.commands.HEAVY), repr(ours))
    assert str(ours) in script
    monkeypatch.setattr(benchmarks.commands, "_LOADED", script)
    assert heavy_imports(("--help",)) == []
    assert set(heavy_imports(("recipes", "list"))) >= {"pydantic", "yaml", "novaline.recipes.catalogue"}
