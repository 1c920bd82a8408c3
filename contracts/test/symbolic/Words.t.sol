// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {AccountWord} from "../../libraries/AccountWord.sol";
import {BillWords} from "../../libraries/BillWords.sol";
import {OrderLanes} from "../../libraries/OrderLanes.sol";
import {ReadingWord} from "../../libraries/ReadingWord.sol";

/// @title Packed words: what goes in comes out, and a field never touches its neighbours; for every value.
contract WordsTest {
    using AccountWord for uint256;
    using OrderLanes for OrderLanes.Orders;
    using ReadingWord for uint256;

    OrderLanes.Orders private _orders;

    // Accounts

    function check_a_balance_leaves_the_rest_of_an_account(uint256 word, int128 balance) external pure {
        uint256 next = word.withBalance(balance);
        assert(next.balance() == balance);
        assert(next >> 128 == word >> 128);
    }

    function check_a_nonce_leaves_the_rest_of_an_account(uint256 word, uint32 nonce) external pure {
        uint256 next = word.withNonce(nonce);
        assert(next.nextNonce() == nonce);
        assert(uint224(next) == uint224(word));
    }

    function check_a_booking_counts_up_to_full_counters(uint256 word, int128 balance, uint64 sold, uint64 bought)
        external
        pure
    {
        uint256 next = word.booked(balance, sold, bought);
        assert(next.balance() == balance);
        assert(next.nextNonce() == word.nextNonce());
        assert(next.soldWh() == _capped(uint256(word.soldWh()) + sold));
        assert(next.boughtWh() == _capped(uint256(word.boughtWh()) + bought));
    }

    function check_the_fields_of_an_account_are_all_of_it(uint256 word) external pure {
        uint256 whole = uint256(word.nextNonce()) << 224 | uint256(word.boughtWh()) << 176
            | uint256(word.soldWh()) << 128 | uint128(int128(word.balance()));
        assert(whole == word);
    }

    // Orders

    /// @dev In a lane that is empty but for its mark.
    function check_an_order_comes_back(uint8 memberId, bool sell, bool mark, uint24 energyWh, uint8 tick, uint32 aheadWh)
        external
    {
        if (tick > 127) return;
        _orders.pairs[memberId / 2] = (mark ? uint256(1) << 39 : 0) << _shift(memberId, sell);
        _orders.put(memberId, sell ? 1 : 0, energyWh, tick, aheadWh);
        uint256 lane = _lane(memberId, sell);
        (uint256 energy, uint256 level, uint256 ahead) = OrderLanes.unpack(lane);
        assert(energy == energyWh && level == tick && ahead == aheadWh);
        assert(OrderLanes.isOrder(lane) == (energyWh != 0));
        assert(OrderLanes.wasCancelled(lane) == mark);
    }

    function check_an_order_leaves_the_other_lanes(uint8 memberId, bool sell, uint24 energyWh, uint256 word, uint32 aheadWh)
        external
    {
        uint256 others = ~(uint256(type(uint64).max) << _shift(memberId, sell));
        _orders.pairs[memberId / 2] = word;
        _orders.put(memberId, sell ? 1 : 0, energyWh, uint8(word >> 249), aheadWh);
        assert((_orders.pairs[memberId / 2] ^ word) & others == 0);
    }

    function check_a_cancelled_order_leaves_a_mark_and_the_others(uint256 word, uint8 memberId, bool sell) external {
        uint256 others = ~(uint256(type(uint64).max) << _shift(memberId, sell));
        _orders.pairs[memberId / 2] = word;
        _orders.cancel(memberId, sell ? 1 : 0);
        uint256 lane = _lane(memberId, sell);
        assert(!OrderLanes.isOrder(lane) && OrderLanes.wasCancelled(lane));
        assert((_orders.pairs[memberId / 2] ^ word) & others == 0);
    }

    // Readings

    function check_a_reading_comes_back(uint64 sequence, uint64 time, uint64 importWh, uint64 exportWh) external pure {
        uint256 word = ReadingWord.pack(sequence, time, importWh, exportWh);
        assert(word.sequence() == sequence && word.timestamp() == time);
        assert(word.importWh() == importWh && word.exportWh() == exportWh);
        uint256 top = (sequence | time | importWh | exportWh) >> 63;
        assert((word.topBits() != 0) == (top != 0));
    }

    function check_a_mark_changes_nothing_else(uint256 word, bool yes) external pure {
        uint256 next = word.marked(yes);
        assert(next.isMarked() == yes);
        assert((next ^ word) & ~(uint256(1) << 191) == 0);
    }

    function check_a_sequence_leaves_the_rest_of_a_reading(uint256 word, uint64 sequence) external pure {
        uint256 next = word.withSequence(sequence);
        assert(next.sequence() == sequence && uint192(next) == uint192(word));
    }

    function check_a_device_number_leaves_time_and_mark(uint256 word, uint256 number) external pure {
        if (number >= 1 << 23) return;
        uint256 next = word.numbered(number);
        assert(uint40(next.timestamp()) == uint40(word.timestamp()));
        assert((next >> 168) & ((1 << 24) - 1) == number);
        assert(next >> 192 == word >> 192 && uint128(next) == uint128(word));
    }

    function check_the_next_reading_follows(uint64 sequence, uint64 time, uint64 next, uint64 later, uint32 length)
        external
        pure
    {
        if (time >= 1 << 63) return;
        uint256 last = ReadingWord.pack(sequence, time, 0, 0).marked(true);
        bool follows = ReadingWord.pack(next, later, 0, 0).follows(last, length);
        assert(follows == (uint256(next) == uint256(sequence) + 1 && later <= uint256(time) + length));
    }

    // Bills

    function check_a_bill_comes_back(uint32 id, uint256 boughtWh, uint256 soldWh, uint64 importWh, uint64 exportWh)
        external
        pure
    {
        if (boughtWh >= 1 << 44 || soldWh >= 1 << 44) return;
        uint256 energy = uint256(1) << 128 | uint256(importWh) << 64 | exportWh;
        uint256 word = BillWords.pack(id, boughtWh, soldWh, energy);
        assert(word >> 224 == id && (word >> 180) & ((1 << 44) - 1) == boughtWh);
        assert((word >> 136) & ((1 << 44) - 1) == soldWh && uint136(word) == energy);
    }

    function _lane(uint256 memberId, bool sell) private view returns (uint256) {
        (uint256 bid, uint256 offer) = _orders.get(memberId);
        return sell ? offer : bid;
    }

    function _shift(uint256 memberId, bool sell) private pure returns (uint256) {
        return 128 * (memberId % 2) + (sell ? 64 : 0);
    }

    function _capped(uint256 energyWh) private pure returns (uint256) {
        return energyWh < type(uint48).max ? energyWh : type(uint48).max;
    }
}
