// The sheet in which a post is written from anywhere: a new one, an answer, a quote, or one that was refused.
import type { Composing } from "../context.ts";
import type { Person } from "../person.ts";
import { Composer } from "./composer.tsx";
import { Dialog } from "./dialog.tsx";
import { nameOf } from "./people.tsx";

export function Compose({ person, what, close }: { person: Person; what: Composing; close: () => void }) {
  const { reply, quote } = what;
  const title = reply !== undefined ? `Reply to @${reply.author.handle}` : quote !== undefined ? `Quote @${quote.author.handle}` : "Write a post";
  return (
    <Dialog title={title} close={close}>
      {reply !== undefined && (
        <p className="card-in clamp">
          <bdi>{nameOf(reply.author)}</bdi> <span className="muted">{typeof reply.record.text === "string" ? reply.record.text : ""}</span>
        </p>
      )}
      <Composer person={person} what={what} focused done={close} cancel={close} />
    </Dialog>
  );
}
