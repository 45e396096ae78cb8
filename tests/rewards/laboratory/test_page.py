"""The page of an examination stands alone, and says what was found."""

from xml.etree import ElementTree

from novaline.reporting.page import render
from novaline.rewards.laboratory.judgement import judge
from novaline.rewards.laboratory.page import examination_page
from tests.rewards.laboratory.trials import exact, examined, label_rows


def page_of(found):
    return render(examination_page(found, judge(found)))


def test_the_page_has_every_part_and_fetches_nothing():
    html = page_of(examined(exact, own=[(0, "card_arrival"), (0, "no")]))
    for heading in ("score higher?", "Can it be cheated?", "spread?", "taken?", "contract kept?", "How fast is it?"):
        assert heading in html
    assert "<script" not in html
    assert 'src="http' not in html
    assert html.count('role="img"') == 3
    for svg in html.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + svg.partition("</svg>")[0] + "</svg>")


def test_the_page_names_what_pays():
    html = page_of(examined(lambda rollout: float(rollout.reference in rollout.answer)))
    assert "Answers without an answer are paid: all answers, in a row 1.00" in html
    assert "forbid a run" in html


def test_texts_of_rows_are_escaped():
    rows = label_rows(4, labels=("<b>bold</b>", "<script>x</script>"))
    html = page_of(examined(exact, rows))
    assert "<script>" not in html
    assert "&lt;b&gt;bold" in html


def test_a_constant_reward_and_rows_without_references_have_a_page():
    assert "gets 0.5" in page_of(examined(lambda _: 0.5))
    rows = [{name: value for name, value in row.items() if name != "reference_answer"} for row in label_rows()]
    assert "Can it be cheated?" in page_of(examined(lambda rollout: min(len(rollout.answer), 9.0), rows))
