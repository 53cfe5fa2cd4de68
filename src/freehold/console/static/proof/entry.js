// SPDX-License-Identifier: Apache-2.0
// An entry's bytes as fields: docs/reference/ledger-format.md#entries. JSON that can be read in one way only, RFC 8785.

import { NotProved, textOf } from "./bytes.js";

/** The fields of an entry. Throws NotProved where its bytes are not canonical JSON. */
export function readEntry(bytes, index) {
  let fields, again;
  const text = textOf(bytes, `entry ${index}`);
  try {
    fields = JSON.parse(text);
    again = canonical(fields);
  } catch {
    fields = null; // no JSON, or nested so deep that the browser gives up
  }
  if (fields === null || typeof fields !== "object" || again !== text) {
    throw new NotProved(`entry ${index} is not canonical JSON, so it can be read in two ways`);
  }
  return fields;
}

/** In the part of JSON that entries use: there are no fractions and no null. */
function canonical(value) {
  if (value === null || (typeof value === "number" && !Number.isSafeInteger(value))) return "";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${fields.join(",")}}`;
}
