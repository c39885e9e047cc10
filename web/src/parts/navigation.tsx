// The pages: beside the content on a wide screen, below it on a phone. Those of who is signed in with their own account
// stand apart from those of the operator.
import { useLive, useOwn, useSession } from "../context.ts";
import { href, type Route } from "../router.ts";
import { A } from "./link.tsx";

const ICONS: Record<string, string> = {
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4Z",
  notifications: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4ZM10 21h4",
  bookmarks: "M6 4h12v16l-6-4-6 4Z",
  lists: "M4 6h.01M4 12h.01M4 18h.01M9 6h11M9 12h11M9 18h11",
  settings: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4",
  overview: "M4 19V9m5 10V5m5 14v-7m5 7V8",
  explore: "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14Zm5-2 4.500 4.500",
  feeds: "M4 5h16M4 10h16M4 15h10M4 20h6",
  hosts: "M4 5h16v5H4zM4 14h16v5H4zM7.500 7.500h.01M7.500 16.500h.01",
  parked: "M5 4h14v16H5zM10 16V8h3a2.500 2.500 0 0 1 0 5h-3",
  moderation: "M12 3 5 6v5c0 4.500 3 8.500 7 10 4-1.500 7-5.500 7-10V6Z",
  rejected: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18ZM5.800 5.800l12.400 12.400",
};

interface Place {
  page: string;
  name: string;
  to: string;
}

const OWN: Place[] = [
  { page: "home", name: "Home", to: href({ page: "home" }) },
  { page: "notifications", name: "Notifications", to: href({ page: "notifications" }) },
  { page: "bookmarks", name: "Bookmarks", to: href({ page: "bookmarks" }) },
  { page: "lists", name: "Lists", to: href({ page: "lists" }) },
  { page: "settings", name: "Settings", to: href({ page: "settings" }) },
];

const EXPLORE: Place = { page: "explore", name: "Explore", to: href({ page: "explore", q: "" }) };
const OVERVIEW: Place = { page: "overview", name: "Overview", to: href({ page: "overview" }) };

const OPERATOR: Place[] = [
  { page: "hosts", name: "Hosts", to: href({ page: "hosts" }) },
  { page: "feeds", name: "Feeds", to: href({ page: "feeds", minutes: 15 }) },
  { page: "parked", name: "Parked", to: href({ page: "parked", id: null }) },
  { page: "rejected", name: "Rejected", to: href({ page: "rejected", reason: null }) },
  { page: "moderation", name: "Moderate", to: href({ page: "moderation", tab: "accounts", subject: null }) },
];

const EXPLORED: Route["page"][] = ["explore", "profile", "thread", "record", "list"];

export function Navigation({ page }: { page: Route["page"] }) {
  const { operator } = useSession();
  const { person } = useOwn();
  const at = EXPLORED.includes(page) ? "explore" : page === "ranked" ? "home" : page;
  const isLocked = operator === null;
  const places = (list: Place[], locked: boolean) => list.map((place) => <Entry key={place.page} place={place} isHere={place.page === at} isLocked={locked} />);
  if (person == null) {
    return (
      <nav aria-label="Pages">
        <ul>
          {places([OVERVIEW], isLocked)}
          {places([EXPLORE], false)}
          {places(OPERATOR, isLocked)}
        </ul>
      </nav>
    );
  }
  // On a phone there is room for those that one can open; the settings are behind the picture above.
  return (
    <nav aria-label="Pages" className="own">
      <ul>
        {places([...OWN.slice(0, 2), EXPLORE, ...OWN.slice(2)], false)}
      </ul>
      <p className="wide-only muted" id="operator-pages">
        Operator
      </p>
      <ul className={isLocked ? "wide-only" : undefined} aria-labelledby="operator-pages">
        {places([OVERVIEW, ...OPERATOR], isLocked)}
      </ul>
    </nav>
  );
}

function Entry({ place, isHere, isLocked }: { place: Place; isHere: boolean; isLocked: boolean }) {
  const { unread } = useLive();
  const count = place.page === "notifications" ? (unread ?? 0) : 0;
  return (
    <li className={place.page === "settings" ? "lone" : undefined}>
      <A to={place.to} aria-current={isHere ? "page" : undefined}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d={ICONS[place.page]} />
        </svg>
        <span>{place.name}</span>
        {count > 0 && (
          <span className="count">
            {count > 99 ? "99+" : count}
            <span className="hidden"> unread</span>
          </span>
        )}
        {isLocked && (
          <svg className="lock" viewBox="0 0 24 24" role="img" aria-label="(sign in)">
            <path d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />
          </svg>
        )}
      </A>
    </li>
  );
}
