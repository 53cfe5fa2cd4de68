// SPDX-License-Identifier: Apache-2.0
// One entry of a log, from its bytes up to the signed head, out of the log's own files: c2sp.org/tlog-tiles.
// Whoever gives the files out is believed in nothing: each hash that is used is computed here, and where a file says
// something else than what was computed, that is said, with the name of the file.

import { NotProved, hex, same } from "./bytes.js";
import { readEntry } from "./entry.js";
import { climb, leafHash, rootOf, siblingsOf, split } from "./merkle.js";
import { openCheckpoint } from "./note.js";

const HASH = 32;
const WIDTH = 256; // hashes in a tile
const LEVELS = 8; // of the tree in a tile

/**
 * Proves the entry at `index`. `read(path)` gives a file's bytes, or null if there is none.
 * Returns `{ checkpoint, entry, fields, leaf, steps, files }`: the entry's bytes and what they say; the steps of the
 * way up, each with the entries that lie under its sibling; the names of the files that it took. Throws NotProved, Uncheckable.
 */
export async function proveEntry(read, key, index) {
  const log = new Files(read);
  const checkpoint = await openCheckpoint(await log.file("checkpoint"), key);
  const size = checkpoint.size;
  if (!(index < size)) throw new NotProved(`the checkpoint covers ${size} entries, and entry ${index} is not among them`);
  const entry = await wholeBundle(log, index, size);
  const leaf = await leafHash(entry);
  const siblings = siblingsOf(index, size);
  const path = await Promise.all(siblings.map(({ start, end }) => rangeHash(log, start, end, size)));
  const steps = await climb(leaf, index, size, path);
  await requireTilesAgree(log, index, size, leaf, steps);
  const found = steps.at(-1)?.found ?? leaf;
  if (!same(found, checkpoint.root)) {
    throw new NotProved(`the files lead to the root ${hex(found)}, and the checkpoint has signed ${hex(checkpoint.root)}`);
  }
  const drawn = steps.map((step, at) => ({ ...siblings[at], ...step }));
  return { checkpoint, entry, fields: readEntry(entry, index), leaf, steps: drawn, files: log.names };
}

/** The log's files, each read once. */
class Files {
  constructor(read) {
    this.read = read;
    this.known = new Map();
  }

  get names() {
    return [...this.known.keys()];
  }

  async file(path) {
    const bytes = await this.look(path);
    if (bytes === null) throw new NotProved(`${path} is missing, expected by the checkpoint`);
    return bytes;
  }

  /** The file that is there of a tile so wide: a partial one goes once the full one is there. */
  async atLeast(full, width) {
    if (width === WIDTH) return [full, await this.file(full)];
    const partial = `${full}.p/${width}`;
    const bytes = await this.look(partial);
    return bytes === null ? [full, await this.file(full)] : [partial, bytes];
  }

  look(path) {
    if (!this.known.has(path)) this.known.set(path, this.read(path));
    return this.known.get(path).then((bytes) => {
      if (bytes === null) this.known.delete(path);
      return bytes;
    });
  }
}

/** The bytes of one entry, once every entry of its bundle has the hash that the tile above says. */
async function wholeBundle(log, index, size) {
  const at = Math.floor(index / WIDTH);
  const width = widthAt(0, at, size);
  const [name, bytes] = await log.atLeast(`tile/entries/${spread(at)}`, width);
  const all = splitEntries(bytes, name);
  if (all.length !== expectedIn(name, width)) {
    throw new NotProved(`${name} holds ${all.length} entries, expected ${expectedIn(name, width)}`);
  }
  const entries = all.slice(0, width);
  const hashes = await Promise.all(entries.map(leafHash));
  const [tile, expected] = await tileOf(log, 0, at, size);
  const wrong = hashes.findIndex((hash, number) => !same(hash, expected[number]));
  if (wrong >= 0) {
    throw new NotProved(
      `entry ${at * WIDTH + wrong} in ${name} has the hash ${hex(hashes[wrong])}, and ${tile} says ${hex(expected[wrong])}`,
    );
  }
  return entries[index % WIDTH];
}

function splitEntries(bytes, name) {
  const entries = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const end = at + 2 + bytes[at] * 256 + bytes[at + 1];
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (at !== bytes.length) throw new NotProved(`${name} ends in the middle of an entry`);
  return entries;
}

/** A tile's name, and its hashes as far as the tree of this size has them. */
async function tileOf(log, level, index, size) {
  const width = widthAt(level, index, size);
  const [name, bytes] = await log.atLeast(`tile/${level}/${spread(index)}`, width);
  const length = expectedIn(name, width) * HASH;
  if (bytes.length !== length) throw new NotProved(`${name} has ${bytes.length} bytes, expected ${length}`);
  return [name, Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH, (at + 1) * HASH))];
}

/** The hash over the entries from `start` to `end`, for the ranges that occur in a tree. */
async function rangeHash(log, start, end, size) {
  const length = end - start;
  const middle = split(length);
  if (middle * 2 !== length && length > 1) {
    return rootOf([await rangeHash(log, start, start + middle, size), await rangeHash(log, start + middle, end, size)]);
  }
  let [level, unit] = [0, 1]; // the highest level whose hashes are no larger than the range
  while (unit * WIDTH <= length) [level, unit] = [level + 1, unit * WIDTH];
  const first = start / unit;
  const [, hashes] = await tileOf(log, level, Math.floor(first / WIDTH), size);
  return rootOf(hashes.slice(first % WIDTH, (first % WIDTH) + length / unit));
}

/** The tiles also have the hashes that were computed on the way. They are not needed; that they differ is worth knowing. */
async function requireTilesAgree(log, index, size, leaf, steps) {
  let [level, unit] = [0, 1];
  for (let height = 0; unit <= size; height += LEVELS, level += 1, unit *= WIDTH) {
    const place = Math.floor(index / unit);
    if (place >= Math.floor(size / unit)) return; // the right edge: no tile has a hash of it
    const [name, hashes] = await tileOf(log, level, Math.floor(place / WIDTH), size);
    const found = height === 0 ? leaf : steps[height - 1].found;
    const said = hashes[place % WIDTH];
    if (!same(found, said)) {
      const where = `entries ${place * unit} to ${(place + 1) * unit - 1}`;
      throw new NotProved(`${name} says ${hex(said)} of ${where}, and what lies below it leads to ${hex(found)}`);
    }
  }
}

/** How many a file has that was read for so many: a full one has all. */
const expectedIn = (name, width) => (name.includes(".p/") ? width : WIDTH);

const widthAt = (level, index, size) => Math.min(WIDTH, Math.floor(size / WIDTH ** level) - index * WIDTH);

/** 1234067 is `x001/x234/067`. */
function spread(index) {
  const groups = [index % 1000];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(rest % 1000);
  const names = groups.map((group) => String(group).padStart(3, "0"));
  return names.map((name, at) => (at === names.length - 1 ? name : `x${name}`)).join("/");
}
