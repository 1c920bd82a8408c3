// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {DeviceWord} from "../libraries/DeviceWord.sol";

/// @title Who is a member, which devices there are, whose they are and which key signs for them.
abstract contract DeviceBook is IDeviceRegistry, AccessManaged {
    using DeviceWord for uint256;

    /// @dev All that a reading needs and changes, in two words: `device` as `DeviceWord` packs it, zero for an unknown one,
    /// `state` the last accepted reading as `ReadingWord` packs it, zero before the first.
    struct Entry {
        uint256 device;
        uint256 state;
    }

    /// @dev What no reading needs to know.
    struct Place {
        address owner;
        uint32 zone;
    }

    /// @notice Largest rated power. At 1.1 times of it the energy of 290 years fits the 48 bits of the history.
    uint32 public constant MAX_RATED_POWER_W = 100_000_000;

    mapping(bytes32 deviceId => Entry) internal _entries;
    mapping(bytes32 deviceId => Place) internal _places;

    address[] private _accounts;
    mapping(address account => uint32) private _memberIds;
    mapping(uint32 memberId => bytes32) private _meters;
    bytes32[] private _deviceIds;
    mapping(address key => bytes32) private _keyUsers;
    mapping(bytes32 deviceId => bytes32 hash) private _approvals;

    /// @inheritdoc IDeviceRegistry
    function registerMember(address account) external restricted returns (uint32 memberId) {
        if (account == address(0)) revert UnknownMember(account);
        if (_memberIds[account] != 0) revert MemberAlreadyRegistered(account);
        _accounts.push(account);
        memberId = uint32(_accounts.length);
        _memberIds[account] = memberId;
        emit MemberRegistered(memberId, account);
    }

    /// @inheritdoc IDeviceRegistry
    function registerDevice(
        bytes32 deviceId,
        address owner,
        address key,
        DeviceClass class,
        uint32 ratedPowerW,
        uint32 zone
    ) external restricted {
        uint32 memberId = _memberIds[owner];
        if (memberId == 0) revert UnknownMember(owner);
        if (ratedPowerW > MAX_RATED_POWER_W) revert RatedPowerTooHigh(ratedPowerW, MAX_RATED_POWER_W);
        uint256 number = _takeNumber(deviceId, key);
        bool revenueMeter = class == DeviceClass.SmartMeter;
        if (revenueMeter) {
            if (_meters[memberId] != 0) revert MeterAlreadyRegistered(memberId, _meters[memberId]);
            _meters[memberId] = deviceId;
        }
        _entries[deviceId].device = DeviceWord.pack(key, memberId, ratedPowerW, class, number, revenueMeter);
        _places[deviceId] = Place(owner, zone);
        emit DeviceRegistered(deviceId, memberId, owner, key, class, ratedPowerW, zone);
    }

    /// @inheritdoc IDeviceRegistry
    function suspendDevice(bytes32 deviceId) external restricted {
        DeviceStatus status = _living(deviceId).status();
        if (status != DeviceStatus.Active) revert DeviceNotActive(deviceId, status);
        _setStatus(deviceId, DeviceStatus.Suspended);
    }

    /// @inheritdoc IDeviceRegistry
    function activateDevice(bytes32 deviceId) external restricted {
        DeviceStatus status = _living(deviceId).status();
        if (status != DeviceStatus.Suspended) revert DeviceNotSuspended(deviceId, status);
        _setStatus(deviceId, DeviceStatus.Active);
    }

    /// @inheritdoc IDeviceRegistry
    function retireDevice(bytes32 deviceId) external restricted {
        uint256 word = _living(deviceId);
        if (word.isRevenueMeter()) delete _meters[word.memberId()];
        _setStatus(deviceId, DeviceStatus.Retired);
    }

    /// @inheritdoc IDeviceRegistry
    function rotateKey(bytes32 deviceId, address newKey) external {
        uint256 word = _living(deviceId);
        if (msg.sender != _places[deviceId].owner) _checkCanCall(msg.sender, msg.data);
        _takeKey(newKey, deviceId);
        _entries[deviceId].device = word.withKey(newKey);
        emit DeviceKeyRotated(deviceId, word.key(), newKey);
    }

    /// @inheritdoc IDeviceRegistry
    function approveReplacement(bytes32 deviceId, bytes32 newDeviceId, address newKey) external {
        _living(deviceId);
        if (msg.sender != _places[deviceId].owner) revert NotTheOwner(deviceId, msg.sender);
        _approvals[deviceId] = keccak256(abi.encode(newDeviceId, newKey));
        emit ReplacementApproved(deviceId, newDeviceId, newKey);
    }

    /// @inheritdoc IDeviceRegistry
    function replaceDevice(bytes32 deviceId, bytes32 newDeviceId, address newKey) external restricted {
        uint256 word = _living(deviceId);
        if (_approvals[deviceId] != keccak256(abi.encode(newDeviceId, newKey))) {
            revert ReplacementNotApproved(deviceId, newDeviceId, newKey);
        }
        uint256 number = _takeNumber(newDeviceId, newKey);
        _entries[newDeviceId].device = DeviceWord.pack(
            newKey, word.memberId(), word.ratedPowerW(), word.class(), number, word.isRevenueMeter()
        );
        Place memory place = _places[deviceId];
        _places[newDeviceId] = place;
        if (word.isRevenueMeter()) _meters[word.memberId()] = newDeviceId;
        _takeOver(deviceId, newDeviceId);
        _setStatus(deviceId, DeviceStatus.Retired);
        emit DeviceRegistered(
            newDeviceId, word.memberId(), place.owner, newKey, word.class(), word.ratedPowerW(), place.zone
        );
        emit DeviceReplaced(deviceId, newDeviceId);
    }

    /// @inheritdoc IDeviceRegistry
    function device(bytes32 deviceId) external view returns (Device memory) {
        uint256 word = _entries[deviceId].device;
        Place memory place = _places[deviceId];
        return Device({
            owner: place.owner,
            key: word.key(),
            class: word.class(),
            status: word.status(),
            memberId: word.memberId(),
            ratedPowerW: word.ratedPowerW(),
            zone: place.zone
        });
    }

    /// @inheritdoc IDeviceRegistry
    function deviceCount() external view returns (uint256) {
        return _deviceIds.length;
    }

    /// @inheritdoc IDeviceRegistry
    function deviceAt(uint256 index) external view returns (bytes32) {
        return _deviceIds[index];
    }

    /// @inheritdoc IDeviceRegistry
    function meterOf(uint32 memberId) external view returns (bytes32) {
        return _meters[memberId];
    }

    /// @inheritdoc IDeviceRegistry
    function memberOf(address account) external view returns (uint32) {
        return _memberIds[account];
    }

    /// @inheritdoc IDeviceRegistry
    function accountOf(uint32 memberId) external view returns (address) {
        return memberId == 0 || memberId > _accounts.length ? address(0) : _accounts[memberId - 1];
    }

    /// @inheritdoc IDeviceRegistry
    function memberCount() external view returns (uint32) {
        return uint32(_accounts.length);
    }

    /// @dev Lets a device go on where another stood.
    function _takeOver(bytes32 deviceId, bytes32 newDeviceId) internal virtual;

    /// @dev Gives an unused id its number and its key.
    function _takeNumber(bytes32 deviceId, address key) private returns (uint256 number) {
        if (_entries[deviceId].device != 0) revert DeviceAlreadyRegistered(deviceId);
        number = _deviceIds.length;
        if (number > DeviceWord.LARGEST_NUMBER) revert TooManyDevices(DeviceWord.LARGEST_NUMBER + 1);
        _deviceIds.push(deviceId);
        _takeKey(key, deviceId);
    }

    /// @dev Gives a key to a device; a key serves one device, once.
    function _takeKey(address key, bytes32 deviceId) private {
        if (key == address(0)) revert InvalidKey();
        if (_keyUsers[key] != 0) revert KeyInUse(key, _keyUsers[key]);
        _keyUsers[key] = deviceId;
    }

    /// @dev A device that exists and is not retired.
    function _living(bytes32 deviceId) internal view returns (uint256 word) {
        word = _entries[deviceId].device;
        if (word == 0) revert DeviceNotFound(deviceId);
        if (word.status() == DeviceStatus.Retired) revert DeviceIsRetired(deviceId);
    }

    function _setStatus(bytes32 deviceId, DeviceStatus status) private {
        _entries[deviceId].device = _entries[deviceId].device.withStatus(status);
        emit DeviceStatusChanged(deviceId, status);
    }
}
