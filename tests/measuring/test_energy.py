from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rag.measuring.energy import NO_METER, Meter, meter_of, summed
from rag.measuring.meters import Battery, Graphics, Joules, Processors
from rag.types import Energy


def zone(root: Path, folder: str, **files: object) -> Path:
    """A device as Linux shows it: a folder of small files."""
    path = root / folder
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_text(f"{content}\n", encoding="utf-8")
    return path


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """One processor with its cores, and memory beside it."""
    root = tmp_path / "powercap"
    zone(root, "intel-rapl", enabled=1)
    zone(root, "intel-rapl:0", name="package-0", energy_uj=1_000_000, max_energy_range_uj=9_000_000)
    zone(root, "intel-rapl:0:0", name="core", energy_uj=500_000, max_energy_range_uj=9_000_000)
    zone(root, "intel-rapl:0:1", name="dram", energy_uj=200_000, max_energy_range_uj=9_000_000)
    zone(root, "intel-rapl:1", name="psys", energy_uj=5_000_000, max_energy_range_uj=9_000_000)
    return root


def found(powercap: Path) -> Processors:
    processors = Processors.found(powercap)
    assert processors is not None
    return processors


@dataclass(frozen=True)
class Fixed:
    """A gauge that always tells the same."""

    joules: float | None
    name: str = "a fixed gauge"

    def start(self) -> Joules:
        return lambda: self.joules


# --- processors ------------------------------------------------------------------------------


def test_packages_and_memory_are_added_up_when_the_counters_move(powercap: Path) -> None:
    stop = found(powercap).start()
    zone(powercap, "intel-rapl:0", energy_uj=4_000_000)
    zone(powercap, "intel-rapl:0:0", energy_uj=3_000_000)
    zone(powercap, "intel-rapl:0:1", energy_uj=700_000)
    assert stop() == pytest.approx(3.5)


def test_a_counter_goes_on_when_it_has_begun_again(powercap: Path) -> None:
    stop = found(powercap).start()
    zone(powercap, "intel-rapl:0", energy_uj=500_000)
    assert stop() == pytest.approx(8.5)


def test_nothing_is_known_when_a_counter_begins_again_and_nobody_says_at_what(
    powercap: Path,
) -> None:
    stop = found(powercap).start()
    zone(powercap, "intel-rapl:0", energy_uj=500_000, max_energy_range_uj="")
    assert stop() is None


@pytest.mark.parametrize("content", ["", "no number", "-"])
def test_nothing_is_known_when_a_counter_is_no_longer_a_number(
    powercap: Path, content: str
) -> None:
    stop = found(powercap).start()
    zone(powercap, "intel-rapl:0:1", energy_uj=content)
    assert stop() is None


def test_nothing_is_known_when_a_counter_is_gone(powercap: Path) -> None:
    stop = found(powercap).start()
    (powercap / "intel-rapl:0" / "energy_uj").unlink()
    assert stop() is None


def test_no_processor_is_found_when_a_counter_may_not_be_read(powercap: Path) -> None:
    (powercap / "intel-rapl:0:1" / "energy_uj").unlink()
    assert Processors.found(powercap) is None


def test_no_processor_is_found_when_the_system_shows_none(tmp_path: Path) -> None:
    assert Processors.found(tmp_path / "powercap") is None


# --- batteries -------------------------------------------------------------------------------


@pytest.fixture
def supplies(tmp_path: Path) -> Path:
    root = tmp_path / "power_supply"
    zone(root, "AC", type="Mains", online=0)
    zone(root, "BAT0", type="Battery", status="Discharging", power_now=12_000_000)
    zone(root, "mouse", type="Battery", scope="Device", status="Discharging", power_now=9_000_000)
    return root


def taken_in_10_s(supplies: Path) -> float | None:
    battery = Battery.found(supplies)
    assert battery is not None
    return replace(battery, now_s=iter((5.0, 15.0)).__next__).start()()


def test_the_machines_battery_is_read_when_it_is_discharging(supplies: Path) -> None:
    assert taken_in_10_s(supplies) == pytest.approx(120.0)


