// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickBook} from "../../libraries/TickBook.sol";

/// @title Queues with gaps against a plain list of the orders that live.
contract TickBookTest {
    using TickBook for TickBook.Book;

    struct Place {
        uint256 aheadWh;
        uint256 energyWh;
    }

    uint256 private constant TICK = 77;
    uint256 private constant ORDERS = 24;

    TickBook.Book private _book;
    Place[] private _living;
    uint256 private _seed;

    /// @dev Orders of all sizes come and go; others at the ticks beside never feel it.
    function testFuzz_a_place_in_a_queue_is_that_of_the_orders_that_live(uint256 seed, uint8 bits) external {
        _seed = seed;
        uint256 most = 1 << (1 + bits % 24);
        _book.enter(TICK - 1, 5);
        _book.enter(TICK + 1, 6);
        for (uint256 i = 0; i < ORDERS; ++i) {
            if (_living.length > 1 && _random(3) == 0) _leave(_random(_living.length));
            uint256 energyWh = 1 + _random(most);
            _living.push(Place(_book.enter(TICK, energyWh), energyWh));
        }
        _check();
        for (uint256 i = 0; i < ORDERS / 2 && _living.length > 1; ++i) _leave(_random(_living.length));
        _check();
        require(_book.room(TICK - 1) == type(uint32).max - 5 && _book.room(TICK + 1) == type(uint32).max - 6);
        require(_book.reach(TICK - 1, 3) == 3);
    }

    function test_the_last_of_a_queue_just_goes() external {
        _living.push(Place(_book.enter(TICK, 10), 10));
        uint256 room = _book.room(TICK);
        uint256 aheadWh = _book.enter(TICK, 7);
        require(aheadWh == 10 && _book.room(TICK) == room - 7);
        _book.leave(TICK, 7, aheadWh);
        require(_book.room(TICK) == room && _book.reach(TICK, 10) == 10 && _book.reach(TICK, 0) == 0);
    }

    /// @dev A gap of whole leaves and beyond, at every size up to the largest queue.
    function test_a_gap_may_be_of_any_size() external {
        for (uint256 bits = 0; bits < 31; ++bits) {
            uint256 tick = bits;
            uint256 ahead = _book.enter(tick, 3);
            uint256 gap = _book.enter(tick, 1 << bits);
            _book.enter(tick, 1 << bits);
            _book.leave(tick, 1 << bits, gap);
            require(ahead == 0 && gap == 3 && _book.reach(tick, 3) == 3);
            require(_book.reach(tick, 4) == 4 + (1 << bits), "the gap is passed over");
            require(_book.reach(tick, 3 + (1 << bits)) == 3 + (2 << bits), "the end is the end");
        }
    }

    function _leave(uint256 place) private {
        Place memory gone = _living[place];
        _book.leave(TICK, gone.energyWh, gone.aheadWh);
        for (uint256 i = place + 1; i < _living.length; ++i) _living[i - 1] = _living[i];
        _living.pop();
    }

    /// @dev The first Wh of an order, its last, and one between; all of the energy takes the whole queue.
    function _check() private {
        uint256 total;
        for (uint256 i = 0; i < _living.length; ++i) total += _living[i].energyWh;
        uint256 before;
        for (uint256 i = 0; i < _living.length; ++i) {
            Place memory each = _living[i];
            uint256 within = 1 + _random(each.energyWh);
            if (before + 1 != total) require(_book.reach(TICK, before + 1) == each.aheadWh + 1, "first");
            if (before + within != total) {
                require(_book.reach(TICK, before + within) == each.aheadWh + within, "between");
            }
            before += each.energyWh;
            if (before != total) require(_book.reach(TICK, before) == each.aheadWh + each.energyWh, "last");
        }
        require(_book.reach(TICK, total) == type(uint32).max - _book.room(TICK), "all");
    }

    function _random(uint256 below) private returns (uint256) {
        _seed = uint256(keccak256(abi.encode(_seed)));
        return _seed % below;
    }
}
