// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {World} from "../World.sol";

/// @title What the registry tells of the readings it took, and which batch is next.
contract RegistryViewsTest is World {
    uint64 private constant START = FIRST * HOUR;

    constructor() {
        _join();
        _join();
        vm.warp(START);
    }

    function test_no_batch_is_left_out() external {
        IDeviceRegistry.SignedReading[] memory none = new IDeviceRegistry.SignedReading[](0);
        bytes memory reason = abi.encodeWithSelector(IDeviceRegistry.BatchOutOfOrder.selector, 0, 1);
        _fails(address(this), address(registry), abi.encodeCall(registry.submitReadings, (1, none)), reason);
        registry.submitReadings(0, none);
        registry.submitReadings(1, none);
        require(registry.nextBatch(address(this)) == 2);
    }

    function test_energies_come_for_each_member_asked_for_and_no_other() external {
        for (uint256 i = 1; i < 3; ++i) _read(i, START - HOUR, 0, 0);
        for (uint64 i = 1; i < 3; ++i) _read(i, START, 10 * i, i);
        uint256[] memory words = registry.intervalEnergies(FIRST - 1, 1, 2);
        require(words.length == 2 && words[0] == (1 << 128 | 10 << 64 | 1) && words[1] == (1 << 128 | 20 << 64 | 2));
        words = registry.intervalEnergies(FIRST - 1, 2, 2);
        require(words.length == 1 && words[0] == (1 << 128 | 20 << 64 | 2));
        require(registry.intervalEnergies(FIRST - 1, 2, 1).length == 0);
    }

    function test_registers_have_64_bits_each() external {
        uint64 big = 1 << 40;
        IDeviceRegistry.Reading memory reading = _reading(1, big + 1, START, big + 2, big + 3);
        require(_submit(reading, _meterKey(1)) == IDeviceRegistry.ReadingResult.Accepted);
        IDeviceRegistry.Registers memory last = registry.registers(_meter(1));
        require(last.sequence == big + 1 && last.timestamp == START);
        require(last.importWh == big + 2 && last.exportWh == big + 3);
    }

    function test_a_device_is_seen_after_2106_too() external {
        uint64 later = (1 << 32) + 3600;
        vm.warp(later);
        _read(1, later, 5, 6);
        require(registry.performance(_meter(1)).firstSeen == later && registry.performance(_meter(1)).lastSeen == later);
        require(registry.registers(_meter(1)).timestamp == later);
    }

    /// @dev The present run of readings is counted by its numbers: the registry says that the last one was 70,000.
    function test_a_steady_device_counts_all_its_readings() external {
        _read(1, START, 5, 6);
        bytes32 word = bytes32(uint256(1) << 192 | uint256(START) << 128 | 5 << 64 | 6);
        uint256 root = 0;
        while (vm.load(address(registry), _state(root)) != word) ++root;
        vm.store(address(registry), _state(root), bytes32(uint256(word) + (uint256(69_999) << 192)));
        IDeviceRegistry.Performance memory log = registry.performance(_meter(1));
        require(registry.registers(_meter(1)).sequence == 70_000 && log.accepted == 70_000);
        require(log.uptimeBps == 10_000 && log.lastSeen == START);
    }

    /// @dev Where the state of the first meter would lie if the mapping of devices had this place.
    function _state(uint256 root) private pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(_meter(1), root))) + 1);
    }
}
