// The shell: who is signed in, what is around every page, and which page it is.
import { useEffect, useMemo, useRef, useState } from "react";
import { type Session, SessionContext } from "./context.ts";
import { useRoute } from "./navigate.ts";
import { Explore } from "./pages/explore.tsx";
import { Hosts } from "./pages/hosts.tsx";
import { Moderation } from "./pages/moderation.tsx";
import { Overview } from "./pages/overview.tsx";
import { Parked } from "./pages/parked.tsx";
import { ParkedOne } from "./pages/parked_one.tsx";
import { ProfilePage } from "./pages/profile.tsx";
import { RecordPage } from "./pages/record.tsx";
import { Rejected } from "./pages/rejected.tsx";
import { SignIn } from "./pages/sign_in.tsx";
import { ThreadPage } from "./pages/thread.tsx";
import { Keys, useKeys } from "./parts/keys.tsx";
import { A } from "./parts/link.tsx";
import { Navigation } from "./parts/navigation.tsx";
import { Search } from "./parts/search.tsx";
import { href, type Route } from "./router.ts";
import { load, save } from "./session.ts";
import { useTheme } from "./theme.ts";

const TITLES: Record<Route["page"], string> = {
  overview: "Overview",
  hosts: "Hosts",
  parked: "Parked entries",
  rejected: "Rejected events",
  moderation: "Moderation",
  explore: "Explore",
  profile: "Account",
  thread: "Thread",
  record: "Record",
  unknown: "Not found",
};

/** Pages to be read: their lines are not longer than is good for that. */
const READING: Route["page"][] = ["explore", "profile", "thread", "record"];

export function App() {
  const { route, address } = useRoute();
  const session = useOwnSession();
  const [theme, turnTheme] = useTheme();
  const [keysShown, setKeysShown] = useState(false);
  useKeys({ showKeys: () => setKeysShown(true), turnTheme });
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${TITLES[route.page]} · Millrace`;
    // Whoever follows a link by keyboard or hears the page goes on at its content.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [address, route.page]);
  return (
    <SessionContext value={session}>
      <a className="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        main.current?.focus();
      }}>
        Skip to content
      </a>
      <header className="top">
        <A className="brand" to={href({ page: "overview" })}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M3 8.500c3 0 3 2.500 6 2.500s3-2.500 6-2.500 3 2.500 6 2.500M3 14c3 0 3 2.500 6 2.500s3-2.500 6-2.500 3 2.500 6 2.500" />
          </svg>
          Millrace
        </A>
        <Search />
        <div className="tools">
          <button type="button" className="quiet" onClick={turnTheme} title="Light, dark or as the system" aria-label={`Theme: ${theme}`}>
            <span className="narrow-hidden">Theme: </span>
            {theme}
          </button>
          <button type="button" className="quiet wide-only" onClick={() => setKeysShown(true)} aria-label="Keyboard shortcuts">
            ?
          </button>
          {session.operator !== null && (
            <button type="button" className="quiet" onClick={() => session.signOut(false)}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <div className="frame">
        <Navigation page={route.page} />
        <main id="main" ref={main} tabIndex={-1} className={READING.includes(route.page) ? "reading" : undefined}>
          <Page route={route} session={session} />
        </main>
      </div>
      {keysShown && <Keys close={() => setKeysShown(false)} />}
    </SessionContext>
  );
}

function useOwnSession(): Session {
  const [operator, setOperator] = useState(() => load(sessionStorage));
  const [refused, setRefused] = useState(false);
  return useMemo(
    () => ({
      operator,
      refused,
      signIn: (operator) => {
        save(sessionStorage, operator);
        setOperator(operator);
        setRefused(false);
      },
      signOut: (refused) => {
        save(sessionStorage, null);
        setOperator(null);
        setRefused(refused);
      },
    }),
    [operator, refused],
  );
}

function Page({ route, session }: { route: Route; session: Session }) {
  switch (route.page) {
    case "explore":
      return <Explore q={route.q} />;
    case "profile":
      return <ProfilePage key={route.actor} actor={route.actor} tab={route.tab} />;
    case "thread":
      return <ThreadPage actor={route.actor} rkey={route.rkey} />;
    case "record":
      return <RecordPage actor={route.actor} collection={route.collection} rkey={route.rkey} />;
    case "unknown":
      return (
        <>
          <h1>There is no such page</h1>
          <p>
            Nothing of the dashboard is at <code>{route.path}</code>.
          </p>
          <p>
            <A to={href({ page: "overview" })}>Overview</A>
          </p>
        </>
      );
  }
  const operator = session.operator;
  if (operator === null) return <SignIn />;
  switch (route.page) {
    case "overview":
      return <Overview operator={operator} />;
    case "hosts":
      return <Hosts operator={operator} />;
    case "parked":
      return route.id === null ? <Parked operator={operator} /> : <ParkedOne key={route.id} operator={operator} id={route.id} />;
    case "rejected":
      return <Rejected operator={operator} reason={route.reason} />;
    case "moderation":
      return <Moderation operator={operator} tab={route.tab} subject={route.subject} />;
  }
}
