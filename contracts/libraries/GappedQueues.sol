// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TickBook} from "./TickBook.sol";

/// @title What only books with cancelled orders need, as code of its own that the market calls.
/// @dev Linked, so that the market's own code stays below the size limit; it works on the market's storage and has none.
library GappedQueues {
    using TickBook for TickBook.Book;

    /// @notice Takes an order out of its queue.
    function leave(TickBook.Book storage book, uint256 tick, uint256 energyWh, uint256 aheadWh) external {
        book.leave(tick, energyWh, aheadWh);
    }

    /// @notice The beginning of a queue that holds `energyWh` of living orders.
    function reach(TickBook.Book storage book, uint256 tick, uint256 energyWh) external view returns (uint256) {
        return book.reach(tick, energyWh);
    }
}
