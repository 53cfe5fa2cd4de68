// SPDX-License-Identifier: Apache-2.0
// The signed head of a log: c2sp.org/signed-note with an Ed25519 key, and c2sp.org/tlog-checkpoint.
// Signatures of other keys, such as those of witnesses, are carried along and counted for nothing here.

import { NotProved, Uncheckable, fromBase64, hex, sha256, subtle, textOf, utf8, wholeNumber } from "./bytes.js";

const ED25519 = 1;
const MOST_SIGNATURES = 100;

/** `NAME+ID+BASE64` taken apart; the id is that of the name and the key. One that is mistyped says nothing of any log. */
export async function readKey(text) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (!name) throw new Uncheckable("this is no verifier key: expected NAME+ID+BASE64");
  const raw = rawKey(encoded, `the key of ${name}`);
  if (raw[0] !== ED25519) throw new Uncheckable(`the key of ${name} is not of the type that is checked here, Ed25519`);
  const key = raw.subarray(1);
  const expected = hex(await keyId(name, key));
  if (key.length !== 32 || id !== expected) throw new Uncheckable(`the key of ${name} has the id ${id}, expected ${expected}`);
  return { name, id, key };
}

function rawKey(encoded, what) {
  try {
    return fromBase64(encoded, what);
  } catch (problem) {
    throw new Uncheckable(problem.message);
  }
}

const keyId = async (name, key) => (await sha256(utf8(`${name}\n`), Uint8Array.of(ED25519), key)).subarray(0, 4);

/** The text of a note and its signatures; nothing about it is proved yet. */
export function readNote(bytes) {
  const whole = textOf(bytes, "the checkpoint");
  const at = whole.lastIndexOf("\n\n");
  const lines = whole.slice(at + 2);
  if (at < 0 || !lines.endsWith("\n")) throw new NotProved("the checkpoint has no signature");
  if (/[\0-\x09\x0b-\x1f]/.test(whole)) throw new NotProved("the checkpoint holds a control character");
  const signatures = lines.slice(0, -1).split("\n").map(readSignature);
  if (signatures.length > MOST_SIGNATURES) throw new NotProved(`the checkpoint has ${signatures.length} signatures`);
  return { text: whole.slice(0, at + 1), signatures };
}

function readSignature(line) {
  const [, name, encoded] = /^\u2014 ([^+\s]+) (\S+)$/.exec(line) ?? [];
  if (!name) throw new NotProved("a line after the empty line of the checkpoint is no signature");
  const raw = fromBase64(encoded, `the signature of ${name}`);
  if (raw.length < 5) throw new NotProved(`the signature of ${name} is too short`);
  return { name, id: hex(raw.subarray(0, 4)), signature: raw.subarray(4) };
}

/** `{ origin, size, root }`, once the key has signed it and its origin is the key's name. */
export async function openCheckpoint(bytes, key) {
  const note = readNote(bytes);
  const own = note.signatures.filter((line) => line.name === key.name && line.id === key.id);
  if (!own.length) throw new NotProved(`the checkpoint is not signed by ${key.name}+${key.id}`);
  for (const line of own) {
    if (!(await signed(key, line.signature, utf8(note.text)))) {
      throw new NotProved(`the signature of ${key.name}+${key.id} does not fit the checkpoint`);
    }
  }
  const checkpoint = readHead(note.text);
  if (checkpoint.origin !== key.name) throw new NotProved(`the checkpoint is of ${checkpoint.origin}, expected ${key.name}`);
  return checkpoint;
}

async function signed(key, signature, message) {
  let imported;
  try {
    imported = await subtle().importKey("raw", key.key, "Ed25519", false, ["verify"]);
  } catch (problem) {
    if (problem instanceof Uncheckable) throw problem;
    throw new Uncheckable("this browser knows no Ed25519 signatures: check the receipt with freehold-verify");
  }
  return subtle().verify("Ed25519", imported, signature, message);
}

/** §Note text: the origin, the size, the root; what follows is for others. */
function readHead(text) {
  const lines = text.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.some((line) => line === "")) throw new NotProved("the checkpoint has fewer than three lines");
  const root = fromBase64(lines[2], "the checkpoint's root");
  if (root.length !== 32) throw new NotProved(`the checkpoint's root has ${root.length} bytes, expected 32`);
  return { origin: lines[0], size: wholeNumber(lines[1], "the checkpoint's size"), root };
}
