// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IOrderCancellation} from "../interfaces/IOrderCancellation.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {GappedQueues} from "../libraries/GappedQueues.sol";
import {OrderLanes} from "../libraries/OrderLanes.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Taking orders back before gate closure.
abstract contract OrderCancelling is IOrderCancellation, OrderBook {
    using AccountWord for uint256;
    using OrderLanes for OrderLanes.Orders;

    bytes32 private constant CANCELLATION_TYPEHASH =
        keccak256("Cancellation(address trader,uint64 interval,uint8 side,uint64 deadline)");

    /// @inheritdoc IOrderCancellation
    function cancelOrder(uint64 interval, Side side) external {
        _cancel(msg.sender, interval, side);
    }

    /// @inheritdoc IOrderCancellation
    function cancelOrderFor(Cancellation calldata cancellation, bytes calldata signature) external {
        (address signer,,) = ECDSA.tryRecoverCalldata(hashCancellation(cancellation), signature);
        if (signer == address(0) || signer != cancellation.trader) revert BadSignature(cancellation.trader);
        if (block.timestamp > cancellation.deadline) revert CancellationExpired(cancellation.deadline);
        _cancel(signer, cancellation.interval, cancellation.side);
    }

    /// @inheritdoc IOrderCancellation
    function revokeNonces(uint32 below) external {
        uint32 memberId = registry.memberOf(msg.sender);
        if (memberId == 0) revert UnknownMember(msg.sender);
        uint256 word = _accounts[memberId];
        if (below <= word.nextNonce()) revert NoncesUsed(msg.sender, word.nextNonce());
        _accounts[memberId] = word.withNonce(below);
        emit NoncesRevoked(msg.sender, below);
    }

    /// @inheritdoc IOrderCancellation
    function hashCancellation(Cancellation calldata cancellation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CANCELLATION_TYPEHASH, cancellation)));
    }

    function _cancel(address trader, uint64 interval, Side side) private {
        if (_gateClosed(interval)) revert GateClosed(interval, gateClosure(interval));
        uint32 memberId = registry.memberOf(trader);
        uint256 lane = _lane(interval, memberId, side);
        if (!OrderLanes.isOrder(lane)) revert NoOrder(interval, memberId, side);
        if (OrderLanes.wasCancelled(lane)) revert AlreadyCancelled(interval, memberId, side);
        (uint256 energyWh, uint256 tick, uint256 aheadWh) = OrderLanes.unpack(lane);
        IGridBalance.PriceBand memory band = gridBalance.band(interval);
        uint256 released = _lockOf(side, energyWh, tick, band.feedIn, band.retail, band.fee);
        _orders[interval].cancel(memberId, uint256(side));
        GappedQueues.leave(_books[interval][side], tick, energyWh, aheadWh);
        _unlock(memberId, released);
        emit OrderCancelled(interval, memberId, side, uint8(tick), uint64(energyWh), released);
    }
}
