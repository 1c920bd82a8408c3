// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Regulator: what good and bad conduct earns and costs, and who may place no orders for a while.
/// @notice Bonus and penalty are counted in reward tokens; the reward system books them. A ban stops new orders and
/// nothing else: orders that stand, settlement, deposits and withdrawals go on. Every ban ends by itself.
interface IRegulator {
    /// @notice Why a member is banned. `Arrears` is set by anyone, on proof; the others by a maintainer.
    enum Reason {
        None,
        GridUse,
        Conduct,
        Arrears
    }

    /// @param bonusPerKwh For generation used in the home itself, token units per kWh.
    /// @param penaltyPerKwh For energy drawn from the grid instead of peers, token units per kWh; it lessens a reward, no
    /// further than to zero.
    struct Terms {
        uint128 bonusPerKwh;
        uint128 penaltyPerKwh;
    }

    /// @param until When it ends, Unix seconds; zero for never banned.
    /// @param reason Why.
    struct Ban {
        uint64 until;
        Reason reason;
    }

    /// @notice A member may place no orders until then.
    event MemberBanned(uint32 indexed memberId, uint64 until, Reason reason);

    /// @notice A ban was ended early.
    event BanLifted(uint32 indexed memberId);

    /// @notice Bonus and penalty from now on.
    event TermsSet(uint256 bonusPerKwh, uint256 penaltyPerKwh);

    /// @notice No member has this number.
    error MemberNotFound(uint32 memberId);

    /// @notice A ban has at least one interval and at most the largest length.
    error InvalidBanLength(uint256 intervals, uint256 max);

    /// @notice A maintainer bans for `GridUse` or `Conduct`.
    error InvalidReason(Reason reason);

    /// @notice The member owes nothing.
    error NotInArrears(uint32 memberId, int256 balance);

    /// @notice The member is not banned.
    error NotBanned(uint32 memberId);

    /// @notice A term is above the largest allowed.
    error TermTooHigh(uint256 term, uint256 max);

    /// @notice Bans a member for some intervals from now.
    /// @param memberId The member.
    /// @param intervals Length of the ban.
    /// @param reason `GridUse` or `Conduct`.
    function ban(uint32 memberId, uint32 intervals, Reason reason) external;

    /// @notice Bans a member whose balance is below zero; anyone may call it. It holds while the arrears last, at most
    /// the fixed length; then it can be called again.
    /// @param memberId The member.
    function banForArrears(uint32 memberId) external;

    /// @notice Ends a ban.
    /// @param memberId The member.
    function lift(uint32 memberId) external;

    /// @notice Sets bonus and penalty.
    /// @param terms_ Both.
    function setTerms(Terms calldata terms_) external;

    /// @notice Whether a member may place no orders now.
    /// @param memberId The member.
    function isBanned(uint32 memberId) external view returns (bool);

    /// @notice A member's latest ban, be it over or not.
    /// @param memberId The member.
    function banOf(uint32 memberId) external view returns (Ban memory);

    /// @notice Bonus and penalty.
    function terms() external view returns (Terms memory);
}
