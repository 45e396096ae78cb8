"""Clean files of every format, whatever their rows hold, are validated without a finding, but that they are small."""

import pytest
from planted import clean_files

from novaline.datasets import validate as validation
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.validate import ModelFacts, Options, validate

CLEAN = clean_files()


def test_there_are_clean_files_of_every_format():
    assert {name for name, _, _ in CLEAN} == set(FORMATS)


@pytest.fixture(params=["small", "large"])
def any_size(request, monkeypatch):
    """Files are read as small ones are, and as large ones are."""
    if request.param == "large":
        monkeypatch.setattr(validation, "_LARGE", 0)


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(("name", "path", "model"), CLEAN, ids=lambda each: getattr(each, "name", str(each)))
def test_nothing_is_found_in_a_clean_file(name, path, model):
    for chosen in (ModelFacts.of(model), None):
        report = validate([path], Options(format=name, model=chosen))
        assert [each for each in report.findings if each.code != "few-rows"] == []
        assert report.rows == len(path.read_bytes().splitlines())
