// Record keys as repositories make them: the time in microseconds and a number of the maker's, sortable as text.

const LETTERS = "234567abcdefghijklmnopqrstuvwxyz";
const clock = BigInt(crypto.getRandomValues(new Uint16Array(1))[0] ?? 0) & 0x3ffn;
let lastUs = 0n;

/** A new one, later than every other of this page. */
export function newTid(nowMs: number = Date.now()): string {
  const nowUs = BigInt(Math.floor(nowMs)) * 1_000n;
  lastUs = nowUs > lastUs ? nowUs : lastUs + 1n;
  return encoded((lastUs << 10n) | clock);
}

function encoded(number: bigint): string {
  let text = "";
  for (let at = 0; at < 13; at += 1) {
    text = (LETTERS[Number(number & 31n)] ?? "2") + text;
    number >>= 5n;
  }
  return text;
}
