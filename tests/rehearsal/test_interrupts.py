import os
import signal
import threading

import pytest

from novaline.rehearsal.interrupts import Interrupted, Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_that_asks_to_stop_raises_the_same_exception(number):
    before = signal.getsignal(number)
    with Interrupts() as interrupts, pytest.raises(Interrupted):
        os.kill(os.getpid(), number)
    assert interrupts.asked
    assert signal.getsignal(number) == before


def test_no_handler_of_ordinary_errors_holds_an_interrupt_up():
    assert not issubclass(Interrupted, Exception)


def test_what_is_made_under_a_shield_is_also_noted_before_the_interrupt():
    noted = []

    def make():
        with interrupts.shield():
            os.kill(os.getpid(), signal.SIGINT)
            noted.append("made")

    with Interrupts() as interrupts, pytest.raises(Interrupted):
        make()
    assert noted == ["made"]


def test_cleaning_up_is_not_interrupted_a_second_time():
    with Interrupts():
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_while_cleaning_up_is_only_remembered():
    with Interrupts() as interrupts:
        interrupts.ignore()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.asked


def test_outside_of_the_main_thread_nothing_is_touched():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
