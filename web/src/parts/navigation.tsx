// The pages: beside the content on a wide screen, below it on a phone.
import { useSession } from "../context.ts";
import { href, type Route } from "../router.ts";
import { A } from "./link.tsx";

const ICONS: Record<string, string> = {
  overview: "M4 19V9m5 10V5m5 14v-7m5 7V8",
  explore: "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14Zm5-2 4.500 4.500",
  hosts: "M4 5h16v5H4zM4 14h16v5H4zM7.500 7.500h.01M7.500 16.500h.01",
  parked: "M5 4h14v16H5zM10 16V8h3a2.500 2.500 0 0 1 0 5h-3",
  moderation: "M12 3 5 6v5c0 4.500 3 8.500 7 10 4-1.500 7-5.500 7-10V6Z",
  rejected: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18ZM5.800 5.800l12.400 12.400",
};

const PAGES = [
  { page: "overview", name: "Overview", to: href({ page: "overview" }), operator: true },
  { page: "explore", name: "Explore", to: href({ page: "explore", q: "" }), operator: false },
  { page: "hosts", name: "Hosts", to: href({ page: "hosts" }), operator: true },
  { page: "parked", name: "Parked", to: href({ page: "parked", id: null }), operator: true },
  { page: "rejected", name: "Rejected", to: href({ page: "rejected", reason: null }), operator: true },
  { page: "moderation", name: "Moderate", to: href({ page: "moderation", tab: "accounts", subject: null }), operator: true },
];

const EXPLORED: Route["page"][] = ["explore", "profile", "thread", "record"];

export function Navigation({ page }: { page: Route["page"] }) {
  const { operator } = useSession();
  const at = EXPLORED.includes(page) ? "explore" : page;
  return (
    <nav aria-label="Pages">
      <ul>
        {PAGES.map((one) => (
          <li key={one.page}>
            <A to={one.to} aria-current={one.page === at ? "page" : undefined}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d={ICONS[one.page]} />
              </svg>
              <span>{one.name}</span>
              {one.operator && operator === null && (
                <svg className="lock" viewBox="0 0 24 24" role="img" aria-label="(sign in)">
                  <path d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />
                </svg>
              )}
            </A>
          </li>
        ))}
      </ul>
    </nav>
  );
}
