// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDeviceRegistry} from "../../interfaces/IDeviceRegistry.sol";
import {AccountWord} from "../../libraries/AccountWord.sol";
import {BillWords} from "../../libraries/BillWords.sol";
import {DeviceWord} from "../../libraries/DeviceWord.sol";
import {OrderLanes} from "../../libraries/OrderLanes.sol";
import {PerformanceLog} from "../../libraries/PerformanceLog.sol";
import {ReadingWord} from "../../libraries/ReadingWord.sol";
import {Settlement} from "../../libraries/Settlement.sol";
import {Model} from "../Model.sol";

/// @title Words that hold several numbers: each number comes out as it went in, and no other changes.
contract LibrariesTest {
    using AccountWord for uint256;
    using DeviceWord for uint256;
    using OrderLanes for OrderLanes.Orders;
    using PerformanceLog for PerformanceLog.Log;
    using ReadingWord for uint256;

    OrderLanes.Orders private _orders;
    PerformanceLog.Log private _log;

    function testFuzz_a_device_word_holds_its_fields(
        address key,
        address newKey,
        uint32 member,
        uint32 power,
        uint8 class,
        uint256 number,
        bool meter
    ) external pure {
        IDeviceRegistry.DeviceClass kind = IDeviceRegistry.DeviceClass(class % 5);
        number &= DeviceWord.LARGEST_NUMBER;
        uint256 word = DeviceWord.pack(key, member, power, kind, number, meter);
        require(word.isActive() && word.status() == IDeviceRegistry.DeviceStatus.Active);
        word = word.withKey(newKey).withStatus(IDeviceRegistry.DeviceStatus.Suspended);
        require(!word.isActive() && word.status() == IDeviceRegistry.DeviceStatus.Suspended);
        require(word.key() == newKey && word.memberId() == member && word.ratedPowerW() == power);
        require(word.class() == kind && word.number() == number && word.isRevenueMeter() == meter);
    }

    function testFuzz_a_reading_word_holds_its_numbers(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e, uint24 n)
        external
        pure
    {
        uint256 word = ReadingWord.pack(a, b, c, d);
        require(word.sequence() == a && word.timestamp() == b && word.importWh() == c && word.exportWh() == d);
        require(word.marked(true).isMarked() && !word.marked(false).isMarked());
        require(word.marked(true).marked(false) == ReadingWord.pack(a, b & (type(uint64).max >> 1), c, d));
        require(word.withSequence(e) == ReadingWord.pack(e, b, c, d));
        uint256 told = word.numbered(n);
        require(told.sequence() == a && uint40(told.timestamp()) == uint40(b) && uint24(told >> 168) == n);
        require(uint128(told) == uint128(word));
    }

    function test_a_mark_set_twice_is_set_and_a_number_leaves_nothing_of_what_stood_there() external pure {
        uint256 word = ReadingWord.pack(1, type(uint64).max, 2, 3);
        require(word.marked(true) == word && word.marked(false).marked(true) == word);
        require(word.numbered(0) == ReadingWord.pack(1, type(uint40).max, 2, 3));
    }

    function test_the_top_bit_of_each_number_is_told_and_no_other() external pure {
        require(ReadingWord.pack(type(uint64).max, type(uint64).max, type(uint64).max, type(uint64).max).topBits() != 0);
        uint64 most = type(uint64).max >> 1;
        require(ReadingWord.pack(most, most, most, most).topBits() == 0);
        for (uint256 field = 0; field < 4; ++field) {
            uint256 top = 1 << (64 * field + 63);
            require(top.topBits() == top);
        }
    }

    function test_a_reading_ends_or_lies_in_an_interval() external pure {
        require(ReadingWord.pack(0, type(uint64).max, 0, 0).intervalOf(1) == type(uint64).max - 1);
        require(ReadingWord.pack(0, 0, 0, 0).intervalOf(3600) == 0);
        require(ReadingWord.pack(0, 3600, 0, 0).intervalOf(3600) == 0);
        require(ReadingWord.pack(0, 3601, 0, 0).intervalOf(3600) == 1);
    }

    function test_a_reading_follows_by_number_and_within_an_interval() external pure {
        uint256 last = ReadingWord.pack(4, 1000, 0, 0).marked(true);
        require(ReadingWord.pack(5, 1100, 0, 0).follows(last, 100));
        require(!ReadingWord.pack(5, 1101, 0, 0).follows(last, 100));
        require(!ReadingWord.pack(6, 1100, 0, 0).follows(last, 100));
    }

    function testFuzz_a_lane_holds_its_order(uint256 member, bool sell, uint24 energyWh, uint8 tick, uint32 aheadWh)
        external
    {
        (uint256 id, uint256 side) = (member % 1000, sell ? 1 : 0);
        (uint256 energy, uint256 at) = (uint256(energyWh) | 1, tick & 127);
        _orders.put(id, side, energy, at, aheadWh);
        (uint256 bid, uint256 offer) = _orders.get(id);
        (uint256 own, uint256 other) = sell ? (offer, bid) : (bid, offer);
        require(OrderLanes.isOrder(own) && other == 0 && !OrderLanes.wasCancelled(own));
        (uint256 energyOut, uint256 tickOut, uint256 aheadOut) = OrderLanes.unpack(own);
        require(energyOut == energy && tickOut == at && aheadOut == aheadWh);
        (bid, offer) = _orders.get(id ^ 1);
        require(bid == 0 && offer == 0);
        _orders.cancel(id, side);
        (bid, offer) = _orders.get(id);
        (own, other) = sell ? (offer, bid) : (bid, offer);
        require(!OrderLanes.isOrder(own) && OrderLanes.wasCancelled(own) && other == 0);
    }

    /// @dev Members 4 and 5 share a word, both their sides.
    function test_a_cancelled_order_leaves_the_others_of_its_word() external {
        for (uint256 lane = 0; lane < 4; ++lane) _orders.put(4 + lane / 2, lane % 2, 100 + lane, lane, 7);
        for (uint256 gone = 0; gone < 4; ++gone) {
            _orders.cancel(4 + gone / 2, gone % 2);
            for (uint256 lane = 0; lane < 4; ++lane) {
                (uint256 bid, uint256 offer) = _orders.get(4 + lane / 2);
                (uint256 energy, uint256 tick, uint256 ahead) = OrderLanes.unpack(lane % 2 == 0 ? bid : offer);
                if (lane <= gone) require(energy == 0 && OrderLanes.wasCancelled(lane % 2 == 0 ? bid : offer));
                else require(energy == 100 + lane && tick == lane && ahead == 7);
            }
        }
    }

    /// @dev The bill is that of the rules written down once more; both parts sum to the market's price and fee.
    function testFuzz_a_bill_is_what_the_rules_say(
        uint32[4] calldata energies,
        uint32 feedIn,
        uint32 band,
        uint32 above,
        uint24 fee
    ) external pure {
        uint256 price = uint256(feedIn) + above % (uint256(band) + 1);
        Settlement.Terms memory terms = Settlement.Terms(price, fee, uint256(feedIn) + band, feedIn);
        (int256 home, int256 grid) = Settlement.home(terms, energies[0], energies[1], energies[2], energies[3]);
        Model.Terms memory rules = Model.Terms(feedIn, uint256(feedIn) + band, fee, price);
        require(home == Model.home(rules, energies[0], energies[1], energies[2], energies[3]));
        require(grid == -Model.grid(rules, energies[0], energies[1], energies[2], energies[3]));
        int256 traded = int256(price) * (int256(uint256(energies[1])) - int256(uint256(energies[0])));
        require(home + grid == traded - int256(uint256(fee)) * int256(uint256(energies[0])));
    }

    function testFuzz_micro_is_nano_rounded_down(int128 nano) external pure {
        int256 micro = Settlement.toMicro(nano);
        require(micro * 1000 <= nano && (micro + 1) * 1000 > nano);
    }

    function testFuzz_locks_are_rounded_up(uint96 nano) external pure {
        uint256 micro = Settlement.ceilMicro(nano);
        require(micro * 1000 >= nano && micro * 1000 < uint256(nano) + 1000);
    }

    function testFuzz_an_account_word_holds_its_fields(
        int128 balance,
        int128 later,
        uint64 sold,
        uint64 bought,
        uint32 nonce
    ) external pure {
        uint256 word = uint256(0).withBalance(balance).withNonce(nonce);
        require(word.balance() == balance && word.nextNonce() == nonce && word.soldWh() == 0);
        (sold, bought) = (sold % (1 << 47), bought % (1 << 47));
        word = word.booked(later, sold, bought);
        require(word.balance() == later && word.nextNonce() == nonce);
        require(word.soldWh() == sold && word.boughtWh() == bought);
        word = word.booked(later, type(uint64).max, 0).booked(later, 0, type(uint64).max);
        require(word.soldWh() == type(uint48).max && word.boughtWh() == type(uint48).max, "counters stop at the top");
        require(word.withBalance(balance).soldWh() == type(uint48).max && word.nextNonce() == nonce);
    }

    function testFuzz_bill_words_hold_their_fields(uint32 member, uint40 bought, uint40 sold, uint64 imported, uint64 out)
        external
        pure
    {
        uint256 word = BillWords.pack(member, bought, sold, 1 << 128 | uint256(imported) << 64 | out);
        require(word >> 224 == member && (word >> 180) % (1 << 44) == bought && (word >> 136) % (1 << 44) == sold);
        require((word >> 128) % 256 == 1 && uint64(word >> 64) == imported && uint64(word) == out);
    }

    /// @dev Counters at their largest stay there.
    function test_a_full_performance_log_fails_no_reading() external {
        _log.refused = type(uint32).max;
        _log.refuse();
        require(_log.refused == type(uint32).max);
        (_log.silentSeconds, _log.missed, _log.gaps) = (type(uint40).max, type(uint24).max, type(uint24).max);
        _log.accepted = type(uint32).max;
        uint256 last = ReadingWord.pack(10, 1000, 0, 0);
        _log.interrupt(ReadingWord.pack(20, 9000, 0, 0), last, 3600);
        require(_log.silentSeconds == type(uint40).max && _log.missed == type(uint24).max);
        require(_log.gaps == type(uint24).max && _log.accepted == type(uint32).max && _log.anchor == 20);
    }
}
