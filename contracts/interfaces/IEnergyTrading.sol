// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IRegulator} from "./IRegulator.sol";

/// @title Sealed call auction per delivery interval, cleared and settled wholly on chain.
/// @notice Energy in Wh, money in micro (1e-6), prices in micro per kWh. A product of Wh and micro per kWh is "nano"
/// (1e-9); a home's whole interval is summed in nano and rounded once, against the home, so no split of the same energy
/// over several prices can cost more than the dearest of them.
interface IEnergyTrading {
    enum Side {
        Buy,
        Sell
    }

    /// @notice Where an interval is: orders may come while `None`, and money moves while `Cleared`.
    enum Status {
        None,
        Cleared,
        Settled
    }

    /// @notice Result code of a relayed order; `Accepted` is zero.
    enum OrderResult {
        Accepted,
        BadSignature,
        Expired,
        NonceUsed,
        UnknownMember,
        GateClosed,
        IntervalNotOpen,
        OrderExists,
        EnergyOutOfRange,
        PriceOutsideBand,
        InsufficientBalance,
        InvalidDuration,
        Banned
    }

    /// @notice A relayed order as the home signs it (EIP-712).
    /// @param trader The home's account.
    /// @param interval First delivery interval.
    /// @param duration Number of consecutive intervals the order stands in, from 1.
    /// @param side Buy or Sell.
    /// @param energyWh Energy in each interval.
    /// @param price Limit, micro per kWh.
    /// @param nonce Not below the trader's `nextNonce`, and below 2^32 - 1; an accepted order uses up all up to its own.
    /// @param deadline Last second at which a relay may hand it in, Unix time.
    struct Order {
        address trader;
        uint64 interval;
        uint32 duration;
        Side side;
        uint64 energyWh;
        uint64 price;
        uint64 nonce;
        uint64 deadline;
    }

    /// @notice One side of a home's position in one interval.
    /// @param energyWh Ordered energy; zero for no order.
    /// @param aheadWh Energy that stood at this tick before.
    /// @param tick The tick of its limit.
    struct Position {
        uint64 energyWh;
        uint64 aheadWh;
        uint8 tick;
    }

    /// @notice Result of an interval's auction.
    /// @param status Where the interval is.
    /// @param tick The clearing tick; its price is `tickPrice(interval, tick)`.
    /// @param buyMarginTick Buyers above it are filled whole, below it not at all, at it in time order up to
    /// `buyFillWh`.
    /// @param sellMarginTick Sellers below it are filled whole, above it not at all, at it in time order up to
    /// `sellFillWh`.
    /// @param members Number of members the interval is settled for.
    /// @param volumeWh Energy bought, equal to energy sold.
    /// @param buyFillWh Energy filled at the buy margin.
    /// @param sellFillWh Energy filled at the sell margin.
    /// @param price The clearing price, micro per kWh.
    struct Clearing {
        Status status;
        uint8 tick;
        uint8 buyMarginTick;
        uint8 sellMarginTick;
        uint32 members;
        uint64 volumeWh;
        uint64 buyFillWh;
        uint64 sellFillWh;
        uint64 price;
    }

    /// @notice Money of one interval, micro, as each account saw it: homes + grid + fees + dust = 0 once settled.
    /// @param homes Sum of what the homes' balances gained.
    /// @param grid What the backstop gained, booked when the last member is settled.
    /// @param fees What the treasury and the insurance pool gained as fees, booked likewise; zero before.
    /// @param dust What rounding left, booked likewise in the insurance pool; zero before.
    /// @param settledMembers Number of members settled.
    struct IntervalMoney {
        int128 homes;
        int128 grid;
        int128 fees;
        int128 dust;
        uint32 settledMembers;
    }

    /// @notice An account of the internal ledger.
    /// @param balance Money that can be spent or withdrawn, micro; below zero for arrears to the grid supplier.
    /// @param soldWh Local sales delivered so far; it stays at 2^48 - 1 once there.
    /// @param boughtWh Local purchases consumed so far; likewise.
    /// @param nextNonce Least nonce that the next relayed order can have.
    struct Account {
        int128 balance;
        uint48 soldWh;
        uint48 boughtWh;
        uint32 nextNonce;
    }

