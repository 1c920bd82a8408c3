// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Readings committed as the root of a Merkle tree: the cheap second way in.
/// @notice A quorum of oracle keys signs one root for all readings of an interval. The root moves nothing: energy and
/// money move only by readings that are handed in, signed by their devices, or proven to stand under the root, and a
/// proven reading carries its device's signature as well, so that no quorum can make one up.
interface IReadingCommitments {
    /// @notice A signature in the short form of EIP-2098.
    /// @param r First half.
    /// @param vs Second half: s, which is low, and in the top bit whether v is 28.
    struct ShortSignature {
        bytes32 r;
        bytes32 vs;
    }

    /// @notice The oracle keys and how many of them it takes were set; no keys turn commitments off.
    event OracleKeysSet(address[] oracles, uint256 threshold);

    /// @notice A quorum committed the readings of an interval.
    event ReadingsCommitted(uint64 indexed interval, bytes32 root, uint32 count);

    /// @notice A committed reading was proven and stored.
    /// @param reading Its numbers, as in `ReadingsTaken`.
    event ReadingProven(bytes32 indexed deviceId, uint64 indexed interval, uint256 reading, bytes32 detail);

    /// @notice The keys are not strictly rising, one is zero, there are too many, or the threshold does not fit them.
    error InvalidOracleKeys(uint256 keys, uint256 threshold);

    /// @notice Not as many signatures as it takes.
    error QuorumNotReached(uint256 signatures, uint256 threshold);

    /// @notice The signer is no oracle key, or the signers' addresses do not rise strictly.
    error InvalidOracleSignature(address signer);

    /// @notice There is nothing to commit.
    error EmptyCommitment(uint64 interval);

    /// @notice Intervals are committed after their end, once, and in order.
    error IntervalNotCommittable(uint64 interval, uint64 latestCommitted, uint64 current);

    /// @notice The reading does not stand under the root of its interval.
    error NotCommitted(bytes32 deviceId, uint64 interval);

    /// @notice The reading stands under the root, but the registry refuses it.
    /// @param result The `ReadingResult`.
    error ProvenReadingRefused(bytes32 deviceId, uint8 result);

    /// @notice Sets the oracle keys and how many of them must sign a root.
    /// @param keys At most 31 addresses, strictly rising.
    /// @param threshold At least one and at most as many as keys; zero only without keys.
    function setOracleKeys(address[] calldata keys, uint256 threshold) external;

    /// @notice Commits the readings of a finished interval; whoever brings the signatures may. The roots of 32 intervals
    /// are kept.
    /// @param interval The interval, later than all committed before.
    /// @param root Root over sorted pairs of `hashLeaf` of each reading that ends or lies in the interval.
    /// @param count Number of leaves.
    /// @param signatures Signatures of `hashCommitment`, by rising address of the signer, as many as the threshold.
    function commitReadings(uint64 interval, bytes32 root, uint32 count, ShortSignature[] calldata signatures)
        external;

    /// @notice The EIP-712 digest that an oracle key signs.
    function hashCommitment(uint64 interval, bytes32 root, uint32 count) external view returns (bytes32);

    /// @notice Root of an interval, zero where none is kept. A place in the ring is taken by the interval 32 later.
    /// @param interval The interval.
    function commitment(uint64 interval) external view returns (bytes32);

    /// @notice The oracle keys, how many must sign, and the latest interval committed.
    function oracleQuorum() external view returns (address[] memory keys, uint256 threshold, uint64 latestCommitted);
}
