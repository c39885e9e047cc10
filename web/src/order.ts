// Moving an item of a list whose server can only put items at its end: what stands behind the place is put there
// again, in its new order. Items keep their notes, so that one command is needed for each run of the same note.
import type { CuratedItem } from "./types.ts";

export interface PutLast {
  subjects: string[];
  note: string;
}

/** The list with the item at `from` standing at `to`. */
export function moved<I>(items: I[], from: number, to: number): I[] {
  const rest = items.filter((_, at) => at !== from);
  return [...rest.slice(0, to), ...items.slice(from, from + 1), ...rest.slice(to)];
}

/** The commands, one after the other, that bring `before` into the order of `after`. */
export function commands(before: CuratedItem[], after: CuratedItem[]): PutLast[] {
  let same = 0;
  while (same < after.length && after[same]?.subject === before[same]?.subject) same += 1;
  const found: PutLast[] = [];
  for (const { subject, note } of after.slice(same)) {
    const last = found.at(-1);
    if (last !== undefined && last.note === note) last.subjects.push(subject);
    else found.push({ subjects: [subject], note });
  }
  return found;
}