    /// @notice Rules of the market, fixed at deployment but for the limits of an order's energy.
    /// @param gateLeadSeconds Orders close this long before an interval starts.
    /// @param settlementDeadlineSeconds A missing reading counts as no delivery this long after an interval's end; at
    /// most 31 intervals, because the registry keeps 32; the registry's own, so that no energy is left out or twice in.
    /// @param minOrderWh Least energy of an order.
    /// @param maxOrderWh Largest energy of an order, below 2^24.
    /// @param maxDuration Largest number of intervals an order may stand in, at most 255.
    struct Config {
        uint64 gateLeadSeconds;
        uint64 settlementDeadlineSeconds;
        uint32 minOrderWh;
        uint32 maxOrderWh;
        uint32 maxDuration;
    }

    /// @notice Payment tokens came in; `amount` is what arrived.
    event Deposited(address indexed account, address indexed payer, uint256 amount);

    /// @notice Payment tokens went out.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice Credit moved inside the ledger.
    event CreditTransferred(address indexed from, address indexed to, uint256 amount);

    /// @notice An order stands in the book; one event for each interval.
    /// @param aheadWh Energy that stood at the tick before.
    event OrderCreated(
        uint64 indexed interval, uint32 indexed memberId, Side side, uint8 tick, uint64 energyWh, uint64 aheadWh
    );

    /// @notice A relayed order was refused; it may be handed in again while its deadline lasts.
    event OrderRefused(address indexed trader, uint64 nonce, OrderResult result);

    /// @notice An interval's auction was cleared.
    event IntervalCleared(uint64 indexed interval, uint8 tick, uint64 price, uint64 volumeWh);

    /// @notice Some homes' interval was billed.
    /// @param bills Two words for each home, by rising member number. The first, from the top bit: member number (32 bits);
    /// energy bought (44) and sold (44), in the auction and directly; metered (8), 1 or, when no reading came in time, 0;
    /// metered energy drawn (64) and fed in (64), which are zero and mean nothing without a reading. In formulas:
    /// member = w >> 224, bought = (w >> 180) % 2^44, sold = (w >> 136) % 2^44, metered = (w >> 128) % 2^8,
    /// import = (w >> 64) % 2^64, export = w % 2^64. The second, a signed number of 256 bits in two's complement: what
    /// the home's balance gained, micro; locked money given back is not part of it.
    event HomesSettled(uint64 indexed interval, uint256[] bills);

    /// @notice Every member is settled, and the interval is booked.
    event IntervalSettled(uint64 indexed interval, int128 homes, int128 grid, int128 fees, int128 dust);

    /// @notice An order's energy must lie between these from now on.
    event OrderLimitsSet(uint32 minOrderWh, uint32 maxOrderWh);

    /// @notice Who says which members may place no orders; zero for nobody.
    event RegulatorSet(address indexed regulator);

    /// @notice Share of the fees of intervals closed from now on that goes to the insurance pool, 1e-4.
    event InsuranceShareSet(uint16 bps);

    /// @notice The insurance pool gave the backstop what it lacked to pay a settlement, micro.
    event InsuranceDrawn(uint256 amount);

    /// @notice The account is neither a member nor the backstop nor the treasury.
    error UnknownMember(address account);

    /// @notice The interval takes no more orders.
    error GateClosed(uint64 interval, uint64 gateClosure);

    /// @notice The interval still takes orders.
    error GateStillOpen(uint64 interval, uint64 gateClosure);

    /// @notice The interval's tariff is not published.
    error IntervalNotOpen(uint64 interval);

    /// @notice The home has an order on this side; there is one for each home, interval and side.
    error OrderExists(uint64 interval, uint32 memberId, Side side);

    /// @notice The order is too small or too large, or its tick has no room: a tick holds less than 2^32 Wh.
    error EnergyOutOfRange(uint256 energyWh, uint256 min, uint256 max);

    /// @notice A bid below feed-in or an offer above retail can never be better than the grid.
    error PriceOutsideBand(uint256 price, uint256 floor, uint256 cap);

    /// @notice The order stands in no interval or in too many.
    error InvalidDuration(uint256 duration, uint256 max);

    /// @notice The account cannot spend that much. For the backstop `balance` is what it may spend: its balance less
    /// the arrears of others.
    error InsufficientBalance(address account, int256 balance, uint256 needed);

