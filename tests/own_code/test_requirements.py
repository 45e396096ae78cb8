"""Pins: one version and its digests for every library, or a refusal with the line."""

import pytest

from novaline.findings import NovalineError
from novaline.own_code import read_pins

A, B = "a" * 64, "b" * 64
GOOD = f"""\
# made by uv
jinja2==3.1.6 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via -r requirements.in

markupsafe==3.0.3 ; python_version >= '3.9' --hash=sha256:{A}  # a comment
Ruamel.yaml[jinja2,libyaml]==0.18.6 --hash=sha256:{B}
"""


def pins(tmp_path, text):
    path = tmp_path / "requirements.txt"
    path.write_text(text, encoding="utf-8")
    return read_pins(path)


def test_what_uv_compiles_is_read_whatever_its_comments_and_breaks(tmp_path):
    assert pins(tmp_path, GOOD).lines == (
        f"Ruamel.yaml[jinja2,libyaml]==0.18.6 --hash=sha256:{B}",
        f"jinja2==3.1.6 --hash=sha256:{A} --hash=sha256:{B}",
        f"markupsafe==3.0.3 ; python_version >= '3.9' --hash=sha256:{A}",
    )


def test_the_digest_is_that_of_the_pins_and_not_of_comments(tmp_path):
    first = pins(tmp_path, GOOD).digest
    assert pins(tmp_path, GOOD.replace("# made by uv", "# made by hand")).digest == first
    assert pins(tmp_path, GOOD.replace("3.1.6", "3.1.7")).digest != first
    assert pins(tmp_path, GOOD.replace(B, "c" * 64)).digest != first


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("jinja2", "jinja2 is not pinned to one version"),
        ("jinja2>=3", "jinja2 is not pinned to one version"),
        ("jinja2==3.*", "jinja2 is not pinned to one version"),
        ("jinja2==3.1.6", "jinja2 is pinned to 3.1.6 without a digest"),
        ("jinja2==3.1.6 ; python_version > '3'", "jinja2 is pinned to 3.1.6 without a digest"),
        (f"jinja2==3.1.6 --hash=md5:{A}", "jinja2 is not pinned to one version"),
        ("jinja2 @ https://example.com/jinja2.whl", "jinja2 is not pinned to one version"),
        ("./wheels/jinja2.whl", "is not pinned to one version"),
        ("-e .", "the option -e is not taken here"),
        ("--index-url=https://example.com", "the option --index-url is not taken here"),
        ("-r other.txt", "the option -r is not taken here"),
    ],
)
def test_a_line_that_pins_nothing_is_refused_with_its_number(tmp_path, line, about):
    with pytest.raises(NovalineError) as caught:
        pins(tmp_path, GOOD + line + "\n")
    (finding,) = caught.value.findings
    assert about in finding.message
    assert (finding.line, finding.code) == (9, "unpinned-requirement")
    assert finding.hint


def test_every_line_is_reported_at_once(tmp_path):
    with pytest.raises(NovalineError) as caught:
        pins(tmp_path, "a\nb \\\n  >= 2\nc==1\n")
    assert [finding.line for finding in caught.value.findings] == [1, 2, 4]


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(NovalineError, match="pins nothing"):
        pins(tmp_path, "# nothing\n")
