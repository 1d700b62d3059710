"""The machine that is described is the one that measures."""

from __future__ import annotations

import platform

import openvino
import psutil

from rag.measuring.machine import described, linux_processor


def test_this_machine_is_told_when_it_is_described() -> None:
    machine = described()
    assert machine == described()
    assert machine.processor
    assert 1 <= machine.threads <= (psutil.cpu_count() or 1)
    assert machine.memory_bytes == psutil.virtual_memory().total
    assert platform.release() in machine.system
    assert machine.python.endswith(platform.python_version())
    assert openvino.__version__.startswith(dict(machine.packages)["openvino"])


def test_the_name_is_empty_when_the_system_does_not_tell_it() -> None:
    assert linux_processor("processor : 0\nmodel name :\nflags : a b\n") == ""
    assert linux_processor("") == ""


def test_a_board_is_named_when_its_processor_is_not() -> None:
    assert linux_processor("processor : 0\n\nModel : Raspberry Pi 5\n") == "Raspberry Pi 5"
