// Compiles mutants for `scripts/mutate.py`: a line of JSON in, {file, texts, wanted: [[file, contract]]}; a line out, for each
// text an object of each contract's creation and runtime code, or null if it does not compile. Without the optimizer: quick,
// and of the same meaning. The mutants of a batch share what does not depend on the file, which halves the time.
"use strict";
const fs = require("fs");
const path = require("path").posix;
const readline = require("readline");

const solc = require(path.resolve("node_modules/solc"));
const LIBRARY = Buffer.from("mutant-queues-------").toString("hex"); // where the bench puts the linked library
const IMPORT = /(import\s[^;]*?")([^"]+)(";)/g;
const OUTPUTS = ["evm.bytecode.object", "evm.deployedBytecode.object"];

const find = (name) => [name, path.join("node_modules", name)].find((file) => fs.existsSync(file));
const read = (name) => (find(name) ? { contents: fs.readFileSync(find(name), "utf8") } : { error: `File not found: ${name}` });
const resolve = (from, target) => (target.startsWith(".") ? path.join(path.dirname(from), target) : target);

/** The files on the way from the wanted ones to `file`, and itself; those wanted always. */
function dependents(file, wanted) {
  const result = new Set([file, ...wanted.map(([source]) => source)]);
  const known = new Map();
  function reaches(source) {
    if (source === file) return true;
    if (source.startsWith("@")) return false;
    if (!known.has(source)) {
      known.set(source, false);
      const imports = [...read(source).contents.matchAll(IMPORT)].map((each) => resolve(source, each[2]));
      known.set(source, imports.map(reaches).includes(true));
    }
    if (known.get(source)) result.add(source);
    return known.get(source);
  }
  wanted.forEach(([source]) => reaches(source));
  return result;
}

/** A mutant's own copies of what depends on it, in a folder of its own. */
function copies(number, { file, texts, wanted }) {
  const own = dependents(file, wanted);
  const place = (source) => (own.has(source) ? `m${number}/${source}` : source);
  return Object.fromEntries([...own].map((source) => {
    const text = source === file ? texts[number] : read(source).contents;
    const content = text.replace(IMPORT, (_, head, target, tail) => head + place(resolve(source, target)) + tail);
    return [`m${number}/${source}`, { content }];
  }));
}

function compile(numbers, job) {
  const outputSelection = {};
  for (const number of numbers) {
    for (const [source, name] of job.wanted) outputSelection[`m${number}/${source}`] = { [name]: OUTPUTS };
  }
  const settings = {
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    remappings: ["@openzeppelin/=node_modules/@openzeppelin/"],
    outputSelection,
  };
  const sources = Object.assign({}, ...numbers.map((number) => copies(number, job)));
  return JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: read }));
}

function codes(number, output, wanted) {
  const link = (code) => code.replace(/__\$.{34}\$__/g, LIBRARY);
  return Object.fromEntries(wanted.map(([source, name]) => {
    const { bytecode, deployedBytecode } = output.contracts[`m${number}/${source}`][name].evm;
    return [name, [link(bytecode.object), link(deployedBytecode.object)]];
  }));
}

/** Compiles until nothing fails, without those that failed; one by one where nobody can tell which it was. */
function judge(numbers, job, results) {
  if (numbers.length === 0) return;
  const output = compile(numbers, job);
  const errors = (output.errors ?? []).filter((each) => each.severity === "error");
  if (errors.length === 0) {
    for (const number of numbers) results[number] = codes(number, output, job.wanted);
    return;
  }
  const places = errors.flatMap((each) => [each.sourceLocation, ...(each.secondarySourceLocations ?? [])]);
  const failed = new Set(places.map((place) => /^m(\d+)\//.exec(place?.file ?? "")?.[1]).map(Number));
  const rest = numbers.filter((number) => !failed.has(number));
  if (rest.length < numbers.length) judge(rest, job, results);
  else if (numbers.length > 1) numbers.forEach((number) => judge([number], job, results));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const job = JSON.parse(line);
  const results = job.texts.map(() => null);
  judge([...job.texts.keys()], job, results);
  process.stdout.write(`${JSON.stringify(results)}\n`);
});
