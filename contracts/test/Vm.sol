// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The few cheat codes of the test runner that the tests use.
interface Vm {
    function warp(uint256 time) external;
    function prank(address sender) external;
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
}
