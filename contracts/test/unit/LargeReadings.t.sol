// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {World} from "../World.sol";

/// @title Readings of a plant that counts more than other meters ever do.
contract LargeReadingsTest is World {
    uint64 private constant START = FIRST * HOUR;
    uint256 private constant KEY = 6;

    /// @dev 100 MW for forty hours, both ways, then one and two Wh to the interval's end.
    function test_carried_energy_needs_no_32_bits() external {
        vm.warp(START + 41 * HOUR);
        registry.registerMember(_account(1));
        registry.registerDevice(
            "plant", _account(1), vm.addr(KEY), IDeviceRegistry.DeviceClass.SmartMeter, 100_000_000, 0
        );
        _take(1, START, 0, 0);
        _take(2, START + 40 * HOUR + 1, 4_400_000_000, 4_300_000_000);
        _take(3, START + 41 * HOUR, 4_400_000_001, 4_300_000_002);
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(1, FIRST + 40);
        require(known && importWh == 4_400_000_001 && exportWh == 4_300_000_002);
    }

    function _take(uint64 sequence, uint64 timestamp, uint64 importWh, uint64 exportWh) private {
        IDeviceRegistry.Reading memory reading =
            IDeviceRegistry.Reading("plant", sequence, timestamp, importWh, exportWh, bytes32(0));
        require(_submit(reading, KEY) == IDeviceRegistry.ReadingResult.Accepted);
    }
}
