// The two ways to read a home.
import { href } from "../router.ts";
import { A } from "./link.tsx";

const TABS = [
  { page: "home", name: "Latest" },
  { page: "ranked", name: "For you" },
] as const;

export function HomeTabs({ at }: { at: "home" | "ranked" }) {
  return (
    <nav aria-label="Of your home" className="tabs">
      {TABS.map(({ page, name }) => (
        <A key={page} to={href({ page })} aria-current={page === at ? "page" : undefined}>
          {name}
        </A>
      ))}
    </nav>
  );
}
