// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {DeviceRegistry} from "../DeviceRegistry.sol";
import {EnergyTrading} from "../EnergyTrading.sol";
import {GridBalance} from "../GridBalance.sol";
import {RewardSystem} from "../RewardSystem.sol";
import {IIncentives} from "../interfaces/IIncentives.sol";
import {Incentives} from "../rewards/Incentives.sol";
import {Regulator} from "../rewards/Regulator.sol";
import {Staking} from "../rewards/Staking.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IEnergyTrading} from "../interfaces/IEnergyTrading.sol";
import {IGridBalance} from "../interfaces/IGridBalance.sol";
import {IRegulator} from "../interfaces/IRegulator.sol";
import {PaymentToken} from "../tokens/PaymentToken.sol";
import {RewardToken} from "../tokens/RewardToken.sol";
import {Vm} from "./Vm.sol";

/// @title A deployed market and the hands that work it; whoever inherits it holds every role.
abstract contract World {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint64 internal constant HOUR = 3600;
    uint64 internal constant FIRST = 555_556;
    uint64 internal constant GATE_LEAD = 300;
    uint64 internal constant DEADLINE = 2 * HOUR;
    uint64 internal constant MIN_ORDER_WH = 10;
    uint64 internal constant MAX_ORDER_WH = 50_000;
    uint32 internal constant MAX_DURATION = 4;
    uint64 internal constant FEE = 2000;
    uint64 internal constant FEED_IN = 80_000;
    uint64 internal constant RETAIL = 300_000;
    uint32 internal constant RATED_W = 10_000;
    address internal constant BACKSTOP = address(0xb0);
    address internal constant TREASURY = address(0x70);

    AccessManager public manager;
    PaymentToken public money;
    RewardToken public rewardToken;
    GridBalance public grid;
    DeviceRegistry public registry;
    EnergyTrading public trading;
    RewardSystem public rewards;
    Regulator public regulator;

    constructor() {
        vm.warp((FIRST - 4) * HOUR);
        manager = new AccessManager(address(this));
        money = new PaymentToken(address(manager));
        rewardToken = new RewardToken(address(manager), 1e27);
        grid = new GridBalance(address(manager), HOUR, _parameters());
        registry = new DeviceRegistry(address(manager), grid, DEADLINE);
        trading = new EnergyTrading(address(manager), money, registry, grid, BACKSTOP, TREASURY, _rules());
        Incentives.Program memory program = _program();
        rewards = new RewardSystem(address(manager), rewardToken, registry, trading, 1e18, 5e17, program);
        _allow(address(grid), grid.recordInterval.selector, 4, address(registry));
        _allow(address(rewardToken), rewardToken.mint.selector, 5, address(rewards));
        grid.setTradingFee(FEE);
        money.approve(address(trading), type(uint256).max);
    }

    // Parameters

    function _rules() internal pure returns (IEnergyTrading.Config memory) {
        return IEnergyTrading.Config(GATE_LEAD, DEADLINE, uint32(MIN_ORDER_WH), uint32(MAX_ORDER_WH), MAX_DURATION);
    }

    function _parameters() internal pure returns (IGridBalance.PriceParameters memory) {
        return IGridBalance.PriceParameters(250_000, 60_000, 100_000, 1_000_000, 500, 5e17, 3e18);
    }

    function _program() internal returns (Incentives.Program memory) {
        regulator = new Regulator(address(manager), registry, trading, IRegulator.Terms(2e16, 2e16));
        Staking staking = new Staking(rewardToken, registry, 7 days);
        IIncentives.IncentiveRates memory rates = IIncentives.IncentiveRates(5e17, 5e17, 2e18);
        return Incentives.Program(grid, regulator, staking, 24, 100e18, rates);
    }

    // Members and devices; member numbers begin at one

    function _account(uint256 memberId) internal pure returns (address) {
        return vm.addr(1000 + memberId);
    }

    function _meterKey(uint256 memberId) internal pure returns (uint256) {
        return 2000 + memberId;
    }

    function _meter(uint256 memberId) internal pure returns (bytes32) {
        return bytes32(memberId);
    }

    function _join() internal returns (uint32 memberId) {
        memberId = registry.memberCount() + 1;
        registry.registerMember(_account(memberId));
        address key = vm.addr(_meterKey(memberId));
        registry.registerDevice(
            _meter(memberId), _account(memberId), key, IDeviceRegistry.DeviceClass.SmartMeter, RATED_W, 7
        );
    }

    /// @dev A reading signed by the member's meter, submitted by this contract as the oracle.
    function _read(uint256 memberId, uint64 timestamp, uint64 importWh, uint64 exportWh)
        internal
        returns (IDeviceRegistry.ReadingResult)
    {
        uint64 sequence = registry.registers(_meter(memberId)).sequence + 1;
        return _submit(_reading(memberId, sequence, timestamp, importWh, exportWh), _meterKey(memberId));
    }

    function _reading(uint256 memberId, uint64 sequence, uint64 timestamp, uint64 importWh, uint64 exportWh)
        internal
        pure
        returns (IDeviceRegistry.Reading memory)
    {
        return IDeviceRegistry.Reading(_meter(memberId), sequence, timestamp, importWh, exportWh, bytes32(0));
    }

    function _submit(IDeviceRegistry.Reading memory reading, uint256 key)
        internal
        returns (IDeviceRegistry.ReadingResult)
    {
        IDeviceRegistry.SignedReading[] memory readings = new IDeviceRegistry.SignedReading[](1);
        readings[0] = _signed(reading, key);
        return registry.submitReadings(registry.nextBatch(address(this)), readings)[0];
    }

    function _signed(IDeviceRegistry.Reading memory reading, uint256 key)
        internal
        view
        returns (IDeviceRegistry.SignedReading memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, registry.hashReading(reading));
        uint256 values = uint256(reading.sequence) << 192 | uint256(reading.timestamp) << 128
            | uint256(reading.importWh) << 64 | reading.exportWh;
        bytes32 vs = s | bytes32(uint256(v - 27) << 255);
        return IDeviceRegistry.SignedReading(reading.deviceId, values, reading.detail, r, vs);
    }

    // Market

    function _open(uint64 interval, uint64 feedIn, uint64 retail) internal {
        (uint64[] memory low, uint64[] memory high) = (new uint64[](1), new uint64[](1));
        (low[0], high[0]) = (feedIn, retail);
        grid.openIntervals(interval, low, high);
    }

    function _deposit(address account, uint256 amount) internal {
        money.mint(address(this), amount);
        trading.deposit(account, amount);
    }

    function _order(uint256 memberId, uint64 interval, IEnergyTrading.Side side, uint256 energyWh, uint256 price)
        internal
    {
        vm.prank(_account(memberId));
        trading.createOrderAt(interval, energyWh, price, 1, side);
    }

    function _relay(IEnergyTrading.Order memory order, uint256 key) internal returns (IEnergyTrading.OrderResult) {
        IEnergyTrading.Order[] memory orders = new IEnergyTrading.Order[](1);
        bytes[] memory signatures = new bytes[](1);
        (orders[0], signatures[0]) = (order, _sign(key, trading.hashOrder(order)));
        return trading.submitOrders(orders, signatures)[0];
    }

    // Checks

    /// @dev The call must fail with exactly this error.
    function _fails(address sender, address target, bytes memory data, bytes memory reason) internal {
        vm.prank(sender);
        (bool ok, bytes memory returned) = target.call(data);
        require(!ok, "the call should have failed");
        require(keccak256(returned) == keccak256(reason), "the call failed for another reason");
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _allow(address target, bytes4 selector, uint64 role, address holder) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
        manager.grantRole(role, holder, 0);
    }
}
