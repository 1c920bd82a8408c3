// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IntervalHistory} from "../../libraries/IntervalHistory.sol";
import {IntervalTally} from "../../libraries/IntervalTally.sol";
import {TickLevels} from "../../libraries/TickLevels.sol";

/// @title Sums and lanes of energy.
contract SumsTest {
    using IntervalHistory for IntervalHistory.Rings;
    using TickLevels for TickLevels.Levels;

    IntervalHistory.Rings private _rings;
    TickLevels.Levels private _levels;

    function check_a_tally_adds_each_sum_in_its_own_field(
        uint32 interval,
        uint32 readings,
        uint96 importWh,
        uint96 exportWh,
        uint48 moreImportWh,
        uint48 moreExportWh
    ) external pure {
        if (readings == type(uint32).max) return;
        if (importWh > type(uint96).max - moreImportWh || exportWh > type(uint96).max - moreExportWh) return;
        IntervalTally.Sums memory sums;
        sums.present = uint256(interval) << 224 | uint256(readings) << 192 | uint256(importWh) << 96 | exportWh;
        IntervalTally.add(sums, moreImportWh, moreExportWh);
        (uint64 at, uint256 imported, uint256 exported, uint256 count) = IntervalTally.unpack(sums.present);
        assert(at == interval && count == uint256(readings) + 1);
        assert(imported == uint256(importWh) + moreImportWh && exported == uint256(exportWh) + moreExportWh);
    }

    /// @dev Below 2^18 - 1 Wh, in a fresh ring; whatever the member and the interval.
    function check_a_history_gives_back_small_energy(uint8 memberId, uint32 interval, uint256 importWh, uint256 exportWh)
        external
    {
        if (importWh >= (1 << 18) - 1 || exportWh >= (1 << 18) - 1) return;
        IntervalHistory.Row memory row;
        _rings.write(row, memberId, interval, importWh, exportWh);
        _rings.store(row);
        _expect(memberId, interval, importWh, exportWh);
    }

    function check_a_history_gives_back_large_energy(uint8 memberId, uint32 interval, uint64 importWh, uint64 exportWh)
        external
    {
        if (importWh < (1 << 18) - 1) return;
        IntervalHistory.Row memory row;
        _rings.write(row, memberId, interval, importWh, exportWh);
        _rings.store(row);
        _expect(memberId, interval, importWh, exportWh);
    }

    /// @dev Two neighbours of a row: the second does not touch the first.
    function check_a_history_keeps_neighbours_apart(uint32 interval, uint16 first, uint16 second) external {
        IntervalHistory.Row memory row;
        _rings.write(row, 1, interval, first, second);
        _rings.write(row, 2, interval, second, first);
        _rings.store(row);
        _expect(1, interval, first, second);
        _expect(2, interval, second, first);
    }

    /// @dev The tick is one of the first word's: the solver knows no variable place in a list.
    function check_a_level_holds_what_was_added(uint256 word, uint8 tick, uint32 energyWh) external {
        if (tick > 7) return;
        uint256 before = uint32(word >> (32 * uint256(tick)));
        if (before > type(uint32).max - energyWh) return;
        uint256 others = ~(uint256(type(uint32).max) << (32 * uint256(tick)));
        _levels.words[0] = word;
        assert(_add(tick, energyWh) == before);
        uint256 next = _levels.words[0];
        assert(uint32(next >> (32 * uint256(tick))) == before + energyWh);
        assert((next ^ word) & others == 0);
    }

    /// @dev Each tick a constant.
    function _add(uint8 tick, uint32 energyWh) private returns (uint256 aheadWh) {
        for (uint256 i = 0; i < 8; ++i) if (tick == i) aheadWh = _levels.add(i, energyWh);
    }

    function _expect(uint256 memberId, uint256 interval, uint256 importWh, uint256 exportWh) private view {
        (uint64 imported, uint64 exported, bool known) = IntervalHistory.unpack(_rings.read(memberId, interval));
        assert(known && imported == importWh && exported == exportWh);
    }
}
