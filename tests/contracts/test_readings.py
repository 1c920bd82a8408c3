"""Signed readings: what the registry accepts, what it refuses and why."""

from typing import Any

import pytest
from contract_market import CONFIG, FIRST, HOUR, RATED_W, START, Home, World, packed_reading, reading_of, reverts
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from reading_hands import ACCEPTED, baseline, energy, result

from microgrid.chain.bindings.reading_words import ToldReading, long_signature, short_signature, told_readings

(
    _,
    UNKNOWN_DEVICE,
    INACTIVE_DEVICE,
    BAD_SIGNATURE,
    STALE_SEQUENCE,
    STALE_TIMESTAMP,
    FUTURE_TIMESTAMP,
    TOO_OLD,
    REGISTER_DECREASED,
    POWER_EXCEEDED,
) = range(10)
ORDER_OF_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_the_digest_is_that_of_an_independent_eip712_implementation(world: World) -> None:
    home = world.homes[0]
    reading = reading_of(home, 2**63, 2**40, 2**64 - 1, 12_345)
    domain = {"name": "DeviceRegistry", "version": "1", "chainId": world.web3.eth.chain_id}
    domain["verifyingContract"] = world.registry.address
    names = ("deviceId", "sequence", "timestamp", "importWh", "exportWh", "detail")
    kinds = ("bytes32", "uint64", "uint64", "uint64", "uint64", "bytes32")
    types = {"Reading": [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]}
    message = encode_typed_data(domain, types, dict(zip(names, reading, strict=True)))
    expected = keccak(b"\x19\x01" + message.header + message.body)
    assert world.registry.functions.hashReading(reading).call() == expected


def test_an_accepted_reading_is_stored_and_told(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + HOUR)
    receipt = world.submit([(home, (6, START + HOUR, 1_400, 2_050))])
    (event,) = world.events(receipt, world.registry, "ReadingsTaken")
    assert (event["oracle"], event["batchNumber"]) == (world.parties.oracle, 1)
    assert list(told_readings(event["readings"])) == [ToldReading(0, 6, START + HOUR, 1_400, 2_050, refused=False)]
    assert world.registers(home) == (6, START + HOUR, 1_400, 2_050)
    assert energy(world, home, FIRST) == (400, 50, True)


