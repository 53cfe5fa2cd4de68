// SPDX-License-Identifier: Apache-2.0
// An entry's way up to the signed head, drawn: the entry at the foot, beside each step the sibling that it needs.
// Before it is verified it shows which entries lie under what; then the hashes that were computed.
import { element } from "./api.js";
import { hex } from "./proof/bytes.js";
import { siblingsOf } from "./proof/merkle.js";

const WIDTH = 356;
const MIDDLE = WIDTH / 2;
const ASIDE = 122;
const RUNG = 50;
const BOX = { width: 108, height: 36 };
const EDGE = 4;

/** The picture of entry `index` among `size` entries; `proof` is what `proveEntry` found, or null. */
export function ladder(index, size, proof) {
  const siblings = siblingsOf(index, size);
  const height = siblings.length * RUNG + BOX.height + 2 * EDGE;
  const foot = height - BOX.height / 2 - EDGE;
  const ups = siblings.map((_, at) => foot - (at + 1) * RUNG);
  const said = `The way of entry ${index} up to the head of a log of ${size} entries: ${siblings.length} steps`;
  const drawn = element("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": said, class: proof ? "proved" : "open" });
  siblings.forEach((sibling, at) => {
    const from = at === 0 ? foot : ups[at - 1];
    const x = sibling.side === "left" ? MIDDLE - ASIDE : MIDDLE + ASIDE;
    drawn.append(line(MIDDLE, from, MIDDLE, ups[at], "way"), line(x, from, MIDDLE, ups[at], "beside"));
  });
  siblings.forEach((sibling, at) => {
    const y = at === 0 ? foot : ups[at - 1];
    const x = sibling.side === "left" ? MIDDLE - ASIDE : MIDDLE + ASIDE;
    drawn.append(box(x, y, range(sibling), proof && proof.steps[at].sibling, "sibling"));
    const top = at === siblings.length - 1;
    drawn.append(box(MIDDLE, ups[at], top ? "signed head" : "computed", proof && proof.steps[at].found, top ? "head" : "step"));
  });
  drawn.append(box(MIDDLE, foot, `entry ${index}`, proof && proof.leaf, siblings.length ? "entry" : "entry head"));
  return drawn;
}

function box(x, y, name, hash, kind) {
  const group = element("g", { class: kind });
  group.append(element("rect", { x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height, rx: 4 }));
  group.append(element("text", { x, y: hash ? y - 4 : y + 4, class: "name" }, name));
  if (hash) {
    group.append(element("text", { x, y: y + 11, class: "hash" }, `${hex(hash).slice(0, 12)}\u2026`));
    group.append(element("title", {}, `${name}: ${hex(hash)}`));
  }
  return group;
}

const line = (x1, y1, x2, y2, kind) => element("line", { x1, y1, x2, y2, class: kind });

const range = ({ start, end }) => (end - start === 1 ? `entry ${start}` : `${start}\u2013${end - 1}`);
