"""What accepted readings book: energy of intervals, kept for 32 of them, and totals over homes."""

from contract_market import FIRST, HOUR, RATED_W, START, Home, World
from eth_account import Account
from eth_utils.crypto import keccak
from reading_hands import ACCEPTED, baseline, energy, result


def test_energy_between_two_ends_is_booked_on_the_interval_that_it_ends(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    for step, import_wh in ((1, 1_100), (2, 1_250), (3, 1_300)):
        time_s = START + step * 1_000
        world.at(time_s)
        assert result(world, home, 5 + step, time_s, import_wh, 2_000 + step) == ACCEPTED
        assert energy(world, home, FIRST) == (0, 0, False)
    world.at(START + HOUR)
    assert result(world, home, 9, START + HOUR, 1_500, 2_010) == ACCEPTED
    assert energy(world, home, FIRST) == (500, 10, True)
    world.at(START + 2 * HOUR)
    assert result(world, home, 10, START + 2 * HOUR, 1_501, 2_010) == ACCEPTED
    assert energy(world, home, FIRST + 1) == (1, 0, True)


def test_a_gap_is_billed_whole_in_the_interval_it_ends(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    world.at(START + 3 * HOUR)
    assert result(world, home, 9, START + 3 * HOUR, 4_000, 2_300) == ACCEPTED
    assert [energy(world, home, FIRST + i) for i in range(3)] == [(0, 0, False), (0, 0, False), (3_000, 300, True)]


def test_the_last_32_intervals_are_kept(world: World) -> None:
    home = world.homes[0]
    baseline(world, home)
    for hour in range(1, 35):
        world.at(START + hour * HOUR)
        world.submit([(home, (5 + hour, START + hour * HOUR, 1_000 + 10 * hour * hour, 2_000 + hour))])
    for hour in range(2):
        assert energy(world, home, FIRST + hour) == (0, 0, False)
    for hour in range(2, 34):
        assert energy(world, home, FIRST + hour) == (10 * (2 * hour + 1), 1, True)


def test_members_who_share_a_storage_word_do_not_disturb_each_other(world: World) -> None:
    baseline(world, *world.homes)
    world.at(START + HOUR)
    values = [(6, START + HOUR, 1_000 + 11 * (n + 1), 2_000 + 13 * (n + 1)) for n in range(4)]
    world.submit(list(zip(world.homes, values, strict=True)))
    expected = [(11, 13), (22, 26), (33, 39), (44, 52)]
    for home, (import_wh, export_wh) in zip(world.homes, expected, strict=True):
        assert energy(world, home, FIRST) == (import_wh, export_wh, True)
    words = world.registry.functions.intervalEnergies(FIRST, 2, 4).call()
    assert words == [1 << 128 | import_wh << 64 | export_wh for import_wh, export_wh in expected[1:]]


def test_energy_too_large_for_its_lane_is_kept_whole(world: World) -> None:
    homes = [world.add_home(4, 100_000_000), world.homes[0]]
    world.homes.append(homes[0])
    big, small = homes
    baseline(world, *homes)
    world.at(START + HOUR)
    limits = [2**18 - 1, 2**18 - 2]
    world.submit([(big, (6, START + HOUR, 1_000 + limits[0], 2_003)), (small, (6, START + HOUR, 1_009, 2_000))])
    world.at(START + 2 * HOUR)
    world.submit([(big, (7, START + 2 * HOUR, 1_000 + sum(limits), 2_003))])
    assert energy(world, big, FIRST) == (limits[0], 3, True)
    assert energy(world, small, FIRST) == (9, 0, True)
    assert energy(world, big, FIRST + 1) == (limits[1], 0, True)


def test_energy_of_an_interval_that_others_left_32_behind_is_not_kept(world: World) -> None:
    first, second = world.homes[:2]
    baseline(world, first, second)
    world.at(START + 33 * HOUR)
    world.submit([(first, (6, START + 33 * HOUR, 1_100, 2_000)), (second, (6, START + HOUR, 1_050, 2_000))])
    assert energy(world, second, FIRST) == (0, 0, False)
    assert energy(world, first, FIRST + 32) == (100, 0, True)
    assert world.registers(second) == (6, START + HOUR, 1_050, 2_000)


def test_only_revenue_meters_count_and_each_interval_is_recorded_once_a_batch(world: World) -> None:
    homes = world.homes[:2]
    key = Account.from_key(keccak(text="battery"))
    battery = Home(homes[0].account, key, keccak(text="battery"), 1)
    call = world.registry.functions.registerDevice(battery.device_id, homes[0].address, key.address, 2, RATED_W, 0)
    world.send(call, world.parties.operator)
    baseline(world, *homes, battery)
    world.at(START + 2 * HOUR)
    items = [
        (homes[0], (6, START + HOUR, 1_100, 2_001)),
        (homes[0], (7, START + 2 * HOUR, 1_300, 2_001)),
        (battery, (7, START + 2 * HOUR, 1_900, 2_900)),
        (homes[1], (6, START + HOUR, 1_010, 2_002)),
        (homes[1], (7, START + 2 * HOUR, 1_020, 2_012)),
    ]
    receipt = world.submit(items)
    recorded = world.events(receipt, world.grid, "IntervalRecorded")
    assert recorded == [
        {"interval": FIRST, "importWh": 110, "exportWh": 3, "readings": 2},
        {"interval": FIRST + 1, "importWh": 210, "exportWh": 10, "readings": 2},
    ]
    assert world.grid.functions.totals(FIRST + 1).call() == (210, 10, 2)


def test_totals_add_up_over_batches(world: World) -> None:
    homes = world.homes[:2]
    baseline(world, *homes)
    world.at(START + HOUR)
    world.submit([(homes[0], (6, START + HOUR, 1_100, 2_001))])
    world.submit([(homes[1], (6, START + HOUR, 1_020, 2_005))])
    assert world.grid.functions.totals(FIRST).call() == (120, 6, 2)


def test_a_new_meter_begins_with_a_base_line_and_the_old_energy_stays(world: World) -> None:
    home = world.homes[0]
    world.meter(FIRST, [(250, 0)])
    world.send(world.registry.functions.retireDevice(home.device_id), world.parties.maintainer)
    key = Account.from_key(keccak(text="new meter"))
    new = Home(home.account, key, keccak(text="new meter"), 1)
    call = world.registry.functions.registerDevice(new.device_id, home.address, key.address, 0, RATED_W, 0)
    world.send(call, world.parties.operator)
    world.submit([(new, (0, START + HOUR, 900, 0))])
    world.at(START + 2 * HOUR)
    world.submit([(new, (1, START + 2 * HOUR, 977, 0))])
    assert energy(world, home, FIRST) == (250, 0, True)
    assert energy(world, home, FIRST + 1) == (77, 0, True)
