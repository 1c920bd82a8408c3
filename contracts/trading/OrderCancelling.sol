// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IOrderCancellation} from "../interfaces/IOrderCancellation.sol";
import {OrderLanes} from "../libraries/OrderLanes.sol";
import {TickBook} from "../libraries/TickBook.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Taking orders back before gate closure.
abstract contract OrderCancelling is IOrderCancellation, OrderBook {
    using BitMaps for BitMaps.BitMap;
    using OrderLanes for OrderLanes.Orders;
    using TickBook for TickBook.Book;

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
    function revokeNonce(uint64 nonce) external {
        if (_nonces[msg.sender].get(nonce)) revert NonceUsed(msg.sender, nonce);
        _nonces[msg.sender].set(nonce);
        emit NonceRevoked(msg.sender, nonce);
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
        uint256 released = _lockOf(side, energyWh, tick, band.feedIn, band.retail, feeOf(interval));
        _orders[interval].cancel(memberId, uint256(side));
        _books[interval][side].leave(tick, energyWh, aheadWh);
        _unlock(memberId, released);
        emit OrderCancelled(interval, memberId, side, uint8(tick), uint64(energyWh), released);
    }
}
