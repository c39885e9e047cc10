// Times of the seeded records: each one a minute after the one before, beginning at a fixed moment in
// the past, so that no two records share a time and no order is left to chance. Record keys are TIDs
// of the same times.
const BEGINS_MS = Date.UTC(2025, 5, 1, 9)
const STEP_MS = 60_000
const TID_LETTERS = '234567abcdefghijklmnopqrstuvwxyz'

export class Clock {
  #nowMs = BEGINS_MS

  /** The next moment: as a record says it, and as a record key. */
  tick() {
    this.#nowMs += STEP_MS
    return { createdAt: new Date(this.#nowMs).toISOString(), rkey: tid(this.#nowMs) }
  }
}

function tid(ms) {
  let value = (BigInt(ms) * 1000n) << 10n
  let text = ''
  for (let i = 0; i < 13; i++, value >>= 5n) text = TID_LETTERS[Number(value & 31n)] + text
  return text
}
