// What is shown here and what is not, by decision of the operator.
import { A } from "../parts/link.tsx";
import { href, MODERATION_TABS, type ModerationTab } from "../router.ts";
import type { Operator } from "../session.ts";
import { Issued } from "./labels.tsx";
import { Lists } from "./lists.tsx";
import { Lookup } from "./lookup.tsx";
import { Takedowns } from "./takedowns.tsx";

export function Moderation({ operator, tab, subject }: { operator: Operator; tab: ModerationTab; subject: string | null }) {
  return (
    <>
      <h1>Moderation</h1>
      <nav aria-label="Of moderation" className="tabs">
        {MODERATION_TABS.map((one) => (
          <A key={one} to={href({ page: "moderation", tab: one, subject: null })} aria-current={one === tab ? "page" : undefined}>
            {one}
          </A>
        ))}
      </nav>
      {tab === "accounts" && <Lookup key={subject} operator={operator} subject={subject} />}
      {tab === "takedowns" && <Takedowns operator={operator} did={subject} />}
      {tab === "labels" && <Issued operator={operator} />}
      {tab === "lists" && <Lists operator={operator} name={subject} />}
    </>
  );
}
