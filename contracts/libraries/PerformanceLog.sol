// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ReadingWord} from "./ReadingWord.sol";

/// @title How well a device reports, in one storage word that a steady device never touches.
/// @notice Readings one sequence number and at most one interval apart are counted by their sequence numbers alone; the
/// word changes only where a reading is the first, skips numbers, comes late or is refused. Counters stop at their
/// largest value, so that no device can make a batch fail by them.
library PerformanceLog {
    using ReadingWord for uint256;

    /// @param anchor Sequence number that the present run of readings began with.
    /// @param firstSeen Time of the first reading.
    /// @param silentSeconds Time lost in silences: of each time between two readings what is over an interval.
    /// @param accepted Readings accepted before the present run.
    /// @param refused Readings refused.
    /// @param missed Sequence numbers skipped.
    /// @param gaps How often numbers were skipped or the count began anew.
    struct Log {
        uint64 anchor;
        uint40 firstSeen;
        uint40 silentSeconds;
        uint32 accepted;
        uint32 refused;
        uint24 missed;
        uint24 gaps;
    }

    uint256 private constant BASIS_POINTS = 10_000;
    uint256 private constant EPOCH_SHIFT = 32;

    /// @dev Counts a refused reading.
    function refuse(Log storage self) internal {
        self.refused = uint32(_most(uint256(self.refused) + 1, type(uint32).max));
    }

    /// @dev Begins the log of a device that goes on where another stood, under sequence number zero.
    function takeOver(Log storage self) internal {
        (self.anchor, self.firstSeen) = (1, uint40(block.timestamp));
    }

    /// @dev Begins a run of readings; `last` is the word of the last one, zero for none.
    function interrupt(Log storage self, uint256 next, uint256 last, uint256 intervalSeconds) internal {
        if (last == 0) {
            (self.anchor, self.firstSeen) = (uint64(next.sequence()), uint40(next.timestamp()));
            return;
        }
        Log memory log = self;
        uint256 apart = next.timestamp() - last.timestamp();
        if (apart > intervalSeconds) {
            log.silentSeconds = uint40(_most(log.silentSeconds + apart - intervalSeconds, type(uint40).max));
        }
        uint256 skipped = next.sequence() - last.sequence() - 1;
        if (skipped > 0) {
            log.accepted = uint32(acceptedUpTo(log, last));
            log.anchor = uint64(next.sequence());
            log.gaps = uint24(_most(uint256(log.gaps) + 1, type(uint24).max));
            // A device that restarts counts on in another epoch; what it skipped by that is no missed reading.
            if (next.sequence() >> EPOCH_SHIFT == last.sequence() >> EPOCH_SHIFT) {
                log.missed = uint24(_most(log.missed + skipped, type(uint24).max));
            }
        }
        (self.anchor, self.silentSeconds, self.accepted) = (log.anchor, log.silentSeconds, log.accepted);
        (self.missed, self.gaps) = (log.missed, log.gaps);
    }

    /// @notice Readings accepted up to `last`, zero for none.
    function acceptedUpTo(Log memory log, uint256 last) internal pure returns (uint256) {
        if (last == 0) return 0;
        return _most(log.accepted + last.sequence() + 1 - log.anchor, type(uint32).max);
    }

    /// @notice Share of the time since the first reading in which the device was not silent, 1e-4.
    /// @dev uptime = 1 - (time lost in silences, the present one included) / (now - first reading).
    function uptimeBps(Log memory log, uint256 last, uint256 intervalSeconds) internal view returns (uint256) {
        if (last == 0) return 0;
        if (block.timestamp <= log.firstSeen) return BASIS_POINTS;
        uint256 since = block.timestamp - log.firstSeen;
        uint256 due = last.timestamp() + intervalSeconds;
        uint256 silent = log.silentSeconds + (block.timestamp > due ? block.timestamp - due : 0);
        return (BASIS_POINTS * (since - _most(silent, since))) / since;
    }

    function _most(uint256 value, uint256 most) private pure returns (uint256) {
        return value > most ? most : value;
    }
}