    /// @notice The interval is cleared.
    error AlreadyCleared(uint64 interval);

    /// @notice The interval is not cleared.
    error NotCleared(uint64 interval);

    /// @notice Every member of the interval is settled.
    error AlreadySettled(uint64 interval);

    /// @notice Delivery is not over.
    error IntervalNotOver(uint64 interval, uint64 end);

    /// @notice No member in the range can be settled now: the range is empty or beyond the interval's members, or each
    /// is settled or waits for a reading.
    error NothingToSettle(uint64 interval, uint32 from, uint32 to);

    /// @notice The backstop cannot pay what it owes, and the insurance pool cannot help it out.
    /// @param balance The backstop's balance before.
    /// @param needed What must be deposited for it, or into the pool, micro.
    error BackstopUnfunded(int256 balance, uint256 needed);

    /// @notice Nothing would move.
    error ZeroAmount();

    /// @notice The share is above one.
    error InvalidShare(uint256 bps, uint256 max);

    /// @notice The regulator lets the member place no orders now.
    error Banned(uint32 memberId);

    /// @notice There is not one signature for each order.
    error BatchLengthMismatch(uint256 orders, uint256 signatures);

    /// @notice The rules contradict each other or their limits, or backstop and treasury are not two accounts.
    error InvalidConfig();

    /// @notice Places the caller's order for the next interval whose gate is open.
    /// @param energyAmount Energy in each interval, Wh.
    /// @param price Limit, micro per kWh; a bid is rounded down and an offer up to the tick grid. A bid above retail
    /// counts as retail, an offer below feed-in as feed-in.
    /// @param duration Number of consecutive intervals, from 1.
    /// @param side Buy or Sell.
    /// @return interval First delivery interval.
    function createOrder(uint256 energyAmount, uint256 price, uint256 duration, Side side)
        external
        returns (uint64 interval);

    /// @notice Same, for a named first interval.
    /// @param interval First delivery interval.
    /// @param energyAmount Energy in each interval, Wh.
    /// @param price Limit, micro per kWh.
    /// @param duration Number of consecutive intervals, from 1.
    /// @param side Buy or Sell.
    function createOrderAt(uint64 interval, uint256 energyAmount, uint256 price, uint256 duration, Side side) external;

    /// @notice Hands in orders that homes signed; anyone may relay. One bad order never blocks the others.
    /// @param orders The orders, worked through in this order.
    /// @param signatures 65-byte (r, s, v) signatures of `hashOrder`, one for each order.
    /// @return results One code for each order.
    function submitOrders(Order[] calldata orders, bytes[] calldata signatures)
        external
        returns (OrderResult[] memory results);

    /// @notice Clears an interval after gate closure; anyone may call it and nobody can influence the result.
    /// @dev The tick with the largest volume wins; ties go to the smallest |supply - demand|, then to the price nearest
    /// to the band's reference, then to the lowest tick. An empty or uncrossed book clears with volume zero, at the
    /// tick nearest to the reference (lowest on a tie), margin ticks and fills zero.
    /// @param interval Its index.
    function clear(uint64 interval) external;

    /// @notice Settles members `from` to `to` (inclusive) of an interval that is over; anyone may call it.
    /// @dev Members without a reading are passed over until the settlement deadline; after it they count as having used
    /// and delivered nothing, and their next reading brings it. The call that settles the last member books grid, fees and
    /// dust. No call may leave anybody's credit without money behind it (`BackstopUnfunded`).
    /// @param interval Its index.
    /// @param from First member number, from 1.
    /// @param to Last member number.
    /// @return settled Number of members settled by this call.
    function settle(uint64 interval, uint32 from, uint32 to) external returns (uint32 settled);

    /// @notice Moves `amount` of payment token into `account`'s balance. What arrives is credited, not what was
    /// announced.
    /// @param account A member, the backstop, the treasury, or the contract itself for the insurance pool.
    /// @param amount Payment token units, micro.
    function deposit(address account, uint256 amount) external;

    /// @notice Pays out of the caller's balance; no pause stops it. The backstop must leave the arrears of others
    /// covered.
    /// @param amount Payment token units, micro.
    function withdraw(uint256 amount) external;

