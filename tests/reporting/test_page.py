"""Pages: whole in one file, readable by everybody, and safe whatever the texts in them are."""

import os
import stat
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from novaline.findings import NovalineError
from novaline.reporting import extra
from novaline.reporting.charts import Bar, bar_chart
from novaline.reporting.page import (
    Chart,
    Charts,
    Column,
    Facts,
    Figures,
    Note,
    Notes,
    Page,
    Prose,
    Section,
    Table,
    render,
    write,
)
from novaline.reporting.wording import shown, size_text

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)> \"' & \x00\x1b[2J\u202e\ud800"
COLUMNS = (Column(HOSTILE), Column("Rows", "number"))
CHART = Chart(
    "Bars",
    bar_chart([Bar(HOSTILE, 3)], description=HOSTILE, value_title="rows"),
    HOSTILE,
    Table("Numbers", COLUMNS, [("a", "1")], folded=True),
)
PAGE = Page(
    title=HOSTILE,
    subtitle=HOSTILE,
    lead=(Figures([("Rows", "3", HOSTILE)]), Notes([Note("warning", HOSTILE, HOSTILE), Note("good", "fine")])),
    sections=(
        Section("One", [CHART, Charts([CHART, CHART]), Prose(HOSTILE)], HOSTILE),
        Section("Two", [Facts([(HOSTILE, HOSTILE)]), Table(HOSTILE, COLUMNS, [(HOSTILE, "1")], shares=[0.25])]),
    ),
    footnote=HOSTILE,
)
EMPTY = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page, and sees to it that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def html():
    return render(PAGE)


@pytest.fixture(scope="module")
def read(html):
    return Reader(html)


def test_a_page_has_no_script_and_fetches_nothing(html, read):
    tags = {tag for tag, _ in read.found}
    assert not tags & {"script", "link", "img", "iframe", "object", "base", "image", "use"}
    for _, attributes in read.found:
        assert not {"src", "href", "xlink:href", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    (style,) = html.split("<style>")[1:]
    assert "url(" not in style.partition("</style>")[0]
    assert "@import" not in style.partition("</style>")[0]
    policy = next(each["content"] for each in read.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_hostile_texts_stand_on_the_page_as_texts(html, read):
    text = "".join(read.text)
    assert text.count("<script>alert(1)</script>") >= 12
    assert not any(char in html for char in "\x00\x1b\u202e\ud800")


def test_light_and_dark_have_a_colour_for_each_role_and_the_reader_chooses(html, read):
    light, dark = html.split("@media (prefers-color-scheme: dark)")
    for role in ("ink", "muted", "line", "accent", "second", "bad", "good", "page", "card"):
        assert f"--{role}: #" in light
        assert f"--{role}: #" in dark
        assert f"{{ fill: var(--{role}); }}" in dark
    assert {"name": "color-scheme", "content": "light dark"} in read.all("meta")


def test_a_page_is_structured_for_who_does_not_see_it(read):
    assert read.all("html") == [{"lang": "en"}]
    assert [len(read.all(tag)) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    headings = [int(tag[1]) for tag, _ in read.found if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()]
    assert all(after - before <= 1 for before, after in pairwise(headings))
    ids = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    assert len(ids) == len(set(ids)) == 2
    assert [each["aria-labelledby"] for each in read.all("section")] == ids
    assert all(each["role"] == "img" and each["aria-label"] for each in read.all("svg"))
    assert all(each.get("scope") in ("col", "row") for each in read.all("th"))
    assert len(read.all("summary")) == len(read.all("details")) == 3


def test_a_share_is_drawn_behind_the_last_cell_of_its_row(read):
    shares = [each["style"] for each in read.all("td") if "style" in each]
    assert shares == ["--share:0.2500"]


def test_a_page_is_written_whole_or_not_at_all(tmp_path, html):
    path = tmp_path / "page.html"
    write(PAGE, path)
    assert path.read_text(encoding="utf-8") == html
    before = os.umask(0)
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~before
    broken = Page(title="x", subtitle="", lead=[None], sections=())  # what no template can print
    with pytest.raises(Exception, match="kind"):
        write(broken, path)
    assert path.read_text(encoding="utf-8") == html
    with pytest.raises(FileNotFoundError):
        write(PAGE, tmp_path / "nowhere" / "page.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OSError, match=r"folder\.html"):
        write(PAGE, tmp_path / "folder.html")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder.html", "page.html"]


def test_who_lacks_the_libraries_is_told_what_to_install(monkeypatch):
    extra.require()
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in ("altair", "vl_convert") else object())
    with pytest.raises(NovalineError) as told:
        extra.require()
    (finding,) = told.value.findings
    assert finding.message.endswith("not installed: altair and vl-convert-python")
    assert finding.hint == "pip install 'novaline[report]'"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("plain", 0, "plain"),
        (" a\n\t b ", 0, "a b"),
        ("a\x00b\x1b\u202ec\ud800", 0, "a\ufffdb\ufffd\ufffdc\ufffd"),
        ("délai 你好", 0, "délai 你好"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abc " * 1_000_000, 6, "abc a…"),
        (" " * 100 + "a", 6, ""),
    ],
)
def test_texts_are_shown_on_one_line_without_what_cannot_be_printed(text, most, expected):
    assert shown(text, most) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (3e15, "3000.0 TB"),
    ],
)
def test_sizes_have_the_unit_that_fits(size, expected):
    assert size_text(size) == expected