def test_the_first_reading_is_a_base_line_and_may_have_sequence_zero(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    assert result(world, home, 0, START, 7_000_000, 1) == ACCEPTED
    assert energy(world, home, FIRST - 1) == (0, 0, False)


def test_an_unknown_device_is_refused(world: World) -> None:
    stranger = Home(world.homes[0].account, world.homes[0].meter, keccak(text="nothing"), 1)
    world.at(START)
    assert result(world, stranger, 1, START, 0, 0) == UNKNOWN_DEVICE


def test_an_unknown_device_is_refused_even_with_a_signature_that_recovers_nothing(world: World) -> None:
    stranger = Home(world.homes[0].account, world.homes[0].meter, keccak(text="nothing"), 1)
    receipt = world.submit([(stranger, (1, START, 0, 0))], [bytes(65)])
    assert world.results(receipt) == [UNKNOWN_DEVICE]


@pytest.mark.parametrize("function", ["suspendDevice", "retireDevice"])
def test_an_inactive_device_is_refused(world: World, function: str) -> None:
    home = world.homes[0]
    world.send(world.registry.functions[function](home.device_id), world.parties.maintainer)
    world.at(START)
    assert result(world, home, 1, START, 0, 0) == INACTIVE_DEVICE


def test_a_suspended_device_reports_again_after_activation(world: World) -> None:
    home = world.homes[0]
    for function in ("suspendDevice", "activateDevice"):
        world.send(world.registry.functions[function](home.device_id), world.parties.maintainer)
    world.at(START)
    assert result(world, home, 1, START, 0, 0) == ACCEPTED


@pytest.mark.parametrize(
    "domain",
    [
        {"chainId": 1},
        {"verifyingContract": "0x" + "11" * 20},
        {"name": "EnergyTrading"},
        {"version": "2"},
    ],
    ids=str,
)
def test_a_signature_for_another_domain_is_refused(world: World, domain: dict[str, Any]) -> None:
    world.at(START)
    assert result(world, world.homes[0], 1, START, 0, 0, **domain) == BAD_SIGNATURE


def test_a_reading_does_not_pass_for_another_device(world: World) -> None:
    first, second = world.homes[:2]
    world.at(START)
    assert result(world, second, 1, START, 0, 0, key=first.meter) == BAD_SIGNATURE


def test_the_old_key_is_refused_after_a_rotation(world: World) -> None:
    home = world.homes[0]
    fresh = Account.from_key(keccak(text="fresh key"))
    world.send(world.registry.functions.rotateKey(home.device_id, fresh.address), home.address)
    world.at(START)
    assert result(world, home, 1, START, 0, 0) == BAD_SIGNATURE
    assert result(world, home, 1, START, 0, 0, key=fresh) == ACCEPTED


def _high_s(r: bytes, vs: bytes) -> tuple[bytes, bytes]:
    word = int.from_bytes(vs, "big")
    s, v_bit = word & ~(1 << 255), word >> 255
    return r, ((ORDER_OF_CURVE - s) % (1 << 255) | (1 - v_bit) << 255).to_bytes(32, "big")


@pytest.mark.parametrize(
    "mangle",
    [
        _high_s,
        lambda r, _: (r, b"\x7f" + b"\xff" * 31),
        lambda r, vs: (r, bytes([vs[0] ^ 128]) + vs[1:]),
        lambda *_: (bytes(32), bytes(32)),
        lambda r, _: (r, bytes(32)),
        lambda r, vs: (bytes([r[0] ^ 1]) + r[1:], vs),
    ],
    ids=["s of the twin", "high s", "other v", "zeros", "no s", "one bit"],
)
def test_a_misshapen_signature_is_refused(world: World, mangle: Any) -> None:
    home = world.homes[0]
    world.at(START)
    reading = reading_of(home, 1, START, 0, 0)
    *words, r, vs = packed_reading(reading, world.sign_reading(home, reading))
    call = world.registry.functions.submitReadings(0, [(*words, *mangle(r, vs))])
    assert world.results(world.send(call, world.parties.oracle)) == [BAD_SIGNATURE]
    assert world.registers(home) == (0, 0, 0, 0)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_signature_of_another_length_has_no_short_form(length: int) -> None:
    assert short_signature(bytes([1]) * length) == (bytes(32), bytes(32))


def test_a_short_signature_grows_long_again(world: World) -> None:
    for number in range(8):
        signature = world.sign_reading(world.homes[0], reading_of(world.homes[0], number, START, 0, 0))
        assert long_signature(*short_signature(signature)) == signature


def test_any_changed_field_breaks_the_signature(world: World) -> None:
    home = world.homes[0]
    world.at(START)
    true = reading_of(home, 1, START, 10, 20)
    signature = world.sign_reading(home, true)
    for index, wrong in ((1, 2), (2, START - 1), (3, 11), (4, 21), (5, keccak(text="other"))):
        changed = (*true[:index], wrong, *true[index + 1 :])
        number = world.registry.functions.nextBatch(world.parties.oracle).call()
        call = world.registry.functions.submitReadings(number, [packed_reading(changed, signature)])
        assert call.call({"from": world.parties.oracle}) == [BAD_SIGNATURE]


def test_a_reading_sent_twice_is_refused(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    assert result(world, home, 5, START, 1_000, 2_000) == STALE_SEQUENCE


def test_an_earlier_sequence_is_refused(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + HOUR)
    assert result(world, home, 4, START + HOUR, 1_000, 2_000) == STALE_SEQUENCE


@pytest.mark.parametrize("back_s", [0, 1])
def test_time_must_go_forward(world: World, back_s: int) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + HOUR)
    assert result(world, home, 6, START - back_s, 1_000, 2_000) == STALE_TIMESTAMP


def test_time_zero_is_refused_even_first(world: World) -> None:
    assert result(world, world.homes[0], 1, 0, 0, 0) == STALE_TIMESTAMP


@pytest.mark.parametrize(("ahead_s", "expected"), [(60, ACCEPTED), (61, FUTURE_TIMESTAMP)])
def test_a_clock_may_run_a_minute_ahead(world: World, ahead_s: int, expected: int) -> None:
    world.at(START)
    assert result(world, world.homes[0], 1, START + ahead_s, 0, 0) == expected


@pytest.mark.parametrize(("age_s", "expected"), [(7 * 86_400, ACCEPTED), (7 * 86_400 + 1, TOO_OLD)])
def test_a_reading_may_be_a_week_old(world: World, age_s: int, expected: int) -> None:
    world.at(START)
    assert result(world, world.homes[0], 1, START - age_s, 0, 0) == expected


@pytest.mark.parametrize("registers", [(999, 2_000), (1_000, 1_999)])
def test_a_register_never_falls(world: World, registers: tuple[int, int]) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + HOUR)
    assert result(world, home, 6, START + HOUR, *registers) == REGISTER_DECREASED


