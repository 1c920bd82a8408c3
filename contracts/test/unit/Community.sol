// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {DeviceRegistry} from "../../DeviceRegistry.sol";
import {GridBalance} from "../../GridBalance.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IGridBalance} from "../../interfaces/IGridBalance.sol";
import {Hands} from "./Hands.sol";

/// @title Homes with meters in a registry, and the grid balance it reports to.
abstract contract Community is Hands {
    uint64 internal constant READING_DEADLINE = 4 * HOUR;
    uint32 internal constant RATED_W = 10_000;
    uint32 internal constant ZONE = 7;

    GridBalance internal grid;
    DeviceRegistry internal registry;

    function _found() internal virtual override {
        super._found();
        grid = _newGrid(HOUR, _parameters());
        registry = new DeviceRegistry(address(manager), grid, READING_DEADLINE);
        _allow(address(grid), grid.recordInterval.selector, METERING);
        _allow(address(grid), grid.openIntervals.selector, OPERATOR);
        _allow(address(grid), grid.reportGridStress.selector, ORACLE);
        _allow(address(grid), grid.recordMeasuredStress.selector, SENSING);
        _allow(address(grid), grid.setTimeOfDayMultiplier.selector, GOVERNANCE);
        _allow(address(grid), grid.setPriceParameters.selector, GOVERNANCE);
        _allow(address(registry), registry.registerMember.selector, OPERATOR);
        _allow(address(registry), registry.registerDevice.selector, OPERATOR);
        _allow(address(registry), registry.suspendDevice.selector, MAINTAINER);
        _allow(address(registry), registry.activateDevice.selector, MAINTAINER);
        _allow(address(registry), registry.retireDevice.selector, MAINTAINER);
        _allow(address(registry), registry.replaceDevice.selector, MAINTAINER);
        _allow(address(registry), registry.submitReadings.selector, ORACLE);
        manager.grantRole(METERING, address(registry), 0);
    }

    function _newGrid(uint64 intervalSeconds, IGridBalance.PriceParameters memory parameters)
        internal
        returns (GridBalance)
    {
        return new GridBalance(address(manager), intervalSeconds, parameters);
    }

    function _parameters() internal pure returns (IGridBalance.PriceParameters memory) {
        return IGridBalance.PriceParameters(250_000, 60_000, 100_000, 1_000_000, 500, 5e17, 3e18);
    }

    function _account(uint256 memberId) internal pure returns (address) {
        return vm.addr(1000 + memberId);
    }

    function _meterKey(uint256 memberId) internal pure returns (uint256) {
        return 2000 + memberId;
    }

    function _meter(uint256 memberId) internal pure returns (bytes32) {
        return bytes32(memberId);
    }

    /// @dev A new member with a meter in the zone, read once where the tests begin; numbers begin at one.
    function _join(uint32 zone) internal returns (uint32 memberId) {
        memberId = registry.memberCount() + 1;
        _as(OPERATOR);
        registry.registerMember(_account(memberId));
        _addDevice(
            _meter(memberId), _account(memberId), _meterKey(memberId), IDeviceRegistry.DeviceClass.SmartMeter, zone
        );
        _readFirst(memberId);
    }

    /// @dev A new meter's first reading.
    function _readFirst(uint256 memberId) internal virtual {
        _read(_meter(memberId), _meterKey(memberId), START * HOUR, 0, 0);
    }

    function _joinMany(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _join(ZONE);
        }
    }

    function _addDevice(bytes32 id, address owner, uint256 key, IDeviceRegistry.DeviceClass class, uint32 zone)
        internal
    {
        _as(OPERATOR);
        registry.registerDevice(id, owner, vm.addr(key), class, RATED_W, zone);
    }

    /// @dev Lets a member's meter count energy up to the end of an interval, and time pass to there.
    function _meterUse(uint256 memberId, uint64 interval, uint64 importWh, uint64 exportWh) internal {
        uint64 end = (interval + 1) * HOUR;
        if (cheats.getBlockTimestamp() < end) vm.warp(end);
        IDeviceRegistry.Registers memory last = registry.registers(_meter(memberId));
        _read(_meter(memberId), _meterKey(memberId), end, last.importWh + importWh, last.exportWh + exportWh);
    }

    /// @dev A reading with these registers; it must be accepted.
    function _read(bytes32 id, uint256 key, uint64 timestamp, uint64 importWh, uint64 exportWh) internal {
        uint64 sequence = registry.registers(id).sequence + 1;
        IDeviceRegistry.Reading memory reading =
            IDeviceRegistry.Reading(id, sequence, timestamp, importWh, exportWh, bytes32(0));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, registry.hashReading(reading));
        IDeviceRegistry.SignedReading[] memory batch = new IDeviceRegistry.SignedReading[](1);
        batch[0] = IDeviceRegistry.SignedReading({
            deviceId: id,
            values: (uint256(sequence) << 192) | (uint256(timestamp) << 128) | (uint256(importWh) << 64) | exportWh,
            detail: bytes32(0),
            r: r,
            vs: bytes32(uint256(s) | (uint256(v - 27) << 255))
        });
        uint64 number = registry.nextBatch(_holder(ORACLE));
        _as(ORACLE);
        bool accepted = registry.submitReadings(number, batch)[0] == IDeviceRegistry.ReadingResult.Accepted;
        cheats.assertTrue(accepted);
    }
}
