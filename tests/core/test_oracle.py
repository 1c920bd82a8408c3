"""The oracle's judgement: every reason to refuse, each provoked by the attack or fault it stands for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metering import (
    DOMAIN,
    EPOCH,
    HOUR_S,
    RATED_W,
    SITE,
    START_S,
    Memory,
    frame_of,
    meter_key,
    payload,
    reading_of,
    record,
)

from iot_sim.faults import tampered_payload, tampered_signature
from microgrid.domain.records import DeviceStatus, Frame, Reading, Rejection, RejectionReason
from microgrid.domain.wire import Payload, Quality, SigningDomain
from microgrid.oracle import GAP_WINDOW, Duplicate, Verdict, Verifier, advance

KEY = meter_key(0)
DEVICES = {"meter-0": record("meter-0", KEY), "meter-1": record("meter-1", meter_key(1))}


class Oracle:
    """A verifier with a memory that plays the store: every batch is one message."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.verifier = self.memory.verifier()
        self.devices = dict(DEVICES)

    def judge(self, frame: Frame, now_s: int = START_S + 10 * HOUR_S) -> Verdict:
        verdict = self.verifier.judge(frame, self.devices, now_s)
        if isinstance(verdict, Reading):
            self.memory.keep(verdict)
        self.verifier.committed()
        return verdict

    def reason(self, frame: Frame, now_s: int = START_S + 10 * HOUR_S) -> RejectionReason:
        verdict = self.judge(frame, now_s)
        assert isinstance(verdict, Rejection), verdict
        assert verdict.explanation
        assert frame.data.startswith(verdict.data)
        return verdict.reason

    def accept(self, *sequences: int) -> None:
        for sequence in sequences:
            assert isinstance(self.judge(frame_of(payload(sequence))), Reading)


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


def test_a_signed_reading_of_a_registered_device_is_accepted_as_it_is(oracle: Oracle) -> None:
    assert oracle.judge(frame_of(payload(0))) == reading_of(payload(0))


def test_an_oversized_message_is_refused_and_kept_only_in_part(oracle: Oracle) -> None:
    verdict = oracle.judge(Frame("mg/1/north/meter-0/up/r", bytes(50_000_000)))
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, len(verdict.data)) == (RejectionReason.OVERSIZED, 1_024)
    assert "50000000 bytes" in verdict.explanation


@settings(max_examples=200)
@given(data=st.binary(max_size=1_000))
def test_arbitrary_bytes_are_refused_as_malformed(data: bytes) -> None:
    assert Oracle().reason(Frame("mg/1/north/meter-0/up/r", data)) is RejectionReason.MALFORMED


@settings(max_examples=200)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_anywhere_in_a_frame_gets_through(place: int, bit: int) -> None:
    frame = frame_of(payload(3))
    where = place % len(frame.data)
    damaged = frame.data[:where] + bytes([frame.data[where] ^ 1 << bit]) + frame.data[where + 1 :]
    verdict = Oracle().judge(Frame(frame.topic, damaged))
    assert isinstance(verdict, Rejection)


@pytest.mark.parametrize(
    "topic", ["mg/1/north/meter-1/up/r", "mg/1/south/meter-0/up/r", "mg/1/north/meter-0/up/x", "elsewhere"]
)
def test_a_reading_published_where_it_does_not_belong_is_refused(oracle: Oracle, topic: str) -> None:
    """A captured device must not speak in another's name, nor may readings be carried over from another site."""
    assert oracle.reason(replace(frame_of(payload(0)), topic=topic)) is RejectionReason.TOPIC_MISMATCH


def test_a_device_that_nobody_registered_is_refused(oracle: Oracle) -> None:
    assert oracle.reason(frame_of(payload(0, name="stranger"))) is RejectionReason.UNKNOWN_DEVICE


@pytest.mark.parametrize("status", [DeviceStatus.SUSPENDED, DeviceStatus.RETIRED])
def test_a_suspended_or_retired_device_is_refused(oracle: Oracle, status: DeviceStatus) -> None:
    oracle.devices["meter-0"] = record("meter-0", KEY, status)
    assert oracle.reason(frame_of(payload(0))) is RejectionReason.INACTIVE_DEVICE


def test_a_reading_signed_by_another_registered_device_is_refused(oracle: Oracle) -> None:
    assert oracle.reason(frame_of(payload(0), meter_key(1))) is RejectionReason.BAD_SIGNATURE


def test_a_reading_signed_for_another_chain_is_refused(oracle: Oracle) -> None:
    elsewhere = SigningDomain(DOMAIN.name, DOMAIN.chain_id + 1, DOMAIN.contract)
    assert oracle.reason(frame_of(payload(0), domain=elsewhere)) is RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize("seed", range(10))
