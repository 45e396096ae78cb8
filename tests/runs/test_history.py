from datetime import timedelta

from fake_aws import T0, events

from novaline.runs.history import current_states, phases, visits

ACCEPTED = [
    (0, "enter", "Admit"),
    (1, "leave", "Admit"),
    (1, "enter", "Train"),
    (5, "leave", "Train"),
    (5, "enter", "Collect checkpoint"),
    (6, "leave", "Collect checkpoint"),
    (6, "enter", "Evaluate"),
    (6, "enter", "Run evaluation"),
    (6, "enter", "Run evaluation"),
    (8, "leave", "Run evaluation"),
    (9, "leave", "Run evaluation"),
    (9, "leave", "Evaluate"),
    (9, "enter", "Compare"),
    (10, "leave", "Compare"),
    (10, "enter", "Good enough?"),
    (10, "leave", "Good enough?"),
    (10, "enter", "Import model"),
]


def told(story, **how):
    return [(phase.key, phase.status) for phase in phases(visits(events(story)), **how)]


def test_a_run_that_goes_on_is_in_its_last_phase():
    assert told(ACCEPTED) == [
        ("admit", "done"),
        ("train", "done"),
        ("evaluate", "done"),
        ("gate", "done"),
        ("import", "running"),
    ]


def test_a_phase_lasts_from_its_first_state_to_the_next_phase():
    train = phases(visits(events(ACCEPTED)))[1]
    assert train.seconds(T0) == 5
    last = phases(visits(events(ACCEPTED)))[-1]
    assert last.seconds(T0 + timedelta(seconds=12)) == 2


def test_states_that_run_at_the_same_time_are_each_told_once():
    assert current_states(visits(events(ACCEPTED[:9]))) == ("Evaluate", "Run evaluation")
    assert current_states(visits(events(ACCEPTED[:10]))) == ("Evaluate", "Run evaluation")
    assert current_states(visits(events(ACCEPTED[:12]))) == ()


def test_a_wait_between_two_looks_belongs_to_the_phase_before_it():
    story = [
        *ACCEPTED,
        (11, "leave", "Import model"),
        (11, "enter", "Wait for the model"),
        (15, "enter", "Describe model"),
    ]
    assert told(story) == told(ACCEPTED)


def test_what_the_failure_path_interrupted_has_failed_and_the_path_itself_is_no_phase():
    story = [*ACCEPTED[:3], (4, "leave", "Train"), (4, "enter", "Record failure"), (5, "enter", "Failed")]
    assert told(story, ended=T0 + timedelta(seconds=6), failed=True) == [("admit", "done"), ("train", "failed")]
    assert phases(visits(events(story)))[-1].seconds(T0) == 3


def test_an_execution_that_was_stopped_fails_in_its_last_phase():
    assert told(ACCEPTED[:3], ended=T0 + timedelta(seconds=2), failed=True)[-1] == ("train", "failed")


def test_a_rejected_run_ends_well_in_its_gate():
    story = [*ACCEPTED[:16], (10, "enter", "Rejected"), (10, "leave", "Rejected")]
    assert told(story, ended=T0 + timedelta(seconds=10))[-1] == ("gate", "done")


def test_a_run_that_has_just_started_has_no_phase():
    assert told([]) == []


CHAIN = [
    (0, "enter", "Admit"),
    *((1, "enter", state) for state in ("Prepare stage", "Reward to try?")),
    *((2, "enter", state) for state in ("Train", "Collect checkpoint", "Another stage?")),
    *((5, "enter", state) for state in ("Prepare stage", "Reward to try?")),
    (6, "enter", "Try reward"),
    (7, "enter", "Train"),
]


def titles(story, **how):
    return [(phase.title, phase.number) for phase in phases(visits(events(story)), **how)]


def test_each_stage_has_phases_of_its_own_with_its_name():
    assert titles(CHAIN, stages=("sft", "rft")) == [
        ("Admit", 0),
        ("Prepare sft", 1),
        ("Train sft", 1),
        ("Prepare rft", 2),
        ("Try the reward function of rft", 2),
        ("Train rft", 2),
    ]


def test_two_stages_of_which_nobody_knows_the_names_are_still_two():
    assert [title for title, _ in titles(CHAIN)] == [
        *("Admit", "Prepare", "Train", "Prepare", "Try the reward function", "Train"),
    ]
    assert [phase.seconds(T0) for phase in phases(visits(events(CHAIN)))][:3] == [1, 1, 3]


def test_a_second_stage_that_cannot_be_prepared_leaves_the_first_one_done():
    story = [*CHAIN[:7], (6, "enter", "Record failure")]
    assert told(story, stages=("sft", "rft"), failed=True)[-2:] == [("train", "done"), ("prepare", "failed")]
