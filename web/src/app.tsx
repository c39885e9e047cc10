// The shell: who is signed in, what is around every page, and which page it is.
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { ComposeContext, type Composing, LiveContext, type Own, OwnContext, type Session, SessionContext } from "./context.ts";
import { useLiveOf } from "./live.ts";
import { navigate, useRoute } from "./navigate.ts";
import { useOwnAccount } from "./own.ts";
import { Bookmarks } from "./pages/bookmarks.tsx";
import { Explore } from "./pages/explore.tsx";
import { FeedsPage } from "./pages/feeds.tsx";
import { Home } from "./pages/home.tsx";
import { Hosts } from "./pages/hosts.tsx";
import { ListPage } from "./pages/list.tsx";
import { Moderation } from "./pages/moderation.tsx";
import { MyLists } from "./pages/my_lists.tsx";
import { Notifications } from "./pages/notifications.tsx";
import { Overview } from "./pages/overview.tsx";
import { Parked } from "./pages/parked.tsx";
import { ParkedOne } from "./pages/parked_one.tsx";
import { ProfilePage } from "./pages/profile.tsx";
import { RecordPage } from "./pages/record.tsx";
import { Ranked } from "./pages/ranked.tsx";
import { Rejected } from "./pages/rejected.tsx";
import { Settings } from "./pages/settings.tsx";
import { SignIn } from "./pages/sign_in.tsx";
import { SignInOwn } from "./pages/sign_in_own.tsx";
import { ThreadPage } from "./pages/thread.tsx";
import { Compose } from "./parts/compose.tsx";
import { Keys, useKeys } from "./parts/keys.tsx";
import { A } from "./parts/link.tsx";
import { Navigation } from "./parts/navigation.tsx";
import { Avatar } from "./parts/people.tsx";
import { Search } from "./parts/search.tsx";
import { Loading } from "./parts/states.tsx";
import { leave, type Person } from "./person.ts";
import { href, type Route } from "./router.ts";
import { load, save } from "./session.ts";
import { type Theme, useTheme } from "./theme.ts";

const TITLES: Record<Route["page"], string> = {
  overview: "Overview",
  feeds: "Feeds",
  hosts: "Hosts",
  parked: "Parked entries",
  rejected: "Rejected events",
  moderation: "Moderation",
  home: "Home",
  ranked: "For you",
  notifications: "Notifications",
  bookmarks: "Bookmarks",
  lists: "Lists",
  list: "List",
  settings: "Settings",
  "sign-in": "Sign in",
  explore: "Explore",
  profile: "Account",
  thread: "Thread",
  record: "Record",
  unknown: "Not found",
};

/** Pages to be read: their lines are not longer than is good for that. */
const READING: Route["page"][] = ["home", "ranked", "notifications", "bookmarks", "lists", "list", "settings", "explore", "profile", "thread", "record"];