def test_a_tampered_payload_or_signature_is_refused(oracle: Oracle, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = frame_of(payload(0, import_wh=12_345))
    changed = oracle.reason(tampered_payload(frame, rng))
    # A changed digit in the version or in a field's name is caught before the signature is looked at.
    assert changed in {RejectionReason.BAD_SIGNATURE, RejectionReason.MALFORMED, RejectionReason.TOPIC_MISMATCH}
    assert oracle.reason(tampered_signature(frame, rng)) is RejectionReason.BAD_SIGNATURE


def test_the_key_of_the_registry_counts_as_it_is_now(oracle: Oracle) -> None:
    """After a rotation the old key is worth nothing."""
    oracle.devices["meter-0"] = record("meter-0", meter_key(9))
    assert oracle.reason(frame_of(payload(0))) is RejectionReason.BAD_SIGNATURE
    assert isinstance(oracle.judge(frame_of(payload(0), meter_key(9))), Reading)


def test_the_same_frame_again_is_a_duplicate_and_not_an_alarm(oracle: Oracle) -> None:
    oracle.accept(0, 1, 2)
    for sequence in (2, 0, 1, 2):
        assert oracle.judge(frame_of(payload(sequence))) == Duplicate("meter-0")


def test_a_duplicate_within_one_batch_is_found_before_anything_is_stored() -> None:
    verifier = Memory().verifier()
    verdicts = [verifier.judge(frame_of(payload(number)), DEVICES, START_S + HOUR_S) for number in (0, 1, 1, 0)]
    assert [type(verdict) for verdict in verdicts] == [Reading, Reading, Duplicate, Duplicate]


@pytest.mark.parametrize("sequence", [0, 2])
def test_another_payload_under_a_known_number_is_equivocation(oracle: Oracle, sequence: int) -> None:
    oracle.accept(0, 1, 2)
    other = payload(sequence, import_wh=100 * sequence + 1)
    assert oracle.reason(frame_of(other)) is RejectionReason.EQUIVOCATION


def test_nobody_without_the_key_can_raise_the_equivocation_alarm(oracle: Oracle) -> None:
    oracle.accept(0, 1)
    forged = frame_of(payload(1, import_wh=999), meter_key(1))
    assert oracle.reason(forged) is RejectionReason.BAD_SIGNATURE


def test_a_new_epoch_begins_and_the_old_one_is_over(oracle: Oracle) -> None:
    oracle.accept(0, 1)
    restarted = payload(0, epoch=EPOCH + 2 * HOUR_S, time_s=START_S + 2 * HOUR_S, import_wh=200)
    assert isinstance(oracle.judge(frame_of(restarted)), Reading)
    assert oracle.reason(frame_of(payload(2))) is RejectionReason.STALE_EPOCH
    assert oracle.judge(frame_of(payload(1))) == Duplicate("meter-0")


def test_a_new_epoch_does_not_turn_the_registers_back(oracle: Oracle) -> None:
    oracle.accept(0, 1)
    restarted = payload(0, epoch=EPOCH + 2 * HOUR_S, time_s=START_S + 2 * HOUR_S, import_wh=0)
    assert oracle.reason(frame_of(restarted)) is RejectionReason.REGISTER_DECREASED


def test_a_late_reading_fills_its_gap_once(oracle: Oracle) -> None:
    oracle.accept(0, 1, 4, 3)
    assert isinstance(oracle.judge(frame_of(payload(2))), Reading)
    assert oracle.judge(frame_of(payload(2))) == Duplicate("meter-0")


def test_a_reading_from_further_back_than_the_gap_window_is_replayed(oracle: Oracle) -> None:
    """Sequence 1 never came; by the time it does the gap has been closed."""
    oracle.accept(0)
    far = payload(GAP_WINDOW + 2, time_s=START_S + 2 * HOUR_S, import_wh=200)
    assert isinstance(oracle.judge(frame_of(far)), Reading)
    assert oracle.reason(frame_of(payload(1))) is RejectionReason.REPLAYED
    assert oracle.reason(frame_of(payload(2))) is RejectionReason.REPLAYED
    just_inside = payload(3, time_s=START_S + HOUR_S, import_wh=100)
    assert isinstance(oracle.judge(frame_of(just_inside)), Reading)


CLOCKS = {
    0: "taken",
    120: "taken",
    121: "flagged",
    600: "flagged",
    601: "refused",
    HOUR_S: "refused",
    -HOUR_S: "taken",
    -7 * 24 * HOUR_S: "taken",
    -7 * 24 * HOUR_S - 1: "refused",
}


@pytest.mark.parametrize(("ahead_s", "fate"), CLOCKS.items())
def test_a_clock_is_taken_flagged_or_refused_by_its_distance(oracle: Oracle, ahead_s: int, fate: str) -> None:
    verdict = oracle.judge(frame_of(payload(0, time_s=START_S + ahead_s)), now_s=START_S)
    if isinstance(verdict, Rejection):
        assert (fate, verdict.reason) == ("refused", RejectionReason.CLOCK)
    else:
        assert isinstance(verdict, Reading)
        assert verdict.quality == {"taken": 0, "flagged": Quality.CLOCK_UNSYNCHRONISED}[fate]


@pytest.mark.parametrize(
    ("time_s", "hint"),
    [
        (START_S * 1_000, "looks like milliseconds"),
        (946_684_800 + 60, "never set"),
        (0, "never set"),
        (START_S + HOUR_S, "3600 s ahead"),
    ],
    ids=["milliseconds", "year 2000", "1970", "an hour ahead"],
)
def test_a_wrong_clock_is_explained(oracle: Oracle, time_s: int, hint: str) -> None:
    verdict = oracle.judge(frame_of(payload(0, time_s=time_s)), now_s=START_S)
    assert isinstance(verdict, Rejection)
    assert verdict.reason is RejectionReason.CLOCK
    assert hint in verdict.explanation


@pytest.mark.parametrize("time_s", [START_S + HOUR_S, START_S])
def test_time_must_rise_with_the_sequence(oracle: Oracle, time_s: int) -> None:
    oracle.accept(0, 1)
    assert oracle.reason(frame_of(payload(2, time_s=time_s))) is RejectionReason.CLOCK


@pytest.mark.parametrize("registers", [{"import_wh": 99}, {"import_wh": 200, "export_wh": 4}])
def test_a_register_that_goes_back_is_refused(oracle: Oracle, registers: dict[str, Any]) -> None:
    assert isinstance(oracle.judge(frame_of(payload(1, import_wh=100, export_wh=5))), Reading)
    assert oracle.reason(frame_of(payload(2, **registers))) is RejectionReason.REGISTER_DECREASED


def test_a_late_reading_must_fit_between_its_neighbours(oracle: Oracle) -> None:
    oracle.accept(0, 2)
    assert oracle.reason(frame_of(payload(1, import_wh=201))) is RejectionReason.REGISTER_DECREASED


BOUND_WH = RATED_W * 11 // 10 + 1


@pytest.mark.parametrize("register", ["import_wh", "export_wh"])
def test_energy_is_bounded_by_rated_power_and_time_and_a_tenth(oracle: Oracle, register: str) -> None:
    """10 kW over one hour and 10 %: 11 kWh, and 1 Wh for rounding."""
    oracle.accept(0)
    start: dict[str, Any] = {"import_wh": 0} | {register: BOUND_WH}
    assert isinstance(oracle.judge(frame_of(payload(1, **start))), Reading)
    beyond = start | {register: 2 * BOUND_WH + 1}
    assert oracle.reason(frame_of(payload(2, **beyond))) is RejectionReason.POWER_EXCEEDED


def test_a_finally_refused_reading_uses_up_its_number_and_the_next_goes_on(oracle: Oracle) -> None:
    oracle.accept(0)
    poison = frame_of(payload(1, import_wh=10**9))
    assert oracle.reason(poison) is RejectionReason.POWER_EXCEEDED
    oracle.memory.keep(reading_of(payload(1, import_wh=10**9)))
    assert isinstance(oracle.judge(frame_of(payload(2))), Reading)
    assert oracle.judge(poison) == Duplicate("meter-0")


PROBES: list[Payload] = [*(payload(number) for number in range(6)), payload(2, import_wh=401), payload(4, import_wh=1)]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: f"{probe.seq}:{probe.imp}")
def test_a_verifier_made_anew_judges_like_the_one_that_went_on(oracle: Oracle, probe: Payload) -> None:
    oracle.accept(0, 1, 4)
    recent = [(reading_of(payload(number)), True) for number in (1, 4)]
    anew = Verifier(SITE, DOMAIN, oracle.memory.stored, {"meter-0": (EPOCH, 1)}, recent)
    frame, now_s = frame_of(probe), START_S + 10 * HOUR_S
    assert anew.judge(frame, DEVICES, now_s) == oracle.judge(frame, now_s)


@settings(max_examples=200)
@given(order=st.permutations(range(10)), repeats=st.lists(st.integers(0, 9), max_size=12))
def test_any_order_with_any_repeats_accepts_each_reading_once(order: list[int], repeats: list[int]) -> None:
    oracle = Oracle()
    verdicts = [oracle.judge(frame_of(payload(number))) for number in [*order, *repeats]]
    assert sorted(verdict.sequence for verdict in verdicts if isinstance(verdict, Reading)) == list(range(10))
    assert not [verdict for verdict in verdicts if isinstance(verdict, Rejection)]


@settings(max_examples=300)
@given(decided=st.sets(st.integers(0, 60)), window=st.integers(1, 20))
def test_the_mark_stands_below_the_first_gap_that_is_still_open(decided: set[int], window: int) -> None:
    newest = max(decided, default=-1)
    missing = [number for number in range(newest) if number not in decided and number > newest - window]
    assert advance(-1, decided, window) == (missing[0] - 1 if missing else newest)
