// What is said of an account or a post: by labelers, and by its author. Values are strangers' text, shown as text.
import type { Label } from "../types.ts";
import { Badge } from "./figure.tsx";

export function Labels({ labels, author }: { labels: Label[] | undefined; author: string }) {
  if (labels === undefined || labels.length === 0) return null;
  return (
    <p className="labels">
      {labels.map((label) => (
        <span key={`${label.src} ${label.uri} ${label.val}`} title={label.src === author ? "said by the author" : `said by ${label.src}`}>
          <Badge mood={label.src === author ? "plain" : "warn"}>{label.val}</Badge>
        </span>
      ))}
    </p>
  );
}
