// Strings of the formats that JSON Schema and OpenAPI name. The validator checks each value, so an arbitrary may be imprecise.
import fc from "fast-check";

const instants = fc.date({ min: new Date("1900-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true });
const timestamps = instants.map((instant) => instant.toISOString());
const pointerTokens = fc.array(fc.constantFrom("", "a", "b0", "~0", "~1", "é", "10"), { maxLength: 4 });
const pointers = pointerTokens.map((tokens) => tokens.map((token) => `/${token}`).join(""));
const words = () => fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
// Not fc.webUrl and fc.webPath, which take a second to make.
const uris = () =>
  fc.stringMatching(
    /^https?:\/\/[a-z]{1,8}\.(org|com|example)(:[1-9]\d{1,3})?(\/[A-Za-z0-9._~-]{0,6}){0,3}(\?[a-z]=[a-z0-9]{0,4})?(#[a-z0-9]{0,4})?$/,
  );
const paths = () => fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,6}){1,3}$/);

const byFormat: ReadonlyMap<string, () => fc.Arbitrary<string>> = new Map([
  [
    "date-time",
    () =>
      fc.oneof(
        timestamps,
        timestamps.map((text) => text.replace("Z", "+02:00")),
        timestamps.map(withoutFraction),
      ),
  ],
  ["iso-date-time", () => timestamps],
  ["date", () => timestamps.map((text) => text.slice(0, 10))],
  ["time", () => timestamps.map((text) => text.slice(11))],
  ["iso-time", () => timestamps.map((text) => text.slice(11))],
  ["duration", () => fc.stringMatching(/^P[1-9]\d?Y[1-9]M|P[1-9]\d?D|PT[1-9]\d?[HMS]|P[1-9]W$/)],
  ["email", () => fc.emailAddress()],
  ["idn-email", () => fc.emailAddress()],
  ["hostname", () => fc.domain()],
  ["idn-hostname", () => fc.domain()],
  ["ipv4", () => fc.ipV4()],
  ["ipv6", () => fc.ipV6()],
  ["uri", uris],
  ["iri", uris],
  ["url", uris],
  ["uri-reference", () => fc.oneof(uris(), paths())],
  ["iri-reference", () => fc.oneof(uris(), paths())],
  ["uri-template", () => words().map((word) => `https://example.org/{${word}}`)],
  ["uuid", () => fc.uuid()],
  ["json-pointer", () => pointers],
  [
    "json-pointer-uri-fragment",
    () => pointerTokens.map((tokens) => `#${tokens.map((token) => `/${encodeURIComponent(token)}`).join("")}`),
  ],
  ["relative-json-pointer", () => fc.tuple(fc.nat(20), pointers).map(([up, pointer]) => `${up}${pointer}`)],
  ["regex", () => fc.constantFrom("^a+$", "[a-z]{2,}", "x|y", "")],
  ["byte", () => fc.base64String()],
]);

function withoutFraction(timestamp: string): string {
  return timestamp.replace(/\.\d+/, "");
}

/** @returns undefined for an unknown format, which the validator does not check either */
export function formatArbitrary(format: string): fc.Arbitrary<string> | undefined {
  return byFormat.get(format)?.();
}
