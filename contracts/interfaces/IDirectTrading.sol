// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IEnergyTrading} from "./IEnergyTrading.sol";

/// @title Direct trades between two named homes, beside the auction.
/// @notice An offer names its counterparty, price and expiry and locks what an order of the same terms would. Accepted,
/// it is a firm deal at its price, settled together with the homes' auction positions: one promise, one delivery, one
/// rounding for each home and interval.
interface IDirectTrading {
    /// @notice `Accepted` and `Withdrawn` are final.
    enum OfferStatus {
        None,
        Open,
        Accepted,
        Withdrawn
    }

    /// @param makerId Member number of the home that made it.
    /// @param counterpartyId Member number of the only home that may accept it.
    /// @param interval Delivery interval.
    /// @param energyWh Energy.
    /// @param price Micro per kWh, inside the interval's band.
    /// @param side What the maker does: buy or sell.
    /// @param status Where the offer is.
    /// @param expiry Last second at which it can be accepted, Unix time.
    /// @param locked What the maker locked, micro.
    struct Offer {
        uint32 makerId;
        uint32 counterpartyId;
        uint64 interval;
        uint32 energyWh;
        uint64 price;
        IEnergyTrading.Side side;
        OfferStatus status;
        uint64 expiry;
        uint128 locked;
    }

    /// @notice Accepted deals of one home in one interval.
    /// @param boughtWh Energy bought.
    /// @param soldWh Energy sold.
    /// @param paymentNano What the deals' prices bring the home, fee apart, nano.
    /// @param locked What the home locked for them, micro.
    struct Deals {
        uint32 boughtWh;
        uint32 soldWh;
        int96 paymentNano;
        uint96 locked;
    }

    /// @notice An offer was made.
    event OfferMade(
        uint256 indexed offerId,
        uint32 indexed makerId,
        uint32 indexed counterpartyId,
        uint64 interval,
        IEnergyTrading.Side side,
        uint64 energyWh,
        uint64 price,
        uint64 expiry
    );

    /// @notice An offer was accepted; it is a firm deal now.
    event OfferAccepted(uint256 indexed offerId, uint64 indexed interval);

    /// @notice An offer was taken back; `released` is the maker's again.
    event OfferWithdrawn(uint256 indexed offerId, uint256 released);

    /// @notice The counterparty is no member, or the maker itself.
    error InvalidCounterparty(address counterparty);

    /// @notice The expiry is past, or not before gate closure.
    error InvalidExpiry(uint64 expiry, uint64 gateClosure);

    /// @notice The offer is unknown, accepted or withdrawn.
    error OfferNotOpen(uint256 offerId, OfferStatus status);

    /// @notice The offer was not made to, or not made by, the caller.
    error NotYourOffer(uint256 offerId, address caller);

    /// @notice The offer can be accepted no more.
    error OfferExpired(uint256 offerId, uint64 expiry);

    /// @notice Offers a deal to one home, and locks escrow or bond for it.
    /// @param counterparty The home.
    /// @param interval Delivery interval, with a tariff and before gate closure.
    /// @param energyWh Energy, within the sizes of an order.
    /// @param price Micro per kWh, from feed-in to retail.
    /// @param side What the caller does: buy or sell.
    /// @param expiry Last second at which it can be accepted, before gate closure, Unix time.
    /// @return offerId Number of the offer, from 1.
    function offer(
        address counterparty,
        uint64 interval,
        uint32 energyWh,
        uint64 price,
        IEnergyTrading.Side side,
        uint64 expiry
    ) external returns (uint256 offerId);

    /// @notice Accepts an offer made to the caller, and locks the caller's escrow or bond.
    /// @param offerId Its number.
    function accept(uint256 offerId) external;

    /// @notice Takes back an offer of the caller that nobody accepted, expired or not; no pause stops it.
    /// @param offerId Its number.
    function withdrawOffer(uint256 offerId) external;

    /// @notice Number of offers ever made.
    function offerCount() external view returns (uint256);

    /// @notice An offer; all zero for an unknown one.
    /// @param offerId Its number.
    function offerAt(uint256 offerId) external view returns (Offer memory);

    /// @notice Energy of all accepted deals of an interval, Wh.
    /// @param interval Its index.
    function dealtWh(uint64 interval) external view returns (uint256);

    /// @notice Accepted deals of one member.
    /// @param interval Its index.
    /// @param memberId The member's number.
    function dealsOf(uint64 interval, uint32 memberId) external view returns (Deals memory);

    /// @notice Accepted deals of consecutive members, for settlement; an empty list where the interval has none at all.
    /// @param interval Its index.
    /// @param from First member number.
    /// @param to Last member number.
    /// @return words One word each: locked << 160 | paymentNano (96 bits) << 64 | soldWh << 32 | boughtWh.
    function dealWords(uint64 interval, uint32 from, uint32 to) external view returns (uint256[] memory words);
}
