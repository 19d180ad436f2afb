from __future__ import annotations

import pickle

import pytest

from asteroid.errors import InputError
from study.ray_backend.remote_exception import RemoteException, cause_of_death


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError("Unable to allocate 8 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_running_out_of_memory_is_recognised(error: Exception, is_one: bool) -> None:
    assert RemoteException.of(error).out_of_memory is is_one


def test_causes_travel_with_an_exception() -> None:
    class AwkwardError(Exception):  # its pickle cannot be read: __init__ wants two arguments
        def __init__(self, one: str, two: str) -> None:
            super().__init__(one + two)

    try:
        try:
            try:
                raise AwkwardError("dee", "per")
            except AwkwardError as inner:
                raise OSError(28, "no space") from inner
        except OSError as error:
            raise InputError("one line") from error
    except InputError as error:
        rebuilt = pickle.loads(pickle.dumps(RemoteException.of(error))).rebuild()
    assert type(rebuilt) is InputError
    assert str(rebuilt) == "one line"
    assert isinstance(rebuilt.__cause__, OSError)
    assert rebuilt.__cause__.errno == 28
    assert "AwkwardError: deeper" in str(rebuilt.__cause__.__cause__)
    assert "no space" in rebuilt.__notes__[0]


def test_deaths_are_told_without_guesses_and_inventories() -> None:
    low = "1 worker(s) were killed due to the node running low on memory.\nMemory usage 4B exceeded threshold of 2B"
    assert cause_of_death(RuntimeError(f"{low} Object store memory usage: [- objects 1")) == " ".join(low.split())
    told = cause_of_death(RuntimeError("The actor died.\x1b[31m Some common causes include: (1) the OOM killer"))
    assert told == r"The actor died.\x1b[31m"
    named = "The actor died unexpectedly.\n\tactor_id: 3f\nThe actor is dead because its worker process has died."
    assert cause_of_death(RuntimeError(named)) == "The actor is dead because its worker process has died."
    assert len(cause_of_death(RuntimeError("why " * 1000))) <= 320