export function App() {
  const { route, address } = useRoute();
  const session = useOwnSession();
  const own = useOwnAccount();
  const live = useLiveOf(own.person?.did ?? null);
  const [theme, turnTheme, setTheme] = useTheme();
  const [keysShown, setKeysShown] = useState(false);
  const [composing, setComposing] = useState<Composing | null>(null);
  const compose = useMemo(() => (what: Composing) => setComposing(what), []);
  useKeys({ showKeys: () => setKeysShown(true), turnTheme, compose: () => own.person != null && setComposing({}) });
  useLanding(route, session, own);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const unread = live.unread ?? 0;
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${TITLES[route.page]} · Millrace`;
  }, [route.page, unread]);
  useEffect(() => {
    // Whoever follows a link by keyboard or hears the page goes on at its content.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [address, route.page]);
  return (
    <Contexts session={session} own={own}>
      <LiveContext value={live}>
        <ComposeContext value={compose}>
          <a className="skip" href="#main" onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}>
            Skip to content
          </a>
          <header className="top">
            <A className="brand" to={own.person == null ? href({ page: "overview" }) : href({ page: "home" })}>
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
                <button
                  type="button"
                  className="quiet"
                  title="You are signed in as the operator of this service"
                  aria-label="Operator: sign out"
                  onClick={() => session.signOut(false)}
                >
                  <span className="narrow-hidden">Operator: </span>
                  sign out
                </button>
              )}
              <Who own={own} address={address} isHere={route.page === "sign-in"} />
            </div>
          </header>
          <div className="frame">
            <Navigation page={route.page} />
            <main id="main" ref={main} tabIndex={-1} className={READING.includes(route.page) ? "reading" : undefined}>
              <Page route={route} address={address} session={session} own={own} theme={theme} setTheme={setTheme} />
            </main>
          </div>
          {keysShown && <Keys close={() => setKeysShown(false)} />}
          {composing !== null && own.person != null && <Compose person={own.person} what={composing} close={() => setComposing(null)} />}
        </ComposeContext>
      </LiveContext>
    </Contexts>
  );
}

function Contexts({ session, own, children }: { session: Session; own: Own; children: ReactNode }) {
  return (
    <SessionContext value={session}>
      <OwnContext value={own}>{children}</OwnContext>
    </SessionContext>
  );
}

/** With whose account somebody is signed in, or where they sign in. */
function Who({ own: { person }, address, isHere }: { own: Own; address: string; isHere: boolean }) {
  if (person === undefined || (person === null && isHere)) return null;
  if (person === null) {
    return (
      <A className="button" to={href({ page: "sign-in", error: null, message: null })} onClick={() => leave(sessionStorage, address, Date.now())}>
        Sign in
      </A>
    );
  }
  const name = person.profile?.handle ?? person.did;
  return (
    <A className="who" to={href({ page: "settings" })} aria-label={`Your account: ${name}`} title={`Your account: ${name}`}>
      <Avatar actor={person.profile ?? { did: person.did, handle: name }} size="small" />
    </A>
  );
}

/** The first page is the operator's; who is somebody else has a home of their own. */
function useLanding(route: Route, session: Session, own: Own) {
  const goesHome = route.page === "overview" && own.person != null && session.operator === null;
  const isFirst = useRef(true);
  useEffect(() => {
    // Who goes there on purpose is shown the operator's door.
    if (goesHome && isFirst.current) navigate(href({ page: "home" }), "replace");
    if (own.person !== undefined) isFirst.current = false;
  }, [goesHome, own.person]);
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

interface PageProps {
  route: Route;
  address: string;
  session: Session;
  own: Own;
  theme: Theme;
  setTheme: (theme: Theme) => void;
}

function Page({ route, address, session, own, theme, setTheme }: PageProps) {
  switch (route.page) {
    case "explore":
      return <Explore q={route.q} />;
    case "profile":
      return <ProfilePage key={route.actor} actor={route.actor} tab={route.tab} />;
    case "thread":
      return <ThreadPage actor={route.actor} rkey={route.rkey} />;
    case "list":
      return <ListPage key={address} actor={route.actor} rkey={route.rkey} />;
    case "record":
      return <RecordPage actor={route.actor} collection={route.collection} rkey={route.rkey} />;
    case "sign-in":
      return <SignInOwn error={route.error} message={route.message} here={address} />;
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
    case "home":
    case "ranked":
    case "notifications":
    case "bookmarks":
    case "lists":
    case "settings":
      if (own.person === undefined) return <Loading what="who is signed in" />;
      if (own.person === null) return <SignInOwn error={null} message={null} here={address} />;
      return <OwnPage key={own.person.did} page={route.page} person={own.person} theme={theme} setTheme={setTheme} />;
  }
  const operator = session.operator;
  if (operator === null) return <SignIn />;
  switch (route.page) {
    case "overview":
      return <Overview operator={operator} />;
    case "feeds":
      return <FeedsPage operator={operator} minutes={route.minutes} />;
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

type OwnPageName = "home" | "ranked" | "notifications" | "bookmarks" | "lists" | "settings";

function OwnPage({ page, person, theme, setTheme }: { page: OwnPageName; person: Person; theme: Theme; setTheme: (theme: Theme) => void }) {
  switch (page) {
    case "home":
      return <Home person={person} />;
    case "ranked":
      return <Ranked person={person} />;
    case "notifications":
      return <Notifications person={person} />;
    case "bookmarks":
      return <Bookmarks person={person} />;
    case "lists":
      return <MyLists person={person} />;
    case "settings":
      return <Settings person={person} theme={theme} setTheme={setTheme} />;
  }
}
