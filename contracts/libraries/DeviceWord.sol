// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";

/// @title All that a reading needs to know of its device, in one storage word.
/// @notice A new device's word is active. From the bottom: key (160 bits), member (32), rated power (32), class (4), status (4),
/// number (23), revenue meter (1).
library DeviceWord {
    /// @notice Largest number of a device, counted from zero.
    uint256 internal constant LARGEST_NUMBER = (1 << 23) - 1;

    uint256 private constant MEMBER_SHIFT = 160;
    uint256 private constant POWER_SHIFT = 192;
    uint256 private constant CLASS_SHIFT = 224;
    uint256 private constant STATUS_SHIFT = 228;
    uint256 private constant NUMBER_SHIFT = 232;
    uint256 private constant FIELD_MASK = 15;
    uint256 private constant REVENUE_SHIFT = 255;

    function pack(
        address key_,
        uint32 memberId_,
        uint32 ratedPowerW_,
        IDeviceRegistry.DeviceClass class_,
        uint256 number_,
        bool revenueMeter
    ) internal pure returns (uint256) {
        return uint160(key_) | (uint256(memberId_) << MEMBER_SHIFT) | (uint256(ratedPowerW_) << POWER_SHIFT)
            | (uint256(class_) << CLASS_SHIFT) | (uint256(IDeviceRegistry.DeviceStatus.Active) << STATUS_SHIFT)
            | (number_ << NUMBER_SHIFT) | (revenueMeter ? 1 << REVENUE_SHIFT : 0);
    }

    function withKey(uint256 word, address key_) internal pure returns (uint256) {
        return (word & ~uint256(type(uint160).max)) | uint160(key_);
    }

    function withStatus(uint256 word, IDeviceRegistry.DeviceStatus status_) internal pure returns (uint256) {
        return (word & ~(FIELD_MASK << STATUS_SHIFT)) | (uint256(status_) << STATUS_SHIFT);
    }

    function key(uint256 word) internal pure returns (address) {
        return address(uint160(word));
    }

    function memberId(uint256 word) internal pure returns (uint32) {
        return uint32(word >> MEMBER_SHIFT);
    }

    function ratedPowerW(uint256 word) internal pure returns (uint32) {
        return uint32(word >> POWER_SHIFT);
    }

    function class(uint256 word) internal pure returns (IDeviceRegistry.DeviceClass) {
        return IDeviceRegistry.DeviceClass((word >> CLASS_SHIFT) & FIELD_MASK);
    }

    function status(uint256 word) internal pure returns (IDeviceRegistry.DeviceStatus) {
        return IDeviceRegistry.DeviceStatus((word >> STATUS_SHIFT) & FIELD_MASK);
    }

    function isActive(uint256 word) internal pure returns (bool) {
        return (word >> STATUS_SHIFT) & FIELD_MASK == uint256(IDeviceRegistry.DeviceStatus.Active);
    }

    function number(uint256 word) internal pure returns (uint256) {
        return (word >> NUMBER_SHIFT) & LARGEST_NUMBER;
    }

    function isRevenueMeter(uint256 word) internal pure returns (bool) {
        return word >> REVENUE_SHIFT != 0;
    }
}
