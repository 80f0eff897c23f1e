"""What a thread does behind its caller is done in turn, and its faults are told."""

import threading

import pytest

from utils.behind import behind


def test_calls_come_in_turn_and_all_of_them():
    done, may_go_on = [], threading.Event()
    with behind() as do:
        do(lambda: may_go_on.wait(10) and done.append("first"))
        assert done == []  # the caller went on
        may_go_on.set()
        for number in range(20):
            do(done.append, number)
    assert done == ["first", *range(20)]


@pytest.mark.parametrize("later", [0, 2])
def test_a_fault_is_raised_by_the_next_call_or_at_the_end(later):
    def fail():
        raise OSError("no space left on device")

    done = []
    with pytest.raises(OSError, match="no space left"), behind() as do:
        do(fail)
        for number in range(later):
            do(done.append, number)
    assert done == []


def test_a_fault_of_the_caller_is_its_own():
    done = []
    with pytest.raises(ValueError, match="mine"), behind() as do:
        do(done.append, 1)
        raise ValueError("mine")
    assert done == [1]
