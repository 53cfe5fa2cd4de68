// SPDX-License-Identifier: Apache-2.0
// The hashes of a Merkle tree, RFC 6962 §2.1, and the way from a leaf to the root, RFC 9162 §2.1.3.2.

import { sha256 } from "./bytes.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (entry) => sha256(LEAF, entry);

export const nodeHash = (left, right) => sha256(NODE, left, right);

/** The hash over these leaf hashes; over equal perfect subtrees just as well. At least one. */
export async function rootOf(hashes) {
  let row = hashes;
  while (row.length > 1) {
    const above = [];
    for (let at = 0; at + 1 < row.length; at += 2) above.push(nodeHash(row[at], row[at + 1]));
    const rest = row.slice(above.length * 2);
    row = [...(await Promise.all(above)), ...rest];
  }
  return row[0];
}

/** Which entries lie under each sibling, from the leaf to the root: PATH(index, D[size]) (RFC 6962 §2.1.1). */
export function siblingsOf(index, size) {
  const siblings = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      siblings.unshift({ side: "right", start: middle, end });
      end = middle;
    } else {
      siblings.unshift({ side: "left", start, end: middle });
      start = middle;
    }
  }
  return siblings;
}

/** The largest power of two that is smaller than the length. */
export function split(length) {
  let power = 1;
  while (power * 2 < length) power *= 2;
  return power;
}

/**
 * Every step from a leaf to the root: `{ side, sibling, found }`, where `found` is the hash that the step leads to.
 * Null where the path has the wrong length for the place and the size.
 */
export async function climb(leaf, index, size, path) {
  if (!(index >= 0 && index < size)) return null;
  const steps = [];
  let [node, last, found] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    const left = node % 2 === 1 || node === last;
    found = left ? await nodeHash(sibling, found) : await nodeHash(found, sibling);
    if (left) while (node !== 0 && node % 2 === 0) [node, last] = [half(node), half(last)];
    [node, last] = [half(node), half(last)];
    steps.push({ side: left ? "left" : "right", sibling, found });
  }
  return last === 0 ? steps : null;
}

const half = (number) => Math.floor(number / 2);
