"""Charts: what is drawn, in which colours, and what those are told who cannot see it or point at it."""

import re
from xml.etree import ElementTree

import pytest

from novaline.reporting import palette
from novaline.reporting.charts import Bar, Bin, Mark, bar_chart, columns, histogram

HOSTILE = 'a\'b\\c </text><script>alert(1)</script> & "d" \u202e\n]e'

BARS = bar_chart([Bar("red", 3), Bar("green", 1200)], description="Two bars.", value_title="rows")
COLUMNS = columns(
    [Bar(f"label {n}", n) for n in range(50, 0, -1)], description="50.", value_title="rows", title="labels"
)
EVEN = histogram(
    [Bin(0, 5, 3), Bin(5, 10, 8), Bin(10, 15, 1)],
    description="Lengths.",
    title="tokens",
    value_title="rows",
    marks=[Mark(6, "median 6"), Mark(14, "99 % 14")],
)
WIDENING = histogram(
    [Bin(0, 1, 3), Bin(1, 2, 8), Bin(2, 4, 1), Bin(4, 1000, 2)], description="Lengths.", title="", value_title=""
)
ALL = [BARS, COLUMNS, EVEN, WIDENING]


def elements(drawing, tag):
    return list(ElementTree.fromstring(drawing.svg).iter(tag))


def words(drawing):
    return ["".join(element.itertext()) for element in elements(drawing, "text")]


def tips(drawing):
    return [element.text for element in elements(drawing, "title")]


def test_a_bar_has_its_label_its_value_and_a_tip():
    assert {"red", "green", "3", "1,200", "rows"} <= set(words(BARS))
    assert tips(BARS) == ["red: 3", "green: 1,200"]


def test_bars_stand_in_the_order_given_and_are_as_long_as_their_values():
    lengths = [
        float(re.search(r"h([\d.]+)", element.get("d"))[1]) for element in elements(BARS, "path") if len(element)
    ]
    assert lengths[1] / lengths[0] == pytest.approx(400)


def test_two_labels_that_are_cut_to_the_same_words_keep_a_bar_each():
    long = "x" * 100
    drawing = bar_chart([Bar(f"{long} one", 1), Bar(f"{long} two", 2)], description="", value_title="rows")
    assert len(tips(drawing)) == 2


def test_many_columns_have_a_tip_each_and_no_labels():
    assert tips(COLUMNS) == [f"label {n}" for n in range(50, 0, -1)]
    assert not any(word.startswith("label ") for word in words(COLUMNS))


def test_a_histogram_has_a_bar_for_each_bin_and_its_marks():
    assert tips(EVEN) == ["0 to 4: 3", "5 to 9: 8", "10 to 14: 1"]
    assert {"median 6", "99 % 14"} <= set(words(EVEN))


def test_bins_that_widen_stand_on_a_logarithmic_scale_and_none_is_lost():
    assert tips(WIDENING) == ["0: 3", "1: 8", "2 to 3: 1", "4 to 999: 2"]
    widths = [
        float(re.search(r"h(-?[\d.]+)", element.get("d"))[1]) for element in elements(WIDENING, "path") if len(element)
    ]
    assert min(widths) > 10
    assert max(widths) < 300


def test_a_histogram_of_nothing_is_drawn_too():
    assert tips(histogram([], description="Nothing.", title="tokens", value_title="rows")) == []


@pytest.mark.parametrize("drawing", ALL)
def test_a_chart_is_one_picture_with_a_text_alternative_that_scales(drawing):
    root = ElementTree.fromstring(drawing.svg)
    assert (root.tag, root.get("role"), root.get("aria-label")) == ("svg", "img", drawing.description)
    assert root.get("width") is None
    assert root.get("viewBox")


@pytest.mark.parametrize("drawing", ALL)
def test_every_colour_of_a_chart_is_one_that_a_dark_page_replaces(drawing):
    used = set(re.findall(r'(?:fill|stroke)="(#[^"]*|[a-z]+)"', drawing.svg)) - {"none", "transparent"}
    assert used
    assert used <= {colour.light for colour in palette.ROLES.values()}


def test_hostile_labels_are_shown_as_text():
    for drawing in (
        bar_chart([Bar(HOSTILE, 1)], description=HOSTILE, value_title="rows"),
        columns([Bar(HOSTILE, 1)], description=HOSTILE, value_title="rows", title="labels"),
    ):
        assert elements(drawing, "script") == []
        assert tips(drawing)[0].startswith(
            'a\'b\\c </text><script>alert(1)</script> & "d" \N{REPLACEMENT CHARACTER} ]e'
        )
    assert any(
        word.startswith("a'b\\c </text>")
        for word in words(bar_chart([Bar(HOSTILE, 1)], description="", value_title=""))
    )


def luminance(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", [palette.PAGE, palette.CARD])
def test_texts_and_marks_stand_out_from_their_ground(scheme, ground):
    behind = getattr(ground, scheme)
    for text in (palette.INK, palette.MUTED, palette.SECOND):
        assert contrast(getattr(text, scheme), behind) >= 4.5
    for mark in (palette.ACCENT, palette.BAD, palette.GOOD):
        assert contrast(getattr(mark, scheme), behind) >= 3
