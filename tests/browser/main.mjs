// The dashboard in Chromium, as the operator and as anybody uses it. Started by tests/it/dashboard.rs.
import { content } from "./content.mjs";
import { keyboard } from "./keyboard.mjs";
import { looks } from "./looks.mjs";
import { moderation } from "./moderation.mjs";
import { operator } from "./operator.mjs";
import { explorer } from "./explorer.mjs";
import { outage } from "./outage.mjs";
import { run } from "./stage.mjs";

await run({ operator, explorer, content, moderation, keyboard, looks, outage });
