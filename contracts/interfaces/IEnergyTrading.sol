// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Sealed call auction per delivery interval, cleared and settled wholly on chain.
/// @notice Energy in Wh, money in micro (1e-6), prices in micro per kWh. A product of Wh and micro per kWh is "nano"
/// (1e-9); a home's whole interval is summed in nano and rounded once, against the home, so no split of the same energy
/// over several prices can cost more than the dearest of them.
interface IEnergyTrading {
    enum Side {
        Buy,
        Sell
    }

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
        InvalidDuration
    }

    /// @notice A relayed order as the home signs it (EIP-712).
    /// @param trader The home's account.
    /// @param interval First delivery interval.
    /// @param duration Number of consecutive intervals the order stands in, from 1.
    /// @param side Buy or Sell.
    /// @param energyWh Energy in each interval.
    /// @param price Limit, micro per kWh.
    /// @param nonce Any number this trader has not used before.
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
    struct Position {
        uint64 energyWh;
        uint64 aheadWh;
        uint8 tick;
    }

    /// @param tick The clearing tick; its price is `tickPrice(interval, tick)`.
    /// @param volumeWh Energy bought, equal to energy sold.
    /// @param buyMarginTick Buyers above it are filled whole, below it not at all, at it in time order up to `buyFillWh`.
    /// @param sellMarginTick Sellers below it are filled whole, above it not at all, at it in time order up to `sellFillWh`.
    /// @param members Number of members the interval is settled for.
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
    struct IntervalMoney {
        int128 homes;
        int128 grid;
        int128 fees;
        int128 dust;
        uint32 settledMembers;
    }

    /// @param balance Money that can be spent or withdrawn, micro; below zero for arrears to the grid supplier.
    /// @param soldWh Local sales delivered so far.
    /// @param boughtWh Local purchases consumed so far.
    struct Account {
        int128 balance;
        uint64 soldWh;
        uint64 boughtWh;
    }

    event Deposited(address indexed account, address indexed payer, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event CreditTransferred(address indexed from, address indexed to, uint256 amount);
    event OrderCreated(
        uint64 indexed interval, uint32 indexed memberId, Side side, uint8 tick, uint64 energyWh, uint64 aheadWh
    );
    event OrderRefused(address indexed trader, uint64 nonce, OrderResult result);
    event IntervalCleared(uint64 indexed interval, uint8 tick, uint64 price, uint64 volumeWh);
    event HomeSettled(
        uint64 indexed interval,
        uint32 indexed memberId,
        uint64 boughtWh,
        uint64 soldWh,
        uint64 importWh,
        uint64 exportWh,
        bool metered,
        int128 amount
    );
    event IntervalSettled(uint64 indexed interval, int128 homes, int128 grid, int128 fees, int128 dust);
    event TradingFeeSet(uint64 feeMicroPerKwh);

    error UnknownMember(address account);
    error GateClosed(uint64 interval, uint64 gateClosure);
    error GateStillOpen(uint64 interval, uint64 gateClosure);
    error IntervalNotOpen(uint64 interval);
    error OrderExists(uint64 interval, uint32 memberId, Side side);
    error EnergyOutOfRange(uint256 energyWh, uint256 min, uint256 max);
    error PriceOutsideBand(uint256 price, uint256 floor, uint256 cap);
    error InvalidDuration(uint256 duration, uint256 max);
    error InsufficientBalance(address account, int256 balance, uint256 needed);
    error AlreadyCleared(uint64 interval);
    error NotCleared(uint64 interval);
    error AlreadySettled(uint64 interval);
    error IntervalNotOver(uint64 interval, uint64 end);
    error NothingToSettle(uint64 interval, uint32 from, uint32 to);
    error BackstopUnfunded(int256 balance, uint256 needed);
    error ZeroAmount();
    error FeeTooHigh(uint256 fee, uint256 max);

    /// @notice Places the caller's order for the next interval whose gate is open.
    /// @param energyAmount Energy in each interval, Wh.
    /// @param price Limit, micro per kWh; a bid is rounded down and an offer up to the tick grid.
    /// @param duration Number of consecutive intervals, from 1.
    /// @return interval First delivery interval.
    function createOrder(uint256 energyAmount, uint256 price, uint256 duration, Side side)
        external
        returns (uint64 interval);

    /// @notice Same, for a named first interval.
    function createOrderAt(uint64 interval, uint256 energyAmount, uint256 price, uint256 duration, Side side) external;

    /// @notice Hands in orders that homes signed; anyone may relay. One bad order never blocks the others.
    function submitOrders(Order[] calldata orders, bytes[] calldata signatures)
        external
        returns (OrderResult[] memory results);

    /// @notice Clears an interval after gate closure; anyone may call it and nobody can influence the result.
    /// @dev The tick with the largest volume wins; ties go to the smallest |supply - demand|, then to the price nearest
    /// to the band's reference, then to the lowest tick. An empty or uncrossed book clears with volume zero, at the tick
    /// nearest to the reference (lowest on a tie), margin ticks and fills zero.
    function clear(uint64 interval) external;

    /// @notice Settles members `from` to `to` (inclusive) of an interval that is over; anyone may call it.
    /// @dev Members without a reading are passed over until the settlement deadline; after it their delivery counts as
    /// zero. The call that settles the last member closes the interval: grid, fees and dust are booked.
    /// @return settled Number of members settled by this call.
    function settle(uint64 interval, uint32 from, uint32 to) external returns (uint32 settled);

    /// @notice Moves `amount` of payment token into `account`'s balance. What arrives is credited, not what was announced.
    function deposit(address account, uint256 amount) external;

    function withdraw(uint256 amount) external;

    /// @notice Moves credit between two accounts of the internal ledger.
    function transfer(address to, uint256 amount) external;

    function setTradingFee(uint64 feeMicroPerKwh) external;

    function pause() external;

    function unpause() external;

    function hashOrder(Order calldata order) external view returns (bytes32);

    function account(address who) external view returns (Account memory);

    function balanceOf(address who) external view returns (int256);

    function position(uint64 interval, uint32 memberId, Side side) external view returns (Position memory);

    /// @notice Energy of a position that the clearing filled, Wh.
    function fill(uint64 interval, uint32 memberId, Side side) external view returns (uint64);

    function clearing(uint64 interval) external view returns (Clearing memory);

    function intervalMoney(uint64 interval) external view returns (IntervalMoney memory);

    function isSettled(uint64 interval, uint32 memberId) external view returns (bool);

    /// @notice Ordered energy at each of the 128 ticks.
    function levels(uint64 interval, Side side) external view returns (uint64[] memory);

    function tickPrice(uint64 interval, uint8 tick) external view returns (uint64);

    function gateClosure(uint64 interval) external view returns (uint64);

    function nonceUsed(address trader, uint64 nonce) external view returns (bool);

    /// @notice Sum of every account, escrows included; equals the tokens held unless somebody donated.
    function totalLiabilities() external view returns (int256);

    function tradingFee() external view returns (uint64);

    function backstop() external view returns (address);

    function treasury() external view returns (address);
}
