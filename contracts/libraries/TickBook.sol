// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {QueueGaps} from "./QueueGaps.sol";
import {TickLevels} from "./TickLevels.sol";

/// @title One side of an interval's book: a queue of energy at each tick, in order of time.
/// @notice An order that goes leaves a gap, so that those behind it keep their place; the last of a queue just goes.
library TickBook {
    using QueueGaps for QueueGaps.Gaps;
    using TickLevels for TickLevels.Levels;

    /// @param queued Length of each tick's queue, gaps included.
    /// @param cancelled Energy of the gaps of each tick.
    /// @param gapped A bit for each tick whose queue has gaps.
    struct Book {
        TickLevels.Levels queued;
        TickLevels.Levels cancelled;
        QueueGaps.Gaps gaps;
        uint256 gapped;
    }

    /// @notice Puts an order at the end of a queue.
    /// @return aheadWh Its place.
    function enter(Book storage self, uint256 tick, uint256 energyWh) internal returns (uint256 aheadWh) {
        return self.queued.add(tick, energyWh);
    }

    /// @notice Takes an order out.
    function leave(Book storage self, uint256 tick, uint256 energyWh, uint256 aheadWh) internal {
        if (self.queued.at(tick) == aheadWh + energyWh) {
            self.queued.remove(tick, energyWh);
        } else {
            self.cancelled.add(tick, energyWh);
            self.gaps.add(tick, aheadWh, aheadWh + energyWh);
            self.gapped |= 1 << tick;
        }
    }

    /// @notice Energy that a queue still takes.
    function room(Book storage self, uint256 tick) internal view returns (uint256) {
        return TickLevels.MAX_LEVEL_WH - self.queued.at(tick);
    }

    /// @notice Energy of the living orders at each tick.
    function load(Book storage self) internal view returns (TickLevels.Ladder memory) {
        return self.queued.loadLess(self.cancelled, self.gapped);
    }

    /// @notice The beginning of a queue that holds `energyWh` of living orders.
    function reach(Book storage self, uint256 tick, uint256 energyWh) internal view returns (uint256) {
        bool whole = energyWh == 0 || self.gapped & (1 << tick) == 0;
        return whole ? energyWh : self.gaps.reach(tick, energyWh);
    }
}