@pytest.mark.parametrize(
    ("first", "following", "expected"),
    [
        ((5, 2**64 - 1, 2_000), (6, 0, 2_000), REGISTER_DECREASED),
        ((5, 1_000, 2**64 - 1), (6, 1_001, 0), REGISTER_DECREASED),
        ((5, 1_000, 2**64 - 5), (6, 1_000, 3), REGISTER_DECREASED),
        ((2**64 - 1, 1_000, 2_000), (0, 1_000, 2_000), STALE_SEQUENCE),
        ((2**64 - 2, 2**64 - 9, 2**63), (2**64 - 1, 2**64 - 1, 2**63 + 7), ACCEPTED),
        ((5, 2**63 - 1, 2**63 - 1), (6, 2**63 + 7, 2**63), ACCEPTED),
    ],
)
def test_no_number_wraps_around(
    world: World, first: tuple[int, int, int], following: tuple[int, int, int], expected: int
) -> None:
    home = world.homes[0]
    world.at(START)
    assert result(world, home, first[0], START, *first[1:]) == ACCEPTED
    world.at(START + HOUR)
    assert result(world, home, following[0], START + HOUR, *following[1:]) == expected
    assert energy(world, home, FIRST)[2] == (expected == ACCEPTED)


def test_a_batch_may_go_back_and_forth_between_intervals_and_members(world: World) -> None:
    """A member far from the others has its energy in another storage word; an interval is told of once."""
    world.homes.extend(world.add_home(number) for number in range(4, 8))
    first, near, far = world.homes[0], world.homes[2], world.homes[7]
    baseline(world, first, near, far)
    world.at(START + 2 * HOUR)
    first_end, second_end = START + HOUR, START + 2 * HOUR
    receipt = world.submit(
        [
            (first, (6, first_end, 1_001, 2_000)),
            (far, (6, first_end, 1_010, 2_000)),
            (first, (7, second_end, 1_003, 2_000)),
            (near, (6, first_end, 1_100, 2_000)),
            (far, (7, second_end, 1_030, 2_000)),
            (near, (7, second_end, 1_300, 2_005)),
        ]
    )
    recorded = world.events(receipt, world.grid, "IntervalRecorded")
    names = ("interval", "importWh", "exportWh", "readings")
    assert [tuple(event[name] for name in names) for event in recorded] == [(FIRST, 111, 0, 3), (FIRST + 1, 222, 5, 3)]
    assert [energy(world, home, FIRST) for home in (first, near, far)] == [(1, 0, True), (100, 0, True), (10, 0, True)]
    assert [energy(world, home, FIRST + 1)[0] for home in (first, near, far)] == [2, 200, 20]


@pytest.mark.parametrize(("late_s", "booked_on"), [(0, FIRST), (1, FIRST + 2)])
def test_a_reading_after_the_deadline_is_carried_on_to_the_next_in_time(
    world: World, late_s: int, booked_on: int
) -> None:
    """Its own interval may be billed without it by then, so that its energy would be paid by nobody."""
    home, first_end, third_end = world.homes[0], START + HOUR, START + 3 * HOUR
    baseline(world, home)
    world.at(first_end + CONFIG.settlement_deadline_seconds + late_s)
    world.submit([(home, (6, first_end, 1_050, 2_000))])
    assert energy(world, home, FIRST) == ((50, 0, True) if booked_on == FIRST else (0, 0, False))
    world.at(third_end)
    world.submit([(home, (7, third_end, 1_057, 2_003))])
    assert energy(world, home, FIRST + 2) == ((7, 3, True) if booked_on == FIRST else (57, 3, True))


def test_energy_that_is_read_after_a_home_was_billed_without_it_is_paid_later(world: World) -> None:
    """5 kWh drawn at 0.30: nothing on the first bill, 1.50 on the next."""
    home, first_end, third_end = world.homes[0], START + HOUR, START + 3 * HOUR
    baseline(world, home)
    for interval in (FIRST, FIRST + 2):
        world.clear(interval)
    world.at(first_end + CONFIG.settlement_deadline_seconds + 1)
    first = world.bills(world.settle(FIRST))
    world.submit([(home, (6, first_end, 6_000, 2_000))])
    world.at(third_end)
    world.submit([(home, (7, third_end, 6_000, 2_000))])
    second = world.bills(world.settle(FIRST + 2, 1, 1))
    assert [bill["amount"] for bill in (first[0], second[0])] == [0, -1_500_000]


