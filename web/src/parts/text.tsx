// What somebody wrote, with the links, mentions and tags in it.
import { segments } from "../richtext.ts";
import { href } from "../router.ts";
import { A } from "./link.tsx";

export function Text({ text, facets }: { text: unknown; facets: unknown }) {
  if (typeof text !== "string" || text === "") return null;
  return (
    <p className="text" dir="auto">
      {segments(text, facets).map((segment, at) => {
        if (segment.kind === "link") {
          return (
            <a key={at} href={segment.url} target="_blank" rel="noopener noreferrer nofollow">
              {segment.text}
            </a>
          );
        }
        if (segment.kind === "mention") {
          return (
            <A key={at} to={href({ page: "profile", actor: segment.did, tab: "posts" })}>
              {segment.text}
            </A>
          );
        }
        if (segment.kind === "tag") {
          return (
            <span key={at} className="tag" title={`Tag: ${segment.tag}`}>
              {segment.text}
            </span>
          );
        }
        return <span key={at}>{segment.text}</span>;
      })}
    </p>
  );
}
