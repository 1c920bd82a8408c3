// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {IReadingCommitments} from "../../interfaces/IReadingCommitments.sol";
import {World} from "../World.sol";

contract ReadingCommitmentsTest is World {
    address private constant STRANGER = address(0x57);
    bytes32 private constant ROOT = bytes32("root");

    uint256[] private _keys;
    address[] private _oracles;

    /// @dev Three oracle keys by rising address, two of which must sign.
    function setUp() external {
        _join();
        _keys = [uint256(31), 32, 33];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = i + 1; j < 3; ++j) {
                if (vm.addr(_keys[i]) > vm.addr(_keys[j])) (_keys[i], _keys[j]) = (_keys[j], _keys[i]);
            }
            _oracles.push(vm.addr(_keys[i]));
        }
        registry.setOracleKeys(_oracles, 2);
        vm.warp(FIRST * HOUR);
    }

    // Keys

    function test_keys_are_kept_replaced_and_taken_away() external {
        (address[] memory keys, uint256 threshold, uint64 latest) = registry.oracleQuorum();
        require(keccak256(abi.encode(keys)) == keccak256(abi.encode(_oracles)) && threshold == 2 && latest == 0);
        address[] memory none = new address[](0);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IReadingCommitments.OracleKeysSet(none, 0);
        registry.setOracleKeys(none, 0);
        (keys, threshold,) = registry.oracleQuorum();
        require(keys.length == 0 && threshold == 0);
        _quorumMissed(0, 0);
        address[] memory one = new address[](1);
        one[0] = _oracles[2];
        registry.setOracleKeys(one, 1);
        _signerRefused(_oracles[0], _signatures(0));
        registry.commitReadings(FIRST - 1, ROOT, 1, _signatures(2));
    }

    function test_keys_rise_are_not_zero_and_fit_the_threshold() external {
        _keysRefused(_oracles, 4);
        _keysRefused(_oracles, 0);
        _keysRefused(new address[](0), 1);
        _keysRefused(new address[](1), 1);
        address[] memory keys = new address[](32);
        for (uint160 i = 0; i < 32; ++i) keys[i] = address(i + 1);
        _keysRefused(keys, 1);
        (keys[0], keys[1]) = (keys[1], keys[0]);
        address[] memory two = new address[](2);
        (two[0], two[1]) = (keys[0], keys[1]);
        _keysRefused(two, 1);
        two[1] = two[0];
        _keysRefused(two, 1);
        address[] memory most = new address[](31);
        for (uint160 i = 0; i < 31; ++i) most[i] = address(i + 1);
        registry.setOracleKeys(most, 31);
    }

    function test_strangers_set_no_keys() external {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        _fails(STRANGER, address(registry), abi.encodeCall(registry.setOracleKeys, (_oracles, 1)), reason);
    }

    // Roots

    function test_a_quorum_commits_an_interval_once_and_in_order() external {
        IReadingCommitments.ShortSignature[] memory signatures = _signatures(0, 2);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IReadingCommitments.ReadingsCommitted(FIRST - 1, ROOT, 1);
        vm.prank(STRANGER);
        registry.commitReadings(FIRST - 1, ROOT, 1, signatures);
        require(registry.commitment(FIRST - 1) == ROOT);
        (,, uint64 latest) = registry.oracleQuorum();
        require(latest == FIRST - 1);
        _notCommittable(FIRST - 1, FIRST - 1);
        _notCommittable(FIRST - 2, FIRST - 1);
        _notCommittable(FIRST, FIRST - 1);
        _notCommittable(FIRST + 1, FIRST - 1);
    }

    function test_there_must_be_something_to_commit() external {
        bytes memory reason = abi.encodeWithSelector(IReadingCommitments.EmptyCommitment.selector, FIRST - 1);
        _refused(_commit(FIRST - 1, ROOT, 0, _signatures(0, 1)), reason);
        _refused(_commit(FIRST - 1, 0, 1, _signatures(0, 1)), reason);
    }

    function test_as_many_keys_sign_as_the_threshold_says_each_once() external {
        _quorumMissed(1, 2);
        _quorumMissed(3, 2);
        _signerRefused(_oracles[0], _signatures(1, 0));
        _signerRefused(_oracles[1], _signatures(1, 1));
        IReadingCommitments.ShortSignature[] memory signatures = _signatures(0, 1);
        signatures[0] = _sign(77, FIRST - 1);
        _signerRefused(vm.addr(77), signatures);
        signatures[0].vs = bytes32(type(uint256).max);
        _signerRefused(address(0), signatures);
    }

    function test_roots_are_kept_for_32_intervals() external {
        registry.commitReadings(FIRST - 1, ROOT, 1, _signatures(0, 1));
        require(registry.commitment(FIRST) == 0 && registry.commitment(FIRST - 2) == 0);
        vm.warp((FIRST + 31) * HOUR);
        registry.commitReadings(FIRST + 30, ROOT, 1, _quorum(FIRST + 30, ROOT, 0, 1));
        require(registry.commitment(FIRST - 1) == ROOT);
        vm.warp((FIRST + 32) * HOUR);
        registry.commitReadings(FIRST + 31, bytes32("new"), 1, _quorum(FIRST + 31, bytes32("new"), 0, 1));
        require(registry.commitment(FIRST - 1) == 0 && registry.commitment(FIRST + 31) == bytes32("new"));
        require(registry.commitment(FIRST - 33) == 0, "an older interval has the same place");
    }

    function test_an_interval_has_64_bits() external {
        uint64 interval = (1 << 32) + 1;
        vm.warp((interval + 1) * HOUR);
        registry.commitReadings(interval, ROOT, 1, _quorum(interval, ROOT, 0, 1));
        require(registry.commitment(interval) == ROOT);
    }

    function test_what_an_oracle_signs_is_eip_712() external view {
        bytes32 kind = keccak256("Commitment(uint64 interval,bytes32 root,uint32 count)");
        bytes32 domainKind =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(
            abi.encode(domainKind, keccak256("DeviceRegistry"), keccak256("1"), block.chainid, address(registry))
        );
        bytes32 content = keccak256(abi.encode(kind, FIRST, ROOT, 3));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", domain, content));
        require(registry.hashCommitment(FIRST, ROOT, 3) == digest);
    }

    // Proofs

    function test_a_reading_is_proven_under_its_root() external {
        _base();
        IDeviceRegistry.Reading memory reading = _reading(1, 2, (FIRST + 1) * HOUR, 300, 20);
        bytes32[] memory proof = _commitWith(reading, FIRST);
        IDeviceRegistry.SignedReading memory signed = _signed(reading, _meterKey(1));
        vm.prank(STRANGER);
        registry.proveReading(signed, proof);
        (uint64 importWh, uint64 exportWh, bool known) = registry.intervalEnergy(1, FIRST);
        require(known && importWh == 200 && exportWh == 10);
        require(grid.totals(FIRST).importWh == 200 && grid.totals(FIRST).exportWh == 10);
    }

    function test_a_proof_tells_what_it_took() external {
        _base();
        IDeviceRegistry.Reading memory reading = _reading(1, 2, (FIRST + 1) * HOUR, 300, 20);
        reading.detail = "detail";
        bytes32[] memory proof = _commitWith(reading, FIRST);
        IDeviceRegistry.SignedReading memory signed = _signed(reading, _meterKey(1));
        vm.expectEmit(true, true, true, true, address(registry));
        emit IReadingCommitments.ReadingProven(_meter(1), FIRST, signed.values, "detail");
        registry.proveReading(signed, proof);
    }

    function test_what_was_not_committed_is_not_taken() external {
        _base();
        IDeviceRegistry.Reading memory reading = _reading(1, 2, (FIRST + 1) * HOUR, 300, 20);
        bytes memory reason = abi.encodeWithSelector(IReadingCommitments.NotCommitted.selector, _meter(1), FIRST);
        _refused(_prove(reading, new bytes32[](0)), reason);
        bytes32[] memory proof = _commitWith(reading, FIRST);
        reading.importWh = 301;
        _refused(_prove(reading, proof), reason);
    }

    function test_a_proven_reading_is_judged_like_any_other() external {
        _base();
        IDeviceRegistry.Reading memory reading = _reading(1, 2, (FIRST + 1) * HOUR, 50, 20);
        bytes32[] memory proof = _commitWith(reading, FIRST);
        uint8 decreased = uint8(IDeviceRegistry.ReadingResult.RegisterDecreased);
        bytes4 selector = IReadingCommitments.ProvenReadingRefused.selector;
        _refused(_prove(reading, proof), abi.encodeWithSelector(selector, _meter(1), decreased));
    }

    function test_only_an_oracle_proves_a_first_reading_or_skips_one() external {
        IDeviceRegistry.Reading memory reading = _reading(1, 2, FIRST * HOUR, 300, 20);
        bytes32[] memory proof = _commitWith(reading, FIRST - 1);
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        _fails(STRANGER, address(registry), _prove(reading, proof), reason);
        registry.proveReading(_signed(reading, _meterKey(1)), proof);
        reading = _reading(1, 4, (FIRST + 1) * HOUR, 300, 20);
        proof = _commitWith(reading, FIRST);
        _fails(STRANGER, address(registry), _prove(reading, proof), reason);
        registry.proveReading(_signed(reading, _meterKey(1)), proof);
    }

    function test_a_leaf_names_chain_contract_and_interval_and_is_hashed_twice() external view {
        IDeviceRegistry.Reading memory reading = _reading(1, 2, (FIRST + 1) * HOUR, 300, 20);
        bytes memory content = abi.encode(
            block.chainid, address(registry), FIRST, _meter(1), 2, (FIRST + 1) * HOUR, 300, 20, bytes32(0)
        );
        require(registry.hashLeaf(reading) == keccak256(bytes.concat(keccak256(content))));
        reading.timestamp = 0;
        content = abi.encode(block.chainid, address(registry), 0, _meter(1), 2, 0, 300, 20, bytes32(0));
        require(registry.hashLeaf(reading) == keccak256(bytes.concat(keccak256(content))));
    }

    // Helpers

    function _base() private {
        require(_read(1, FIRST * HOUR, 100, 10) == IDeviceRegistry.ReadingResult.Accepted);
    }

    /// @dev Commits a tree of the reading and another leaf.
    function _commitWith(IDeviceRegistry.Reading memory reading, uint64 interval)
        private
        returns (bytes32[] memory proof)
    {
        vm.warp((interval + 1) * HOUR);
        (bytes32 leaf, bytes32 other) = (registry.hashLeaf(reading), bytes32("another leaf"));
        proof = new bytes32[](1);
        proof[0] = other;
        bytes32 root = leaf < other ? keccak256(abi.encode(leaf, other)) : keccak256(abi.encode(other, leaf));
        registry.commitReadings(interval, root, 1, _quorum(interval, root, 1, 2));
    }

    function _prove(IDeviceRegistry.Reading memory reading, bytes32[] memory proof)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(registry.proveReading, (_signed(reading, _meterKey(1)), proof));
    }

    function _sign(uint256 key, uint64 interval) private view returns (IReadingCommitments.ShortSignature memory) {
        return _sign(key, interval, ROOT);
    }

    function _sign(uint256 key, uint64 interval, bytes32 root)
        private
        view
        returns (IReadingCommitments.ShortSignature memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, registry.hashCommitment(interval, root, 1));
        return IReadingCommitments.ShortSignature(r, s | bytes32(uint256(v - 27) << 255));
    }

    function _signatures(uint256 one) private view returns (IReadingCommitments.ShortSignature[] memory signatures) {
        signatures = new IReadingCommitments.ShortSignature[](1);
        signatures[0] = _sign(_keys[one], FIRST - 1);
    }

    function _signatures(uint256 one, uint256 two)
        private
        view
        returns (IReadingCommitments.ShortSignature[] memory)
    {
        return _quorum(FIRST - 1, ROOT, one, two);
    }

    function _quorum(uint64 interval, bytes32 root, uint256 one, uint256 two)
        private
        view
        returns (IReadingCommitments.ShortSignature[] memory signatures)
    {
        signatures = new IReadingCommitments.ShortSignature[](2);
        (signatures[0], signatures[1]) = (_sign(_keys[one], interval, root), _sign(_keys[two], interval, root));
    }

    function _commit(
        uint64 interval,
        bytes32 root,
        uint32 count,
        IReadingCommitments.ShortSignature[] memory signatures
    ) private view returns (bytes memory) {
        return abi.encodeCall(registry.commitReadings, (interval, root, count, signatures));
    }

    function _keysRefused(address[] memory keys, uint256 threshold) private {
        bytes4 selector = IReadingCommitments.InvalidOracleKeys.selector;
        bytes memory reason = abi.encodeWithSelector(selector, keys.length, threshold);
        _refused(abi.encodeCall(registry.setOracleKeys, (keys, threshold)), reason);
    }

    function _notCommittable(uint64 interval, uint64 latest) private {
        bytes4 selector = IReadingCommitments.IntervalNotCommittable.selector;
        _refused(_commit(interval, ROOT, 1, _signatures(0, 1)), abi.encodeWithSelector(selector, interval, latest, FIRST));
    }

    function _quorumMissed(uint256 count, uint256 threshold) private {
        bytes4 selector = IReadingCommitments.QuorumNotReached.selector;
        IReadingCommitments.ShortSignature[] memory signatures = new IReadingCommitments.ShortSignature[](count);
        _refused(_commit(FIRST - 1, ROOT, 1, signatures), abi.encodeWithSelector(selector, count, threshold));
    }

    function _signerRefused(address signer, IReadingCommitments.ShortSignature[] memory signatures) private {
        bytes4 selector = IReadingCommitments.InvalidOracleSignature.selector;
        _refused(_commit(FIRST - 1, ROOT, 1, signatures), abi.encodeWithSelector(selector, signer));
    }

    function _refused(bytes memory call, bytes memory reason) private {
        _fails(address(this), address(registry), call, reason);
    }
}
