// SPDX-License-Identifier: Apache-2.0
// A receipt, checked with the log's public key alone: docs/reference/ledger-format.md#receipts and c2sp.org/tlog-proof.
// It says what freehold-verify says of it; where witnesses are asked for, only that can tell.

import { NotProved, fromBase64, hex, same, textOf, utf8, wholeNumber } from "./bytes.js";
import { readEntry } from "./entry.js";
import { climb, leafHash } from "./merkle.js";
import { openCheckpoint } from "./note.js";

const FORMAT = "freehold/receipt/v1";
const VERSION = 1; // of an entry
const PROOF = "c2sp.org/tlog-proof@v1";
const ENTRIES = ["admission", "outcome", "act", "erasure"];
const FIELDS = new Set(["receipt", "origin", "salt", ...ENTRIES]);
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;
const ERASING = new Set(["call.forget", "salts.expire"]);
const MOST_HASHES = 63;
const MOST_BYTES = 65535;

/**
 * What the bytes of a receipt prove to whoever trusts this key: `{ origin, size, entries }`, each entry with its
 * `index`, `fields`, `checkpoint` and the `steps` of its way up, by what the receipt calls it. Throws NotProved.
 */
export async function checkReceipt(bytes, key) {
  const receipt = readReceipt(bytes);
  if (receipt.origin !== key.name) throw new NotProved(`this is a receipt of ${receipt.origin}, expected ${key.name}`);
  const entries = {};
  for (const name of ENTRIES) {
    if (receipt[name]) entries[name] = await prove(receipt[name], key);
  }
  requireOneSubject(receipt, entries);
  return { origin: receipt.origin, size: requireOneFace(Object.values(entries)), entries };
}

function readReceipt(bytes) {
  let receipt;
  const text = textOf(bytes, "the receipt");
  try {
    receipt = JSON.parse(text);
  } catch {
    throw new NotProved("this is no receipt: it is not JSON");
  }
  if (receipt?.receipt !== FORMAT) throw new NotProved(`this is no receipt, or one of a newer release: expected ${FORMAT}`);
  requireNamesOnce(text);
  const unknown = Object.keys(receipt).filter((name) => !FIELDS.has(name));
  if (unknown.length) throw new NotProved(`the receipt has a field that is not known here: ${unknown[0]}`);
  for (const name of ENTRIES) requirePart(name, receipt[name]);
  return receipt;
}

/** JSON.parse lets the last of two fields of one name win; others let the first. */
function requireNamesOnce(text) {
  const open = []; // the names in each object that is open; null for a list
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name = JSON.parse(last);
      if (open.at(-1).has(name)) throw new NotProved(`the receipt has two fields called ${name}`);
      open.at(-1).add(name);
    }
    last = token;
  }
}

/** `index`, `entry` and `proof`, and nothing else; only an outcome may be null, which says that there is none yet. */
function requirePart(name, part) {
  if (part === undefined || (name === "outcome" && part === null)) return;
  const isSound = part !== null && typeof part === "object" && Number.isSafeInteger(part.index);
  if (!isSound || typeof part.entry !== "string" || typeof part.proof !== "string" || Object.keys(part).length !== 3) {
    throw new NotProved(`the receipt's ${name} is not an index, an entry and a proof`);
  }
}

/** One entry: its bytes are a leaf, its proof leads to a root, and the log has signed that root. */
async function prove({ index, entry, proof }, key) {
  const bytes = utf8(entry);
  const read = readProof(proof);
  if (read.index !== index) throw new NotProved(`the proof is for entry ${read.index}, expected ${index}`);
  if (bytes.length > MOST_BYTES) throw new NotProved(`entry ${index} has ${bytes.length} bytes, expected at most ${MOST_BYTES}`);
  const checkpoint = await openCheckpoint(utf8(read.checkpoint), key);
  const leaf = await leafHash(bytes);
  const steps = await climb(leaf, index, checkpoint.size, read.hashes);
  if (steps === null) throw new NotProved(`the proof of entry ${index} has the wrong length for ${checkpoint.size} entries`);
  const root = steps.at(-1)?.found ?? leaf;
  if (!same(root, checkpoint.root)) {
    throw new NotProved(`the proof of entry ${index} leads to the root ${hex(root)}, expected ${hex(checkpoint.root)}`);
  }
  return { index, fields: readEntry(bytes, index), checkpoint, leaf, steps };
}

/** c2sp.org/tlog-proof §Format. */
function readProof(text) {
  const at = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, Math.max(at, 0)).split("\n");
  if (first !== PROOF) throw new NotProved(`this is no proof: expected ${PROOF}`);
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = lines.shift() ?? "";
  if (!index.startsWith("index ")) throw new NotProved("the proof names no index");
  const hashes = lines.map((line) => fromBase64(line, "a hash of the proof"));
  if (hashes.length > MOST_HASHES || hashes.some((hash) => hash.length !== 32)) {
    throw new NotProved("the proof holds what is no hash, or too many");
  }
  return { index: wholeNumber(index.slice(6), "the proof's index"), hashes, checkpoint: text.slice(at + 2) };
}

/** A receipt is of one act, or of one call: its outcome names this admission, its erasure this call or its day. */
function requireOneSubject(receipt, { admission, outcome, act, erasure }) {
  const ofCall = [admission, outcome, erasure, receipt.salt].some((part) => part !== undefined && part !== null);
  if (act ? ofCall : !admission) throw new NotProved("the receipt is neither of a call nor of an act");
  requireKind(act, "act");
  requireKind(admission, "admission");
  requireKind(outcome, "outcome");
  requireKind(erasure, "act");
  if (outcome) requireSameCall(outcome, admission);
  if (erasure) requireErasureOf(erasure, admission);
  if (receipt.salt !== undefined && !/^[0-9a-f]{64}$/.test(receipt.salt)) throw new NotProved("the salt is not 64 hex digits");
}

function requireKind(entry, kind) {
  if (!entry) return;
  const { kind: found, v } = entry.fields;
  if (found !== kind || v !== VERSION) throw new NotProved(`entry ${entry.index} is not of the kind ${kind}, version ${VERSION}`);
}

function requireSameCall(outcome, admission) {
  const { call, effect } = admission.fields;
  if (outcome.fields.admission !== admission.index || outcome.fields.call !== call) {
    throw new NotProved(`the outcome is of call ${outcome.fields.call}, expected call ${call} at ${admission.index}`);
  }
  if (outcome.index < admission.index) throw new NotProved(`the outcome at ${outcome.index} is before its call`);
  if (effect !== "allow") throw new NotProved(`call ${call} was refused: expected no outcome, found one`);
}

function requireErasureOf(erasure, admission) {
  const { act, subject } = erasure.fields;
  const { call, at } = admission.fields;
  if (!ERASING.has(act) || ![call, String(at).slice(0, 10)].includes(subject)) {
    throw new NotProved(`the act ${act} on ${subject} did not destroy the salt of call ${call}`);
  }
  if (erasure.index < admission.index) throw new NotProved(`the erasure at ${erasure.index} is before its call`);
}

/** The size of the largest tree. Two signed heads of one size that differ are a log that shows two faces. */
function requireOneFace(entries) {
  const roots = new Map();
  for (const { checkpoint } of entries) {
    const known = roots.get(checkpoint.size) ?? checkpoint.root;
    if (!same(known, checkpoint.root)) {
      throw new NotProved(`the log has signed two roots for its first ${checkpoint.size} entries: keep this receipt as the proof of it`);
    }
    roots.set(checkpoint.size, known);
  }
  return Math.max(...roots.keys());
}
