// Shows what the server pushes to this browser, whether a page is open or not. It takes part in nothing else: no page
// is answered from here.
const PAGES = "/dashboard/";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** What a message says; something is said even of one that cannot be read, for the browser demands it. */
function read(data) {
  try {
    const { title, body, url } = data.json() ?? {};
    if (typeof title === "string" && title !== "") return { title, body: typeof body === "string" ? body : "", url };
  } catch {
    // Below.
  }
  return { title: "Something is new", body: "", url: undefined };
}

/** A page of the dashboard, and no other. */
function pageOf(url) {
  const page = new URL(typeof url === "string" ? url : `${PAGES}notifications`, self.location.origin);
  return page.origin === self.location.origin && page.pathname.startsWith(PAGES) ? page.href : `${self.location.origin}${PAGES}notifications`;
}

self.addEventListener("push", (event) => {
  const { title, body, url } = read(event.data);
  event.waitUntil(self.registration.showNotification(title.slice(0, 300), { body: body.slice(0, 1_000), tag: "millrace", renotify: true, data: pageOf(url) }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const page = pageOf(event.notification.data);
  const open = async () => {
    const [seen] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    if (seen === undefined) return self.clients.openWindow(page);
    await seen.focus();
    return seen.navigate(page);
  };
  event.waitUntil(open());
});
