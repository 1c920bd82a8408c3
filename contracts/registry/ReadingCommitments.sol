// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IReadingCommitments} from "../interfaces/IReadingCommitments.sol";
import {ReadingWord} from "../libraries/ReadingWord.sol";
import {ReadingGate} from "./ReadingGate.sol";

/// @title Roots of readings, committed by a quorum of oracle keys, and the proofs against them.
abstract contract ReadingCommitments is ReadingGate, IReadingCommitments {
    using ReadingWord for uint256;

    /// @dev What every commitment reads and writes: one storage word.
    struct Quorum {
        uint8 threshold;
        uint64 latestCommitted;
    }

    /// @notice Number of roots kept.
    uint256 public constant COMMITMENTS_KEPT = 32;

    /// @notice Largest number of oracle keys.
    uint256 public constant MAX_ORACLE_KEYS = 31;

    bytes32 private constant COMMITMENT_TYPEHASH =
        keccak256("Commitment(uint64 interval,bytes32 root,uint32 count)");

    Quorum private _quorum;
    address[] private _oracleKeys;
    mapping(address key => bool) private _isOracleKey;

    /// @dev A leaf names its interval, so that an older root in the same place proves nothing of a younger interval.
    bytes32[COMMITMENTS_KEPT] private _roots;

    /// @inheritdoc IReadingCommitments
    function setOracleKeys(address[] calldata keys, uint256 threshold) external restricted {
        bool fits = threshold <= keys.length && (threshold == 0) == (keys.length == 0);
        if (!fits || keys.length > MAX_ORACLE_KEYS) revert InvalidOracleKeys(keys.length, threshold);
        for (uint256 i = 0; i < _oracleKeys.length; ++i) _isOracleKey[_oracleKeys[i]] = false;
        address last = address(0);
        for (uint256 i = 0; i < keys.length; ++i) {
            if (keys[i] <= last) revert InvalidOracleKeys(keys.length, threshold);
            last = keys[i];
            _isOracleKey[last] = true;
        }
        _oracleKeys = keys;
        _quorum.threshold = uint8(threshold);
        emit OracleKeysSet(keys, threshold);
    }

    /// @inheritdoc IReadingCommitments
    function commitReadings(uint64 interval, bytes32 root, uint32 count, ShortSignature[] calldata signatures)
        external
    {
        Quorum memory quorum = _quorum;
        if (count == 0 || root == 0) revert EmptyCommitment(interval);
        uint64 current = uint64(block.timestamp / INTERVAL_SECONDS);
        if (interval >= current || interval <= quorum.latestCommitted) {
            revert IntervalNotCommittable(interval, quorum.latestCommitted, current);
        }
        if (quorum.threshold == 0 || signatures.length != quorum.threshold) {
            revert QuorumNotReached(signatures.length, quorum.threshold);
        }
        bytes32 digest = hashCommitment(interval, root, count);
        address last = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = _signer(digest, signatures[i].r, uint256(signatures[i].vs));
            if (signer <= last || !_isOracleKey[signer]) revert InvalidOracleSignature(signer);
            last = signer;
        }
        _quorum.latestCommitted = interval;
        _roots[interval % COMMITMENTS_KEPT] = root;
        emit ReadingsCommitted(interval, root, count);
    }

    /// @inheritdoc IReadingCommitments
    function commitment(uint64 interval) external view returns (bytes32) {
        uint64 latest = _quorum.latestCommitted;
        if (interval > latest || interval + COMMITMENTS_KEPT <= latest) return 0;
        return _roots[interval % COMMITMENTS_KEPT];
    }

    /// @inheritdoc IReadingCommitments
    function oracleQuorum() external view returns (address[] memory keys, uint256 threshold, uint64 latestCommitted) {
        return (_oracleKeys, _quorum.threshold, _quorum.latestCommitted);
    }

    /// @inheritdoc IReadingCommitments
    function hashCommitment(uint64 interval, bytes32 root, uint32 count) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(COMMITMENT_TYPEHASH, interval, root, count)));
    }

    /// @dev Checks that a reading stands under its interval's root, and takes it.
    function _prove(SignedReading calldata reading, bytes32[] calldata proof) internal {
        uint256 word = reading.values;
        uint64 interval = word.intervalOf(INTERVAL_SECONDS);
        bytes32 root = _roots[interval % COMMITMENTS_KEPT];
        bytes32 leaf = _hashLeaf(interval, reading.deviceId, word, reading.detail);
        if (root == 0 || !MerkleProof.verifyCalldata(proof, root, leaf)) {
            revert NotCommitted(reading.deviceId, interval);
        }
        Batch memory batch = _newBatch(1);
        (ReadingResult result, uint256 told) = _take(reading, batch);
        if (result != ReadingResult.Accepted) revert ProvenReadingRefused(reading.deviceId, uint8(result));
        _report(batch);
        emit ReadingProven(reading.deviceId, interval, told, reading.detail);
    }

    /// @dev Hashed twice, so that no inner node of the tree passes for a leaf.
    function _hashLeaf(uint64 interval, bytes32 deviceId, uint256 word, bytes32 detail)
        internal
        view
        returns (bytes32)
    {
        return keccak256(
            bytes.concat(
                keccak256(
                    abi.encode(
                        block.chainid,
                        address(this),
                        interval,
                        deviceId,
                        word.sequence(),
                        word.timestamp(),
                        word.importWh(),
                        word.exportWh(),
                        detail
                    )
                )
            )
        );
    }
}
