// Puts the dashboard on the page. A token behind the `#` signs its holder in, and is taken out of the address.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { byToken, save, tokenIn } from "./session.ts";
import "./style.css";

const token = tokenIn(location.hash);
if (token !== null) {
  save(sessionStorage, byToken(token));
  history.replaceState(null, "", location.pathname + location.search);
}

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
