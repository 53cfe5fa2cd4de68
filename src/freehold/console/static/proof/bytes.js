// SPDX-License-Identifier: Apache-2.0
// Bytes and texts, strictly: what can be spelt in two ways is refused. All of the verifier stands on this file,
// merkle.js, note.js, entry.js, log.js and receipt.js, and on nothing else but the browser.

/** What was looked at does not hold. The message says what, what was expected and what was found. */
export class NotProved extends Error {}

/** It cannot be told here whether it holds. The message says why. */
export class Uncheckable extends Error {}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

export const utf8 = (text) => new TextEncoder().encode(text);

/** The text of bytes that are UTF-8 and nothing else. */
export function textOf(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotProved(`${what} is not UTF-8`);
  }
}

export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Base64 in the one spelling that encoding the bytes again gives. */
export function fromBase64(text, what) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new NotProved(`${what} is not base64`);
  }
  if (btoa(raw) !== text) throw new NotProved(`${what} is not canonical base64`);
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

/** A number in decimal, as a log writes it. What a browser cannot count exactly is not guessed at. */
export function wholeNumber(text, what) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) throw new NotProved(`${what} is not a decimal number`);
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new Uncheckable(`${what} is larger than a browser can count`);
  return number;
}

/** The browser's own cryptography. It is there on https, and on http only for a page of this very machine. */
export function subtle() {
  if (globalThis.crypto?.subtle) return globalThis.crypto.subtle;
  throw new Uncheckable(
    "this browser gives its cryptography (WebCrypto) only to pages over https, or over http from 127.0.0.1 or localhost: " +
      "open this page that way, or check the receipt with freehold-verify",
  );
}

export async function sha256(...parts) {
  return new Uint8Array(await subtle().digest("SHA-256", join(...parts)));
}
