#!/usr/bin/env node
// A `solc` command in front of npm's solc-js, for tools that expect the native compiler (py-solc-x, forge, slither).
"use strict";
const fs = require("fs");
const path = require("path");

const OUTPUTS = {
  abi: (c) => c.abi,
  bin: (c) => c.evm.bytecode.object,
  "bin-runtime": (c) => c.evm.deployedBytecode.object,
  srcmap: (c) => c.evm.bytecode.sourceMap,
  "srcmap-runtime": (c) => c.evm.deployedBytecode.sourceMap,
  hashes: (c) => c.evm.methodIdentifiers,
  devdoc: (c) => c.devdoc,
  userdoc: (c) => c.userdoc,
};

const fail = (text) => { process.stderr.write(`${text.trimEnd()}\n`); process.exit(1); };
const readInput = (file) => fs.readFileSync(file && file !== "-" ? file : 0, "utf8");

function parse(argv) {
  const options = { roots: [], remappings: [], files: [], settings: { optimizer: {} } };
  const takes = {
    "--base-path": (v) => options.roots.unshift(v),
    "--include-path": (v) => options.roots.push(v),
    "--allow-paths": () => {}, // solc-js reads through our callback alone
    "--combined-json": (v) => { options.combined = v.split(","); },
    "--evm-version": (v) => { options.settings.evmVersion = v; },
    "--optimize-runs": (v) => { options.settings.optimizer.runs = Number(v); },
  };
  const flags = {
    "--version": () => { options.version = true; },
    "--standard-json": () => { options.standard = true; },
    "--optimize": () => { options.settings.optimizer.enabled = true; },
    "--via-ir": () => { options.settings.viaIR = true; },
  };
  for (let i = 0; i < argv.length; i += 1) {
    const [name, value] = argv[i].startsWith("--") ? argv[i].split(/=(.*)/s) : [argv[i]];
    if (takes[name]) takes[name](value ?? argv[(i += 1)]);
    else if (flags[name]) flags[name]();
    else if (name.startsWith("--")) fail(`unrecognised option '${name}'`);
    else (name.includes("=") ? options.remappings : options.files).push(name);
  }
  return options;
}

function reader(roots) {
  const places = ["", ...roots];
  return (name) => {
    const found = places.map((root) => path.join(root, name.replace(/^file:\/\//, ""))).find((file) => fs.existsSync(file));
    return found ? { contents: fs.readFileSync(found, "utf8") } : { error: `File not found: ${name}` };
  };
}

function inlineUrls(input, read) {
  for (const source of Object.values(input.sources ?? {})) {
    if (source.content !== undefined || !source.urls) continue;
    source.content = source.urls.map(read).find((result) => result.contents !== undefined)?.contents;
    delete source.urls;
  }
  return input;
}

/** Compiles standard input. solc-js puts the input on a stack of 5 MB, at four times its length, so that the sources go by callback. */
function compile(solc, input, read) {
  const contents = new Map();
  const sources = Object.entries(input.sources).map(([name, source]) => {
    if (source.content === undefined) return [name, source];
    contents.set(name, source.content);
    return [name, { urls: [name] }];
  });
  const find = (name) => (contents.has(name) ? { contents: contents.get(name) } : read(name));
  return solc.compile(JSON.stringify({ ...input, sources: Object.fromEntries(sources) }), { import: find });
}

function combinedInput(options, read) {
  const unitName = (file) => {
    const root = options.roots.find((each) => !path.relative(each, file).startsWith(".."));
    return root ? path.relative(root, file) : file;
  };
  const sources = {};
  for (const file of options.files) sources[unitName(file)] = { content: file === "-" ? readInput() : readInput(file) };
  const outputSelection = { "*": { "*": ["abi", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers", "devdoc", "userdoc"], "": ["ast"] } };
  return { language: "Solidity", sources, settings: { ...options.settings, remappings: options.remappings, outputSelection } };
}

function combinedOutput(output, wanted, version) {
  const result = { contracts: {}, sourceList: [], sources: {}, version };
  for (const [file, contracts] of Object.entries(output.contracts ?? {})) {
    for (const [name, contract] of Object.entries(contracts)) {
      const picked = wanted.filter((key) => OUTPUTS[key]).map((key) => [key, OUTPUTS[key](contract)]);
      result.contracts[`${file}:${name}`] = Object.fromEntries(picked);
    }
  }
  for (const [file, source] of Object.entries(output.sources ?? {})) {
    result.sourceList[source.id] = file;
    result.sources[file] = wanted.includes("ast") ? { AST: source.ast } : { id: source.id };
  }
  return result;
}

function main() {
  const options = parse(process.argv.slice(2));
  const solc = require("solc");
  const version = solc.version().replace("Emscripten.clang", "Linux.g++");
  if (options.version) {
    process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
    return;
  }
  const read = reader(options.roots);
  if (options.standard) {
    process.stdout.write(compile(solc, inlineUrls(JSON.parse(readInput(options.files[0])), read), read));
    return;
  }
  if (!options.combined || options.files.length === 0) fail("solc: give --standard-json, or --combined-json with a source file");
  const output = JSON.parse(compile(solc, combinedInput(options, read), read));
  const messages = output.errors ?? [];
  if (messages.some((each) => each.severity === "error")) fail(messages.map((each) => each.formattedMessage).join("\n"));
  process.stderr.write(messages.map((each) => each.formattedMessage).join("\n"));
  process.stdout.write(JSON.stringify(combinedOutput(output, options.combined, version)));
}

main();
