// Lists, feeds, starter packs and labelers, as they stand in posts and lists: what it is, whose, and how it is labeled.
import type { ReactNode } from "react";
import { counted } from "../figures.ts";
import { judge } from "../labels.ts";
import type { EmbeddedRecord, Named } from "../types.ts";
import { pageOf } from "../uri.ts";
import { Labels } from "./labels.tsx";
import { A } from "./link.tsx";
import { Avatar, Name, nameOf } from "./people.tsx";
import { Warned } from "./warned.tsx";

export function RecordLink({ uri, children }: { uri: unknown; children: ReactNode }) {
  const page = pageOf(uri);
  return page === null ? <>{children}</> : <A to={page}>{children}</A>;
}

const PURPOSES: Record<string, string> = {
  "app.bsky.graph.defs#modlist": "Moderation list",
  "app.bsky.graph.defs#curatelist": "List",
  "app.bsky.graph.defs#referencelist": "List of a starter pack",
};

/** What it is and how it is called. */
function called(of: EmbeddedRecord): { kind: string; name: string; description: string } {
  const type = of.$type ?? "";
  const { name, description } = (of.record ?? {}) as { name?: unknown; description?: unknown };
  const text = (value: unknown) => (typeof value === "string" ? value.trim() : "");
  if (type.includes("starterPackView")) return { kind: "Starter pack", name: text(name), description: text(description) };
  const described = text(of.description);
  if (type.includes("generatorView")) return { kind: "Feed", name: text(of.displayName), description: described };
  if (type.includes("labelerView") && of.creator !== undefined) return { kind: "Labeler", name: nameOf(of.creator), description: described };
  return { kind: PURPOSES[of.purpose ?? ""] ?? "List", name: text(of.name), description: described };
}

export function NamedRecord({ of }: { of: EmbeddedRecord | Named }) {
  const by = of.creator;
  const author = by?.did ?? "";
  const { kind, description, ...rest } = called(of);
  const name = rest.name || "without a name";
  const avatar = of.avatar ?? (kind === "Labeler" ? by?.avatar : undefined);
  const picture = { did: author, handle: name, labels: of.labels ?? [], ...(avatar === undefined ? {} : { avatar }) };
  return (
    <div className="card-in named">
      <Avatar actor={picture} size="small" />
      <div>
        <p>
          <span className="muted">{kind}</span>{" "}
          <RecordLink uri={of.uri}>
            <bdi>{name}</bdi>
          </RecordLink>
        </p>
        {by !== undefined && kind !== "Labeler" && (
          <p className="muted">
            by <Name actor={by} />
          </p>
        )}
        {description !== "" && (
          <Warned warning={judge(of.labels).all} what={`the description of ${name}`} author={author}>
            <p className="clamp">{description}</p>
          </Warned>
        )}
        <p className="muted">
          {[
            of.listItemCount === undefined ? "" : counted(of.listItemCount, "account", "accounts"),
            (of.likeCount ?? 0) === 0 ? "" : counted(of.likeCount, "like", "likes"),
          ]
            .filter((one) => one !== "")
            .join(" · ")}
        </p>
        <Labels labels={of.labels} author={author} of={name} />
      </div>
    </div>
  );
}
