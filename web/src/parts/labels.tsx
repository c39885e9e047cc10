// Labels as they are named: each with its value, and who says so.
import { isOfProfile, mood, named } from "../labels.ts";
import { useHandle } from "../names.ts";
import { href } from "../router.ts";
import { Badge } from "./figure.tsx";
import { A } from "./link.tsx";

/** Who said something of what `author` made. */
export function Who({ did, author }: { did: string; author: string }) {
  const handle = useHandle(did === author ? null : did);
  if (did === author) return <>its author</>;
  return (
    <A className="break" to={href({ page: "profile", actor: did, tab: "posts" })}>
      {handle === null ? did : `@${handle}`}
    </A>
  );
}

export function Labels({ labels, author, of }: { labels: unknown; author: string; of: string }) {
  const all = named(labels);
  if (all.length === 0) return null;
  return (
    <ul className="labels muted" aria-label={`Labels of ${of}`}>
      {all.map((label) => (
        <li key={`${label.src} ${label.val}`}>
          <Badge mood={mood(label.val)}>{label.val}</Badge> by <Who did={label.src} author={author} />
          {isOfProfile(label) && <>, of the profile</>}
        </li>
      ))}
    </ul>
  );
}
