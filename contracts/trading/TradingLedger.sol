// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {AccountWord} from "../libraries/AccountWord.sol";

/// @title Accounts of the market and the tokens behind them.
/// @dev Accounts go by member number, so that settlement needs no address. The backstop, the treasury and the insurance
/// pool have numbers that no member reaches.
///
/// Solvency is one comparison. `liabilities` is the money received and not paid out. `owed` is what of it belongs to
/// everybody but the backstop: positive balances and locked money, less what partly settled intervals have booked on
/// homes and not yet on the grid. Arrears are no part of it, so `liabilities - owed` is the backstop's balance less the
/// arrears of others. `owed <= liabilities` holds after every call; what breaks it reverts.
abstract contract TradingLedger is IEnergyTrading, AccessManaged, ReentrancyGuardTransient {
    using AccountWord for uint256;
    using SafeCast for int256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    struct Cover {
        uint128 liabilities;
        uint128 owed;
    }

    uint32 internal constant BACKSTOP_ID = type(uint32).max;
    uint32 internal constant TREASURY_ID = type(uint32).max - 1;
    uint32 internal constant INSURANCE_ID = type(uint32).max - 2;

    uint16 internal constant WHOLE_BPS = 10_000;

    /// @notice The payment token; its smallest unit is a micro.
    IERC20 public immutable token;

    /// @notice Where members are numbered and meters read.
    IDeviceRegistry public immutable registry;

    /// @inheritdoc IEnergyTrading
    address public immutable backstop;

    /// @inheritdoc IEnergyTrading
    address public immutable treasury;

    /// @inheritdoc IEnergyTrading
    uint16 public insuranceShare;

    mapping(uint32 id => uint256 word) internal _accounts;
    Cover internal _cover;

    constructor(address authority_, IERC20 token_, IDeviceRegistry registry_, address backstop_, address treasury_)
        AccessManaged(authority_)
    {
        if (backstop_ == treasury_ || backstop_ == address(0) || treasury_ == address(0)) revert InvalidConfig();
        token = token_;
        registry = registry_;
        backstop = backstop_;
        treasury = treasury_;
    }

    /// @inheritdoc IEnergyTrading
    function deposit(address account_, uint256 amount) external nonReentrant {
        uint32 id = _idOf(account_);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received == 0) revert ZeroAmount();
        _cover.liabilities += received.toUint128();
        _credit(id, received);
        emit Deposited(account_, msg.sender, received);
    }

    /// @inheritdoc IEnergyTrading
    function withdraw(uint256 amount) external nonReentrant {
        _debit(msg.sender, amount);
        _cover.liabilities -= amount.toUint128();
        emit Withdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEnergyTrading
    function transfer(address to, uint256 amount) external {
        uint32 id = _idOf(to);
        _debit(msg.sender, amount);
        _credit(id, amount);
        emit CreditTransferred(msg.sender, to, amount);
    }

    /// @inheritdoc IEnergyTrading
    function setInsuranceShare(uint16 bps) external restricted {
        if (bps > WHOLE_BPS) revert InvalidShare(bps, WHOLE_BPS);
        insuranceShare = bps;
        emit InsuranceShareSet(bps);
    }

    /// @inheritdoc IEnergyTrading
    function account(address who) external view returns (Account memory) {
        uint256 word = _accounts[_find(who)];
        return Account(int128(word.balance()), word.soldWh(), word.boughtWh(), word.nextNonce());
    }

    /// @inheritdoc IEnergyTrading
    function balanceOf(address who) external view returns (int256) {
        return _accounts[_find(who)].balance();
    }

    /// @inheritdoc IEnergyTrading
    function totalLiabilities() external view returns (int256) {
        return int256(uint256(_cover.liabilities));
    }

    /// @dev Adds to what everybody but the backstop owns.
    function _addOwed(int256 change) internal {
        Cover memory cover = _cover;
        int256 owed = int256(uint256(cover.owed)) + change;
        int256 missing = owed - int256(uint256(cover.liabilities));
        if (missing > 0) {
            _drawInsurance(missing);
            owed -= missing;
        }
        _cover.owed = owed.toUint256().toUint128();
    }

    /// @dev Gives locked money back to the account that locked it.
    function _unlock(uint32 id, uint256 amount) internal {
        (int256 before, int256 balance) = _gain(id, amount.toInt256());
        // What fills arrears is owed no more.
        int256 change = _positive(balance) - _positive(before) - int256(amount);
        if (change != 0) _addOwed(change);
    }

    /// @dev Changes a balance and nothing else.
    function _gain(uint32 id, int256 amount) internal returns (int256 before, int256 balance) {
        uint256 word = _accounts[id];
        before = word.balance();
        balance = before + amount;
        _accounts[id] = word.withBalance(balance);
    }

    /// @dev The part of a balance that the tokens held must cover: arrears cover nothing.
    function _positive(int256 balance) internal pure returns (int256) {
        return SignedMath.max(balance, 0);
    }

    function _credit(uint32 id, uint256 amount) private {
        (int256 before, int256 balance) = _gain(id, amount.toInt256());
        if (id != BACKSTOP_ID) _addOwed(_positive(balance) - _positive(before));
    }

    function _debit(address who, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        uint32 id = _idOf(who);
        uint256 word = _accounts[id];
        int256 balance = word.balance();
        int256 spendable = id == BACKSTOP_ID ? SignedMath.min(balance, _backstopCover()) : balance;
        if (spendable < amount.toInt256()) revert InsufficientBalance(who, spendable, amount);
        _accounts[id] = word.withBalance(balance - int256(amount));
        if (id != BACKSTOP_ID) _cover.owed -= uint128(amount);
    }

    /// @dev The pool is owed what it holds, the backstop is not: what moves from one to the other is owed no more.
    function _drawInsurance(int256 missing) private {
        int256 pool = _accounts[INSURANCE_ID].balance();
        if (pool < missing) revert BackstopUnfunded(_accounts[BACKSTOP_ID].balance(), uint256(missing - pool));
        _gain(INSURANCE_ID, -missing);
        _gain(BACKSTOP_ID, missing);
        emit InsuranceDrawn(uint256(missing));
    }

    function _backstopCover() private view returns (int256) {
        return int256(uint256(_cover.liabilities)) - int256(uint256(_cover.owed));
    }

    /// @dev The number of an account.
    function _idOf(address who) private view returns (uint32 id) {
        id = _find(who);
        if (id == 0) revert UnknownMember(who);
    }

    /// @dev The number of an account, zero for none.
    function _find(address who) private view returns (uint32) {
        if (who == backstop) return BACKSTOP_ID;
        if (who == treasury) return TREASURY_ID;
        if (who == address(this)) return INSURANCE_ID;
        return registry.memberOf(who);
    }
}
