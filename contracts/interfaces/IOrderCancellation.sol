// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEnergyTrading} from "./IEnergyTrading.sol";

/// @title Taking orders back before gate closure.
/// @notice Whoever stands behind a cancelled order is as if it had never come, and keeps his time. A home can take back
/// one order for each interval and side; the one it places instead stands. So nobody can lengthen a queue at will.
interface IOrderCancellation {
    /// @notice A relayed cancellation as the home signs it (EIP-712). It works once by its nature.
    /// @param trader The home's account.
    /// @param interval The order's delivery interval.
    /// @param side Buy or Sell.
    /// @param deadline Last second at which a relay may hand it in, Unix time.
    struct Cancellation {
        address trader;
        uint64 interval;
        IEnergyTrading.Side side;
        uint64 deadline;
    }

    /// @notice An order was taken back.
    /// @param tick Where it stood.
    /// @param energyWh Its energy.
    /// @param released What it had locked, micro; it is the home's again.
    event OrderCancelled(
        uint64 indexed interval,
        uint32 indexed memberId,
        IEnergyTrading.Side side,
        uint8 tick,
        uint64 energyWh,
        uint256 released
    );

    /// @notice All nonces below were used up without an order.
    event NoncesRevoked(address indexed trader, uint32 below);

    /// @notice The home has no order on this side.
    error NoOrder(uint64 interval, uint32 memberId, IEnergyTrading.Side side);

    /// @notice The home took back an order of this interval and side before.
    error AlreadyCancelled(uint64 interval, uint32 memberId, IEnergyTrading.Side side);

    /// @notice The cancellation is not signed by the home.
    error BadSignature(address trader);

    /// @notice The cancellation came too late.
    error CancellationExpired(uint64 deadline);

    /// @notice All these nonces are used up; the next is `nextNonce`.
    error NoncesUsed(address trader, uint32 nextNonce);

    /// @notice Takes back the caller's order in one interval; no pause stops it.
    /// @param interval Its delivery interval.
    /// @param side Buy or Sell.
    function cancelOrder(uint64 interval, IEnergyTrading.Side side) external;

    /// @notice Same, for a home that signed it; anyone may relay.
    /// @param cancellation What the home signed.
    /// @param signature 65-byte (r, s, v) signature of `hashCancellation`.
    function cancelOrderFor(Cancellation calldata cancellation, bytes calldata signature) external;

    /// @notice Uses up all nonces of the caller below a number, so that an order signed with one of them and not handed in
    /// yet never can be.
    /// @param below The next nonce from then on.
    function revokeNonces(uint32 below) external;

    /// @notice The EIP-712 digest that a home signs.
    /// @param cancellation The cancellation.
    function hashCancellation(Cancellation calldata cancellation) external view returns (bytes32);
}