@pytest.mark.parametrize("energy_wh", [50, 2**18 + 50])
def test_a_late_reading_leaves_younger_entries_of_neighbours_alone(world: World, energy_wh: int) -> None:
    """Its place in the history has gone to a neighbour's interval 32 later; its energy goes on to the next reading."""
    world.homes.extend(world.add_home(number, 100_000_000) for number in (4,))
    late, neighbour = world.homes[4], world.homes[3]
    baseline(world, late, neighbour)
    world.at(START + 33 * HOUR)
    world.submit([(neighbour, (6, START + 33 * HOUR, 1_100, 2_000))])
    receipt = world.submit([(late, (6, START + HOUR, 1_000 + energy_wh, 2_000))])
    assert world.results(receipt) == []
    assert energy(world, late, FIRST) == energy(world, late, FIRST + 32) == (0, 0, False)
    assert energy(world, neighbour, FIRST + 32) == (100, 0, True)
    assert world.registers(late) == (6, START + HOUR, 1_000 + energy_wh, 2_000)
    assert world.grid.functions.totals(FIRST).call() == (0, 0, 0)
    world.submit([(late, (7, START + 33 * HOUR, 1_000 + energy_wh + 7, 2_000))])
    assert energy(world, late, FIRST + 32) == (energy_wh + 7, 0, True)


@pytest.mark.parametrize("direction", [0, 1])
def test_energy_is_bounded_by_rated_power_and_a_tenth(world: World, direction: int) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + HOUR)
    limit_wh = RATED_W * 11 // 10
    registers = [1_000, 2_000]
    registers[direction] += limit_wh + 1
    assert result(world, home, 6, START + HOUR, *registers) == POWER_EXCEEDED
    registers[direction] -= 1
    assert result(world, home, 6, START + HOUR, *registers) == ACCEPTED


def test_one_bad_item_never_blocks_the_others(world: World) -> None:
    homes = world.homes
    baseline(world, *homes[:3])
    world.at(START + HOUR)
    items = [
        (homes[0], (6, START + HOUR, 1_010, 2_000)),
        (homes[1], (6, START + HOUR, 0, 0)),
        (homes[2], (6, START + HOUR, 1_030, 2_000)),
        (homes[2], (6, START + HOUR, 1_030, 2_000)),
    ]
    receipt = world.submit(items)
    assert world.results(receipt) == [REGISTER_DECREASED, STALE_SEQUENCE]
    (event,) = world.events(receipt, world.registry, "BatchSubmitted")
    assert event == {"oracle": world.parties.oracle, "batchNumber": 1, "accepted": 2, "refused": 2}
    refused = world.events(receipt, world.registry, "ReadingRefused")[0]
    assert refused == {"deviceId": homes[1].device_id, "sequence": 6, "result": REGISTER_DECREASED}
    assert energy(world, homes[2], FIRST) == (30, 0, True)


def test_results_come_one_for_each_item(world: World) -> None:
    homes = world.homes
    readings = [reading_of(homes[0], 1, START, 0, 0), reading_of(homes[1], 1, START, 0, 0)]
    signatures = [world.sign_reading(homes[0], readings[0]), bytes(65)]
    world.at(START)
    packed = [packed_reading(*item) for item in zip(readings, signatures, strict=True)]
    call = world.registry.functions.submitReadings(0, packed)
    assert call.call({"from": world.parties.oracle}) == [ACCEPTED, BAD_SIGNATURE]


@pytest.mark.parametrize(("number", "expected"), [(0, 1), (2, 1)])
def test_batches_come_in_order(world: World, number: int, expected: int) -> None:
    """A batch sent twice is refused whole."""
    world.send(world.registry.functions.submitReadings(0, []), world.parties.oracle)
    with reverts(world.registry, "BatchOutOfOrder", expected, number):
        world.send(world.registry.functions.submitReadings(number, []), world.parties.oracle)
    assert world.registry.functions.nextBatch(world.parties.oracle).call() == 1


def test_the_event_tells_every_reading_and_which_were_refused(world: World) -> None:
    first, second = world.homes[:2]
    world.at(START)
    receipt = world.submit([(second, (2**64 - 1, START, 2**63, 7)), (first, (3, 2**64 - 1, 1, 2))])
    (event,) = world.events(receipt, world.registry, "ReadingsTaken")
    taken, refused = told_readings(event["readings"])
    assert taken == ToldReading(1, 2**64 - 1, START, 2**63, 7, refused=False)
    assert (refused.sequence, refused.import_wh, refused.export_wh, refused.refused) == (3, 1, 2, True)
