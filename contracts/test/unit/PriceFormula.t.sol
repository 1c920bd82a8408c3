// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {PriceFormula} from "../../libraries/PriceFormula.sol";
import {Hands} from "./Hands.sol";

contract PriceFormulaTest is Hands {
    uint256 private constant MAX_FACTOR = 10e18;

    function price(uint256 base, uint256 demand, uint256 stress, uint256 timeOfDay) external pure returns (uint256) {
        return PriceFormula.price(base, demand, stress, timeOfDay);
    }

    function demandFactor(uint256 importWh, uint256 readings, uint256 load) external pure returns (uint256) {
        return PriceFormula.demand(importWh, readings, load);
    }

    function test_price_is_the_base_rate_with_demand_and_time_at_one_and_no_stress() external pure {
        cheats.assertEq(PriceFormula.price(250_000, WAD, 0, WAD), 250_000);
    }

    function test_price_adds_stress_to_demand_and_multiplies_by_the_time_of_day() external pure {
        // 0.25 * (1.2 + 0.3) * 1.4 = 0.525
        cheats.assertEq(PriceFormula.price(250_000, 12e17, 3e17, 14e17), 525_000);
    }

    function test_price_is_zero_with_any_product_at_zero() external pure {
        cheats.assertEq(PriceFormula.price(0, WAD, WAD, WAD), 0);
        cheats.assertEq(PriceFormula.price(250_000, 0, 0, WAD), 0);
        cheats.assertEq(PriceFormula.price(250_000, WAD, WAD, 0), 0);
    }

    function test_price_rounds_both_products_down() external pure {
        // 3 * 0.5 = 1.5, down to 1; 1 * 1.999... down to 1. One rounding of the whole would give 2.
        cheats.assertEq(PriceFormula.price(3, 5e17, 0, 2e18 - 1), 1);
    }

    function test_price_reverts_where_the_result_does_not_fit_a_word() external {
        bytes memory overflow = abi.encodeWithSignature("Panic(uint256)", 0x11);
        bytes memory call = abi.encodeCall(this.price, (type(uint256).max, WAD + 1, 0, WAD));
        _fails(STRANGER, address(this), call, overflow);
        call = abi.encodeCall(this.price, (1, type(uint256).max, 1, WAD));
        _fails(STRANGER, address(this), call, overflow);
    }

    function test_price_of_the_largest_word_survives_factors_of_one() external pure {
        cheats.assertEq(PriceFormula.price(type(uint256).max, WAD, 0, WAD), type(uint256).max);
    }

    function testFuzz_price_equals_the_product_in_plain_integers(uint64 base, uint64 demand, uint64 stress, uint64 time)
        external
        pure
    {
        // Four numbers of 64 bits: nothing overflows 256.
        uint256 expected = ((uint256(base) * (uint256(demand) + stress)) / WAD) * time / WAD;
        cheats.assertEq(PriceFormula.price(base, demand, stress, time), expected);
    }

    function testFuzz_price_equals_the_quotient_of_a_product_of_512_bits(uint256 base, uint256 demand) external pure {
        (base, demand) = (base >> 136, demand >> 66);
        uint256 quotient = PriceFormula.price(base, demand, 0, WAD);
        (uint256 high, uint256 low) = _product(base, demand);
        (uint256 back, uint256 rest) = _product(quotient, WAD);
        uint256 sum;
        unchecked {
            sum = rest + mulmod(base, demand, WAD);
        }
        cheats.assertEq(sum, low);
        cheats.assertEq(back + (sum < rest ? 1 : 0), high);
    }

    function testFuzz_price_never_falls_when_a_factor_rises(uint64 base, uint256[6] memory seeds) external pure {
        (uint256 demand, uint256 more) = _pair(seeds[0], seeds[1]);
        (uint256 stress, uint256 harder) = _pair(seeds[2], seeds[3]);
        (uint256 time, uint256 later) = _pair(seeds[4], seeds[5]);
        uint256 least = PriceFormula.price(base, demand, stress, time);
        cheats.assertGe(PriceFormula.price(base, more, stress, time), least);
        cheats.assertGe(PriceFormula.price(base, demand, harder, time), least);
        cheats.assertGe(PriceFormula.price(base, demand, stress, later), least);
        cheats.assertGe(PriceFormula.price(uint256(base) + 1, demand, stress, time), least);
    }

    function test_demand_is_one_when_no_meter_is_known() external pure {
        cheats.assertEq(PriceFormula.demand(0, 0, 500), WAD);
        cheats.assertEq(PriceFormula.demand(9000, 0, 500), WAD);
    }

    function test_demand_is_zero_when_meters_drew_nothing() external pure {
        cheats.assertEq(PriceFormula.demand(0, 3, 500), 0);
    }

    function test_demand_is_energy_per_meter_over_the_reference_load() external pure {
        cheats.assertEq(PriceFormula.demand(1800, 3, 500), 12e17);
        cheats.assertEq(PriceFormula.demand(1, 3, 1), 333_333_333_333_333_333);
    }

    function test_demand_reverts_on_a_reference_load_of_zero() external {
        bytes memory call = abi.encodeCall(this.demandFactor, (1, 1, 0));
        _fails(STRANGER, address(this), call, abi.encodeWithSignature("Panic(uint256)", 0x12));
    }

    function testFuzz_demand_is_the_floor_of_the_ratio(uint96 importWh, uint32 readings, uint64 load) external pure {
        uint256 divisor = (uint256(readings) + 1) * (uint256(load) + 1);
        uint256 factor = PriceFormula.demand(importWh, uint256(readings) + 1, uint256(load) + 1);
        cheats.assertLe(factor * divisor, uint256(importWh) * WAD);
        cheats.assertGe((factor + 1) * divisor, uint256(importWh) * WAD + 1);
    }

    function test_clamp_keeps_a_value_inside_and_moves_one_outside_to_the_bound() external pure {
        cheats.assertEq(PriceFormula.clamp(4, 5, 9), 5);
        cheats.assertEq(PriceFormula.clamp(5, 5, 9), 5);
        cheats.assertEq(PriceFormula.clamp(7, 5, 9), 7);
        cheats.assertEq(PriceFormula.clamp(9, 5, 9), 9);
        cheats.assertEq(PriceFormula.clamp(10, 5, 9), 9);
    }

    function _pair(uint256 one, uint256 two) private pure returns (uint256 less, uint256 more) {
        (one, two) = (one % (MAX_FACTOR + 1), two % (MAX_FACTOR + 1));
        return one < two ? (one, two) : (two, one);
    }

    /// @dev A product of 512 bits, by the Chinese remainder of 2^256 and 2^256 - 1.
    function _product(uint256 a, uint256 b) private pure returns (uint256 high, uint256 low) {
        unchecked {
            uint256 remainder = mulmod(a, b, type(uint256).max);
            low = a * b;
            high = remainder - low - (remainder < low ? 1 : 0);
        }
    }
}
