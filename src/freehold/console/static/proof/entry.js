// SPDX-License-Identifier: Apache-2.0
// An entry's bytes as fields: docs/reference/ledger-format.md#entries. JSON that can be read in one way only, RFC 8785.

import { NotProved, textOf } from "./bytes.js";

/** The fields of an entry. Throws NotProved where its bytes are not canonical JSON. */
export function readEntry(bytes, index) {
  let fields;
  const text = textOf(bytes, `entry ${index}`);
  try {
    fields = JSON.parse(text);
  } catch {
    fields = null;
  }
  if (fields === null || typeof fields !== "object" || canonical(fields) !== text) {
    throw new NotProved(`entry ${index} is not canonical JSON, so it can be read in two ways`);
  }
  return fields;
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${fields.join(",")}}`;
}
