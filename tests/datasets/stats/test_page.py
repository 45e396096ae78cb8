"""The page of a dataset: it says what the figures are, and draws what is worth drawing."""

import json
import re

import pytest

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.stats.measure import measure
from novaline.datasets.stats.page import stats_page
from novaline.reporting.page import render


def rows_of(number, answer, *, system=None, turns=1):
    for each in range(number):
        asked = [{"role": "user", "content": [{"text": "question " * (1 + each % 9) + str(each)}]}]
        before = [*asked, {"role": "assistant", "content": [{"text": "yes?"}]}] * (turns - 1 if each % 2 else 0)
        row = {"messages": [*before, *asked, {"role": "assistant", "content": [{"text": answer(each)}]}]}
        yield {"system": [{"text": system}], **row} if system else row


@pytest.fixture
def page(tmp_path):
    def of(rows, format_name="sft", name="data.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return render(stats_page(measure(path, FORMATS[format_name])))

    return of


def headings(html):
    return re.findall(r"<h[123][^>]*>(.*?)</h[123]>", html)


def test_a_classification_has_its_labels_drawn_by_name_and_in_a_table(page):
    html = page(rows_of(60, lambda each: ["refund", "refund", "track", "cancel"][each % 4], system="Sort it."))
    assert headings(html) == [
        "data.jsonl", "How long rows are", "Row", "Question", "Answers", "Rows per label", "What rows hold", "Samples",
    ]  # fmt: skip
    assert "refund: 30 (50.0 %)" in html
    assert html.count('class="number share"') == 3
    assert "Sort it." in html
    assert "Nothing stands out" in html


def test_many_labels_are_columns_and_equal_ones_are_not_drawn(page):
    many = page(rows_of(400, lambda each: f"label {each % 40 if each < 300 else 0}"))
    assert "One column a label" in many
    equal = page(rows_of(400, lambda each: f"label {each % 40}"))
    assert "Rows per label" not in headings(equal)
    assert "Each is there 10 times." in equal


def test_free_answers_have_their_lengths_drawn(page):
    html = page(rows_of(60, lambda each: f"answer {each} " * (1 + each % 5), turns=2))
    assert headings(html)[1:5] == ["How long rows are", "Row", "Question", "Answer"]
    assert "Messages a row" in headings(html)
    assert "Answers" not in headings(html)


def test_what_repeats_is_told_with_lines(page):
    rows = list(rows_of(10, lambda each: f"a longer answer {each}"))
    html = page([*rows, rows[3], {**rows[4], "messages": [rows[4]["messages"][0], rows[5]["messages"][1]]}])
    assert "What repeats" in headings(html)
    assert "Lines 4, 11" in html
    assert "Lines 5, 12" in html
    assert html.count('<li class="warning">') == 2


def test_texts_of_a_corpus_are_drawn_once(page):
    html = page(({"text": "word " * (1 + each % 20) + str(each)} for each in range(50)), "cpt")
    assert headings(html) == ["data.jsonl", "How long rows are", "Row", "Samples"]


def test_a_name_and_texts_that_look_like_markup_are_shown_as_they_are(page):
    rows = rows_of(40, lambda each: "<b>bold</b>" if each % 3 else "</script>", system="<script>alert(1)</script>")
    html = page(rows, name="<i>.jsonl")
    assert headings(html)[0] == "&lt;i&gt;.jsonl"
    assert not re.search(r"<(script|b|i)\b", html)


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_has_a_page(page, format_name):
    row = json.loads(FORMATS[format_name].example)
    html = page([row] * 3, format_name)
    assert headings(html)[:2] == ["data.jsonl", "How long rows are"]
    assert "tokens each" in html