def test_current_and_voltage_are_read_when_there_is_no_power(supplies: Path) -> None:
    (supplies / "BAT0" / "power_now").unlink()
    zone(supplies, "BAT0", current_now=-2_000_000, voltage_now=5_000_000)
    assert taken_in_10_s(supplies) == pytest.approx(100.0)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", ""])
def test_nothing_is_known_when_the_machine_has_mains(supplies: Path, status: str) -> None:
    zone(supplies, "BAT0", status=status)
    assert taken_in_10_s(supplies) is None


def test_nothing_is_known_when_a_battery_does_not_say_how_much(supplies: Path) -> None:
    zone(supplies, "BAT1", type="Battery", status="Discharging")
    assert taken_in_10_s(supplies) is None


def test_no_battery_is_found_when_the_only_one_is_a_mouses(supplies: Path) -> None:
    for file in (supplies / "BAT0").iterdir():
        file.unlink()
    assert Battery.found(supplies) is None


# --- graphics cards --------------------------------------------------------------------------


def test_all_cards_are_added_up_when_the_tool_answers() -> None:
    watts: list[float] = []
    tool = (sys.executable, "-c", "print('30.5\\n20.0')")
    Graphics(tool)._sample(watts, _Once())  # type: ignore[arg-type]
    assert watts == [50.5]


class _Once:
    """An event that is set after one look."""

    looked = False

    def is_set(self) -> bool:
        was, self.looked = self.looked, True
        return was

    def wait(self, timeout_s: float) -> None: ...


@pytest.mark.parametrize(
    "command", [(sys.executable, "-c", "print('[N/A]')"), (sys.executable, "-c", "exit(9)"), ("",)]
)
def test_nothing_is_known_when_the_tool_does_not_answer(command: tuple[str, ...]) -> None:
    watts: list[float] = []
    Graphics(command)._sample(watts, _Once())  # type: ignore[arg-type]
    assert watts == []
    assert Graphics(command).start()() is None


# --- a meter ---------------------------------------------------------------------------------


def test_nothing_is_known_when_there_is_no_meter() -> None:
    assert NO_METER.start()() is None
    assert "not known" in NO_METER.sentence


def test_the_watts_of_a_person_count_when_there_are_meters_too(supplies: Path) -> None:
    meter = meter_of(60.0, supplies.parent)
    assert replace(meter, now_s=iter((5.0, 65.0)).__next__).start()() == Energy(1.0, "configured")
    assert "60 W" in meter.sentence


def test_the_battery_counts_when_it_is_discharging() -> None:
    meter = Meter(battery=Fixed(7200.0), chips=(Fixed(3600.0),))
    assert meter.start()() == Energy(2.0, "measured", is_whole=True)


def test_the_chips_count_when_the_battery_tells_nothing() -> None:
    meter = Meter(battery=Fixed(None), chips=(Fixed(3600.0), Fixed(1800.0)))
    assert meter.start()() == Energy(1.5, "measured", is_whole=False)


def test_nothing_is_known_when_one_chip_tells_nothing() -> None:
    assert Meter(chips=(Fixed(3600.0), Fixed(None))).start()() is None


def test_meters_are_found_when_the_system_shows_them(powercap: Path, supplies: Path) -> None:
    meter = meter_of(None, powercap.parent)
    assert isinstance(meter.battery, Battery)
    assert any(isinstance(chip, Processors) for chip in meter.chips)
    assert "processor" in meter.sentence
    assert "battery" in meter.sentence


def test_no_meter_is_found_when_the_system_shows_none(tmp_path: Path) -> None:
    assert meter_of(None, tmp_path).battery is None


# --- sums ------------------------------------------------------------------------------------


def test_several_are_added_up_when_all_are_known() -> None:
    chips, whole = Energy(1.0, "measured", is_whole=False), Energy(2.0, "measured")
    assert summed([chips, whole]) == Energy(3.0, "measured", is_whole=False)
    assert summed([whole]) == whole


@pytest.mark.parametrize("energies", [[], [None], [Energy(1.0, "measured"), None]])
def test_the_sum_is_unknown_when_one_is_or_there_are_none(energies: list[Energy | None]) -> None:
    assert summed(energies) is None
