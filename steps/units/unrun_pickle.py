"""What a pickle says, without running it: its opcodes are read, and names of classes become inert objects.

Nothing is imported and nothing is called, whatever names the file has: an object is the name of its class with what it
would be made of and its state. joblib writes the numbers of arrays behind the opcodes that describe them; they are read
as numpy's arrays. Format: https://docs.python.org/3/library/pickletools.html, and joblib's `NumpyArrayWrapper`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickletools import genops
from typing import Any, BinaryIO, ClassVar

import numpy as np

from utils.errors import InputError, in_one_line

WRAPPER = "joblib.numpy_pickle NumpyArrayWrapper"
KINDS = "fiu"  # of numbers
MARK = object()
FAULTS = (EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError)


@dataclass(eq=False)
class InertObject:
    """Stands for an object, or for a class: `named` by module and name, made of `args`, with its `state`."""

    named: str
    args: Any = ()
    state: Any = None


class UnrunPickle:
    """The machine of a pickle, whose objects are inert.

    Args:
        file: from whose place the opcodes are read.
    """

    def __init__(self, file: BinaryIO):
        self.file = file
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        """What the pickle holds. Raises one of FAULTS for what is none."""
        for opcode, argument, _ in genops(self.file):
            name = opcode.name
            if name == "STOP":
                return self.stack.pop()
            if name in self.ACTIONS:
                self.ACTIONS[name](self, argument)
            elif name in self.CONSTANTS:
                self.stack.append(self.CONSTANTS[name]())
            elif opcode.arg is not None and opcode.stack_before == [] and len(opcode.stack_after) == 1:
                self.stack.append(argument)
            elif name not in ("PROTO", "FRAME"):
                raise NotImplementedError(name)
        raise EOFError("no end")

    def _since_mark(self, argument: Any = None) -> list[Any]:
        begin = max(place for place, value in enumerate(self.stack) if value is MARK)
        found, self.stack[begin:] = self.stack[begin + 1 :], []
        return found

    def _pop(self, argument: Any = None) -> Any:
        return self.stack.pop()

    def _last(self, n: int) -> tuple:
        found = tuple(self.stack[-n:])
        del self.stack[-n:]
        return found

    def _global(self, argument: str) -> None:
        self.stack.append(InertObject(argument))

    def _stack_global(self, argument: Any) -> None:
        self.stack.append(InertObject(" ".join(self._last(2))))

    def _call(self, argument: Any) -> None:
        made, args = self._last(2)
        self.stack.append(InertObject(made.named, args))

    def _call_with_names(self, argument: Any) -> None:
        made, args, _ = self._last(3)
        self.stack.append(InertObject(made.named, args))

    def _build(self, argument: Any) -> None:
        state = self.stack.pop()
        top = self.stack[-1]
        top.state = state
        if top.named == WRAPPER:
            array = array_behind(self.file, state)
            self.memo = {key: array if value is top else value for key, value in self.memo.items()}
            self.stack[-1] = array

    def _append_all(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)

    def _set_all(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str | int):
                    self.stack[-1][key] = value

    def _memoize(self, argument: int | None) -> None:
        self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]

    CONSTANTS: ClassVar[dict[str, Callable[[], Any]]] = {
        **{"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "MARK": lambda: MARK},
        **{"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": list},
    }
    ACTIONS: ClassVar[dict[str, Callable[["UnrunPickle", Any], Any]]] = {
        **{"GLOBAL": _global, "STACK_GLOBAL": _stack_global, "BUILD": _build},
        **dict.fromkeys(("REDUCE", "NEWOBJ"), _call),
        **{"NEWOBJ_EX": _call_with_names, "POP": _pop, "POP_MARK": _since_mark},
        **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _memoize),
        **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda self, key: self.stack.append(self.memo[key])),
        **{f"TUPLE{n}": lambda self, _, n=n: self.stack.append(self._last(n)) for n in (1, 2, 3)},
        **{"TUPLE": lambda self, _: self.stack.append(tuple(self._since_mark()))},
        **dict.fromkeys(("LIST", "FROZENSET"), lambda self, _: self.stack.append(self._since_mark())),
        **{"APPEND": lambda self, _: self._append_all([self.stack.pop()])},
        **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda self, _: self._append_all(self._since_mark())),
        **{"SETITEM": lambda self, _: self._set_all(list(self._last(2)))},
        **{"SETITEMS": lambda self, _: self._set_all(self._since_mark())},
    }


def array_behind(file: BinaryIO, state: dict[str, Any]) -> np.ndarray:
    """The array whose numbers stand at the place of the file. Raises ValueError where they are none.

    Args:
        state: of joblib's wrapper: shape, order, dtype, and whether there is padding before the numbers.
    """
    dtype = dtype_of(state["dtype"])
    if state.get("numpy_array_alignment_bytes") is not None:
        file.read(int.from_bytes(file.read(1), "little"))
    shape = tuple(int(size) for size in state["shape"])
    content = file.read(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if state.get("order") == "F" else "C")


def dtype_of(inert: Any) -> np.dtype:
    """The type of numbers that an inert `numpy.dtype` stands for. Raises ValueError for any other."""
    if not isinstance(inert, InertObject) or inert.named != "numpy dtype":
        raise ValueError("an array without a type")
    dtype = np.dtype(str(inert.args[0]))
    if dtype.kind not in KINDS:
        raise ValueError(f"an array of {dtype}")
    order = inert.state[1] if isinstance(inert.state, tuple) and len(inert.state) > 1 else "<"
    return dtype.newbyteorder(">" if order == ">" else "<")


def read_unrun(path: Path) -> Any:
    """What a pickle holds. Raises InputError where it is cut short, or not one that can be read so."""
    with Path(path).open("rb") as file:
        try:
            return UnrunPickle(file).read()
        except FAULTS as error:
            raise InputError(
                f"{path}: not readable without running it ({type(error).__name__}: {in_one_line(error, 100)}); is it"
                " whole, and not compressed?"
            ) from error


def find_named(value: Any, name: str, depth: int = 6) -> np.ndarray | None:
    """The array that is called `name` in what a pickle holds; None where there is none."""
    if isinstance(value, InertObject):
        value = value.state
    if not isinstance(value, dict) or not depth:
        return None
    found = value.get(name)
    if isinstance(found, np.ndarray):
        return found
    inside = (find_named(one, name, depth - 1) for one in value.values())
    return next((one for one in inside if one is not None), None)
