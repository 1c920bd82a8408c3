// Compiles mutants for `mutate.py`: a line of JSON in, {root, file, text, wanted: [[file, contract]]}; a line out, each
// contract's creation and runtime code, or null if the mutant does not compile. Without the optimizer: quick, same meaning.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const solc = require(path.resolve("node_modules/solc"));
const LIBRARY = "6d7574616e742d7175657565732d2d2d2d2d2d2d"; // see mutate.py

function read(name) {
  const found = [name, path.join("node_modules", name)].find((file) => fs.existsSync(file));
  return found ? { contents: fs.readFileSync(found, "utf8") } : { error: `File not found: ${name}` };
}

function compile({ file, text, wanted }) {
  const roots = [...new Set(wanted.map(([source]) => source))];
  const sources = Object.fromEntries(roots.map((source) => [source, { content: read(source).contents }]));
  if (file) sources[file] = { content: text };
  const outputSelection = {};
  for (const [source, name] of wanted) {
    outputSelection[source] = { ...outputSelection[source], [name]: ["evm.bytecode.object", "evm.deployedBytecode.object"] };
  }
  const settings = {
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    remappings: ["@openzeppelin/=node_modules/@openzeppelin/"],
    outputSelection,
  };
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: read }));
  if ((output.errors ?? []).some((each) => each.severity === "error")) return null;
  const link = (code) => code.replace(/__\$.{34}\$__/g, LIBRARY);
  return Object.fromEntries(wanted.map(([source, name]) => {
    const { bytecode, deployedBytecode } = output.contracts[source][name].evm;
    return [name, [link(bytecode.object), link(deployedBytecode.object)]];
  }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(compile(JSON.parse(line)))}\n`);
});