    /// @notice Moves credit between two accounts of the internal ledger.
    /// @param to A member, the backstop, the treasury, or the contract itself for the insurance pool.
    /// @param amount Micro.
    function transfer(address to, uint256 amount) external;

    /// @notice Sets the limits of an order's energy; orders that stand are not touched.
    /// @param minOrderWh Least energy, above zero.
    /// @param maxOrderWh Largest energy, below 2^24.
    function setOrderLimits(uint32 minOrderWh, uint32 maxOrderWh) external;

    /// @notice Sets the share of the fees that goes to the insurance pool, the contract's own account; zero at first. What
    /// rounding leaves goes there too, anybody may pay in, nobody takes out; it is drawn where else a settlement fails.
    /// @param bps Share in 1e-4, at most 10,000.
    function setInsuranceShare(uint16 bps) external;

    /// @notice Sets who says which members may place no orders.
    /// @param regulator_ The regulator; zero for nobody.
    function setRegulator(IRegulator regulator_) external;

    /// @notice Stops orders and clearing, nothing else. A pause ends by itself after 24 intervals, three days at most.
    function pause() external;

    /// @notice Ends a pause.
    function unpause() external;

    /// @notice The EIP-712 digest that a home signs.
    /// @param order The order.
    /// @return The digest in this contract's domain (name "EnergyTrading", version "1").
    function hashOrder(Order calldata order) external view returns (bytes32);

    /// @notice An account of the ledger; all zero for an unknown one. The contract's own address is the insurance pool.
    /// @param who The member, the backstop, the treasury or the contract itself.
    function account(address who) external view returns (Account memory);

    /// @notice Balance of an account, micro.
    /// @param who The member, the backstop, the treasury or the contract itself.
    function balanceOf(address who) external view returns (int256);

    /// @notice A home's order on one side.
    /// @param interval Its delivery interval.
    /// @param memberId The home's number.
    /// @param side Buy or Sell.
    function position(uint64 interval, uint32 memberId, Side side) external view returns (Position memory);

    /// @notice Energy of a position that the clearing filled, Wh.
    /// @param interval Its delivery interval.
    /// @param memberId The home's number.
    /// @param side Buy or Sell.
    function fill(uint64 interval, uint32 memberId, Side side) external view returns (uint64);

    /// @notice Result of an interval's auction.
    /// @param interval Its index.
    function clearing(uint64 interval) external view returns (Clearing memory);

    /// @notice Money of an interval, so far or for good.
    /// @param interval Its index.
    function intervalMoney(uint64 interval) external view returns (IntervalMoney memory);

    /// @notice Whether a member's interval is billed.
    /// @param interval Its index.
    /// @param memberId The home's number.
    function isSettled(uint64 interval, uint32 memberId) external view returns (bool);

    /// @notice Ordered energy at each of the 128 ticks.
    /// @param interval Its index.
    /// @param side Buy or Sell.
    function levels(uint64 interval, Side side) external view returns (uint64[] memory);

    /// @notice Price of a tick in an open interval, micro per kWh.
    /// @param interval Its index.
    /// @param tick 0 to 127.
    function tickPrice(uint64 interval, uint8 tick) external view returns (uint64);

    /// @notice When an interval stops taking orders, Unix seconds.
    /// @param interval Its index.
    function gateClosure(uint64 interval) external view returns (uint64);

    /// @notice Whether a relayed order with this nonce can no more be accepted.
    /// @param trader The home's account.
    /// @param nonce The nonce.
    function nonceUsed(address trader, uint64 nonce) external view returns (bool);

    /// @notice Sum of every account, locked money included; equals the tokens held unless somebody donated.
    /// @dev While an interval is partly settled, the counter-entries still to be booked are part of the sum.
    function totalLiabilities() external view returns (int256);

    /// @notice Who says which members may place no orders; zero for nobody.
    function regulator() external view returns (IRegulator);

    /// @notice Share of the fees that goes to the insurance pool, 1e-4.
    function insuranceShare() external view returns (uint16);

    /// @notice The rules of the market, with the limits in force.
    function config() external view returns (Config memory);

    /// @notice The grid supplier's account: it sells and buys what the market leaves, and carries arrears. It must not
    /// be a member.
    function backstop() external view returns (address);

    /// @notice The account that the fees go to. It must not be a member.
    function treasury() external view returns (address);
}
