// Extracts the text of one member of a JSON object unchanged: numbers keep their digits, and deep nesting needs no stack.

const quote = 0x22;
const backslash = 0x5c;

/**
 * @param text a JSON object that JSON.parse has accepted
 * @returns the text of the value; of the last member with the name, as JSON.parse does
 */
export function rawMember(text: string, name: string): string | undefined {
  let found: string | undefined;
  let at = text.indexOf("{") + 1;
  for (;;) {
    const nameStart = text.indexOf('"', at);
    if (nameStart === -1) return found;
    const nameEnd = endOfString(text, nameStart);
    const valueStart = text.indexOf(":", nameEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    if (JSON.parse(text.slice(nameStart, nameEnd)) === name) found = text.slice(valueStart, valueEnd).trim();
    if (text[valueEnd] !== ",") return found;
    at = valueEnd + 1;
  }
}

/** @param at index of the opening quote @returns the index after the closing one */
function endOfString(text: string, at: number): number {
  for (let index = at + 1; ; index++) {
    const code = text.charCodeAt(index);
    if (code === backslash) index++;
    else if (code === quote) return index + 1;
  }
}

/** @returns the index of the comma or brace after the value */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let index = at; ; index++) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      if (depth === 0) return index;
      depth--;
    } else if (character === "," && depth === 0) return index;
  }
}
