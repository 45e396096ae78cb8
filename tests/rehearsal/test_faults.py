"""Faults are handed out once each, to the requests that they are meant for."""

from novaline.rehearsal.faults import Fault, FaultStore, fault_from_json, fault_to_json


def fault(**more):
    return Fault(**{"service": "sagemaker", "operation": "CreateTrainingJob", "kind": "fail", **more})


def test_a_fault_is_taken_as_often_as_it_says():
    store = FaultStore()
    store.add(fault(times=2))
    taken = [store.take("sagemaker", "CreateTrainingJob", "job") for _ in range(3)]
    assert [found is not None for found in taken] == [True, True, False]


def test_a_fault_is_for_one_operation_and_for_names_that_hold_its_match():
    store = FaultStore()
    store.add(fault(match="holdout"))
    assert store.take("bedrock", "CreateTrainingJob", "holdout") is None
    assert store.take("sagemaker", "StopTrainingJob", "holdout") is None
    assert store.take("sagemaker", "CreateTrainingJob", "train") is None
    assert store.take("sagemaker", "CreateTrainingJob", "a-holdout-1") is not None


def test_faults_are_taken_in_the_order_they_came():
    store = FaultStore()
    store.add(fault(message="first"))
    store.add(fault(message="second"))
    assert [store.take("sagemaker", "CreateTrainingJob", "x").message for _ in range(2)] == ["first", "second"]


def test_a_fault_survives_the_control_path():
    given = fault(code="ThrottlingException", message="slow down", times=3, match="x")
    assert fault_from_json(fault_to_json(given)) == given
